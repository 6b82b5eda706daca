r"""Environments without dollars, their numbers, and references that lead to them."""

import re

import html5lib
import pytest

from tests.wiki.mathml_reader import MATHML, sources, strangers, structure
from wiki.markup import render
from wiki.rendering import sandbox

HTML = "{http://www.w3.org/1999/xhtml}"


def numbers(html):
    return re.findall(r'<mtext class="number">(.*?)</mtext>', html)


def links(html):
    """Return what references show, and what stands where they lead."""
    tree = html5lib.parseFragment(html, treebuilder="etree")
    places = {element.get("id"): element for element in tree.iter() if element.get("id")}
    found = [one for one in tree.iter(f"{HTML}a") if one.get("class") == "eqref"]
    return [("".join(one.itertext()), places[one.get("href")[1:]]) for one in found]


TEXT = r"""
\begin{equation}
E = mc^2 \label{eq:energy}
\end{equation}

\begin{align}
a &= b \label{eq:a} \\
c &= d \nonumber \\
e \label{eq:e} &= f
\end{align}

By \eqref{eq:energy} and $\eqref{eq:e}$ and $\ref{eq:a}$, $\text{see \eqref{eq:a}}$, we are done.
"""


def test_environments_without_dollars_are_numbered_and_can_be_referred_to():
    html = str(render(TEXT))
    assert numbers(html) == ["(1)", "(2)", "(3)"]
    said = [(shown, re.findall("[a-z]", "".join(place.itertext()))) for shown, place in links(html)]
    assert said == [
        ("(1)", list("mc")),
        ("(3)", list("ef")),
        ("2", list("ab")),
        ("(2)", list("ab")),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"\begin{align*} a \end{align*} \begin{gather} b \\ c \end{gather}", ["(1)", "(2)"]),
        (r"\begin{multline} a \\ b \\ c \end{multline}", ["(1)"]),
        (r"\begin{equation*} a \end{equation*} \[ b \] $$ c $$", []),
        (
            r"\begin{flalign} a &= b \end{flalign} \begin{alignat}{2}a&=b&c&=d\end{alignat}",
            ["(1)", "(2)"],
        ),
        (r"\begin{eqnarray} a &=& b \\ &\le& c \notag \\ & & d \end{eqnarray}", ["(1)", "(2)"]),
        (r"\begin{align} a \tag{*} \\ b \end{align}", ["(1)"]),
        (r"\begin{equation} \begin{split} a &= b \\ &= c \end{split} \end{equation}", ["(1)"]),
        (r"$$\begin{equation} a \end{equation}$$ \[\begin{align} b \end{align}\]", ["(1)", "(2)"]),
        (
            r"\begin{subequations} \begin{align} a \\ b \end{align} \end{subequations}"
            r" \begin{equation} c \end{equation}",
            ["(1a)", "(1b)", "(2)"],
        ),
        (r"\begin{equation} \nosuch \end{equation} \begin{equation} b \end{equation}", ["(1)"]),
    ],
)
def test_each_environment_has_the_numbers_that_latex_gives_it(text, shown):
    for lines in (text, text.replace(" ", "\n")):
        assert numbers(str(render(lines))) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"$$x \tag{*} \label{a}$$ \eqref{a} \ref{a}", ["(*)", "*"]),
        (r"$$x \tag*{Q} \label{a}$$ \eqref{a} \ref{a}", ["(Q)", "Q"]),
        (r"\begin{align} x \tag{$\dag$} \label{a} \end{align} \eqref{a}", ["(†)"]),
        (r"$$x \label{eq:q}$$ \eqref{eq:q}", ["(eq:q)"]),
        (r"\begin{multline} a \label{a} \\ b \end{multline} \eqref{a}", ["(1)"]),
        (r"\begin{align} a \nonumber \label{a} \\ b \end{align} \eqref{a}", ["(a)"]),
        (
            r"\begin{subequations}\label{p}\begin{align} a \label{a} \\ b \label{b} \end{align}"
            r"\end{subequations} \eqref{p} \eqref{b}",
            ["(1)", "(1b)"],
        ),
        (r"\begin{equation}\begin{aligned} a \label{a} \end{aligned}\end{equation} \ref{a}", ["1"]),
        (r"$\newcommand{\eq}[1]{\label{eq:#1}}$ $$x \eq{a} \tag{7}$$ \ref{eq:a}", ["7"]),
        (
            r"\begin{equation} a \label{a:b} \end{equation} \begin{equation} b \label{ab}"
            r" \end{equation} \ref{ab} \ref{a:b}",
            ["2", "1"],
        ),
        (r"\begin{equation} a \label{a} \end{equation} $$b \label{a}$$ \ref{a}", ["1"]),
        (r"before, \ref{a}: \begin{equation} a \label{a} \end{equation}", ["1"]),
    ],
)
def test_a_reference_shows_what_its_equation_is_called(text, shown):
    html = str(render(text))
    assert [what for what, _ in links(html)] == shown
    assert not strangers(re.sub("</?p>", "", html))


def test_each_label_leads_to_its_own_equation():
    text = r"$$x \label{a} \label{b}$$ $$y \label{c}$$ $$z \label{d}$$ \ref{a}\ref{b}\ref{c}\ref{d}"
    places = [place for _, place in links(str(render(text)))]
    assert [next(place.iter(f"{MATHML}mi")).text for place in places] == list("xxyz")


def test_a_reference_to_nothing_says_so_in_words():
    html = str(render(r"\eqref{no<pe} and $a \ref{no<pe}$ and `\eqref{x}` and \\eqref{y}"))
    assert r"<code>\eqref{no&lt;pe}</code>" in html
    assert "No equation of this note has this label</span>" in html
    assert "<mtext>(no equation “no&lt;pe”)</mtext>" in html
    assert r"<code>\eqref{x}</code> and \eqref{y}" in html


def test_no_reference_in_a_link_is_a_link_and_headings_and_pictures_keep_their_words():
    text = r"[see \eqref{a} $\ref{a}$](https://x.org) \begin{equation}x\label{a}\end{equation}"
    assert links(str(render(text))) == []
    assert "see (1) <math>" in str(render(text))
    made = render("# On \\eqref{a}\n\n![\\eqref{a}](x.png)\n\n$$x \\label{a} \\tag{7}$$")
    assert made.headings()[0].text == r"On \eqref{a}"
    assert [shown for shown, _ in links(str(made))] == ["(7)"]


def test_ids_of_equations_stay_apart_on_a_page_with_several_texts():
    made = render(TEXT)
    html = made.fill({}, ids="other-")
    assert 'id="other-eq:3"' in html and 'href="#other-eq:3"' in html and '"n-eq' not in html


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("- item\n\n  \\begin{align}\n  a &= b \\\\\n  c &= d\n  \\end{align}\n\n  after", "ul"),
        ("> \\begin{align}\n> a &= b \\\\\n> c &= d\n> \\end{align}\n> after", "blockquote"),
        ("text\n\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align} after", None),
        ("text \\begin{align}\na &= b \\\\\nc &= d\n\\end{align} after", "p"),
        ("\\begin{align}\na &= b \\\\\n\n= c &= d\n\\end{align}\nafter", None),
        ("So \\[\n\\begin{aligned}\na \\\\ b\n\\end{aligned}\n\\] after", "p"),
        ("So $$\n\\begin{aligned}\na \\\\ b\n\\end{aligned}\n$$ after", "p"),
        (
            "[^1]\n\n[^1]: Note\n\n    \\begin{align}\n    a \\\\ b\n    \\end{align}\n\n    after",
            "li",
        ),
        ("costs $5\n\\begin{align}\na \\\\ b\n\\end{align}\nafter", "p"),
    ],
)
def test_an_environment_stands_wherever_a_formula_may(text, around):
    html = str(render(text))
    assert len(sources(html)) == 1 and structure(html) == ["mtr", "mtr"]
    assert "\\begin" not in re.sub("<annotation.*?</annotation>", "", html, flags=re.DOTALL)
    rest = html.partition("</math>")[2]
    assert "after" in rest and "$" not in rest and "]" not in rest
    if around:
        assert f"<{around}" in html.partition("<math")[0]


@pytest.mark.parametrize(
    "text",
    [
        "\\begin{itemize}\n\\item a\n\\end{itemize}",
        "\\begin{equation}\nx\n\nand no end",
        "\\end{equation}",
        "> \\begin{equation}\n\nx \\end{equation}",
        "- \\begin{equation}\n\nx \\end{equation}",
    ],
)
def test_what_is_no_environment_of_formulas_stays_text(text):
    html = str(render(text))
    assert "<math" not in html and "equation}" in html or "itemize" in html


def test_a_child_numbers_and_defines_as_the_renderer_does():
    assert str(sandbox.render(TEXT)) == str(render(TEXT).narrowed())
