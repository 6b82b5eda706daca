"""Formulas: what is set, what is shown as typed, and that no formula can harm or hang."""

import re
import time
from pathlib import Path

import html5lib
import pytest

from tests.wiki.documented_formulas import MAX_UNSET, check, formulas
from tests.wiki.mathml_reader import strangers, structure, texts
from wiki.markup import render, temml
from wiki.markup.math import MAX_CHARACTERS, set_formula
from wiki.markup.mathml import Malformed, rebuild

CSS = Path(__file__).resolve().parents[2] / "static/css/math.css"


def test_formulas_of_documentation_are_set():
    sample = list(formulas())[::8]
    unset = check(sample)
    assert len(sample) == 544 and len(unset) <= MAX_UNSET * len(sample)
    assert not [tex for source, tex in unset if source.startswith("labml")]


@pytest.mark.parametrize("display", [True, False])
def test_formulas_of_the_old_site_look_right(display):
    made = set_formula(r"s(Z) = Z_1 \odot (W \hat{Z}) ,, b", display=display)
    assert not made.failure and "<mo>⊙</mo>" in made.html
    hat = r'<mover accent="true"><mi>Z</mi><mo stretchy="false" class="[^"]*">ˆ</mo></mover>'
    assert re.search(hat, made.html)
    assert made.html.count('<mo separator="true">,</mo>') == 2


def test_a_formula_holds_its_tex_once():
    tex = r"a < b & \text{\"c\" > 'd'}"
    made = set_formula(r"\begin{aligned}" + tex + r"\end{aligned}", display=True)
    assert texts(made.html) == (r"\begin{aligned}" + tex + r"\end{aligned}", "")


def test_an_unknown_command_shows_source_and_a_sentence():
    made = set_formula(r"\nosuch{<b>}", display=False)
    assert made.failure == r"The command \nosuch is not known here."
    assert r"<code>\nosuch{&lt;b&gt;}</code>" in made.html
    # The sentence around it has a full stop of its own.
    assert r">The command \nosuch is not known here</span>" in made.html


SENTENCES = [
    (r"\begin{nosuch}x\end{nosuch}", "The environment nosuch is not known here."),
    (r"\frac{a", "A } is missing."),
    ("a}", "There is a } too many."),
    ("x^", "Something is missing, perhaps after a ^ or _."),
    ("x^2^3", "Two superscripts follow each other: put braces around one."),
    (r"\def\a{\a}\a", "The macros of this formula never end."),
    (
        r"\begin{subequations}a\end{subequations}",
        "One environment alone may stand in subequations here.",
    ),
    ("x" * (MAX_CHARACTERS + 1), "This formula is longer than 4,000 characters."),
    ("{" * 201 + "}" * 201, "This formula is nested too deeply."),
    ("\x00", "This formula holds a character that no text can show."),
]


@pytest.mark.parametrize(("tex", "sentence"), SENTENCES)
def test_a_failure_is_said_in_a_sentence(tex, sentence):
    assert set_formula(tex, display=False).failure == sentence


@pytest.mark.parametrize(
    "tex",
    [
        r"\mbox{a}",
        r"\R^n \to \C",
        r"\newcommand{\R}{\mathcal{R}} \R",
        r"\DeclareMathOperator*{\best}{best} \best_x \norm{x}",
        r"\begin{eqnarray} a &=& b \nonumber \\ c &=& d \end{eqnarray}",
        r"a &= b \\ &= c",
        r"\begin{align} a &= b \end{align}",
        r"\tag{3} a",
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_habits_of_notes_are_understood(tex, display):
    made = set_formula(tex, display=display)
    assert not made.failure and not strangers(made.html)


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        (r"so \\(x_i \in R\\) is", r"x_i \in R"),
        (r"\\[ \\{a\\} \\\\ b\_1 \\]", r"\{a\} \\ b_1"),
        ("\\\\[\nx\n\\\\]", "x"),
    ],
)
def test_the_doubled_backslashes_of_kramdown_open_a_formula(text, tex):
    assert f'<annotation encoding="application/x-tex">{tex}</annotation>' in str(render(text))


@pytest.mark.parametrize("text", [r"\\(x", r"`\\(x\\)`", r"\\(\\)", r"a \\[5pt] b"])
def test_doubled_backslashes_without_an_end_or_content_are_no_formula(text):
    assert "<math" not in str(render(text))


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\url{javascript:alert(1)}",
        r"\includegraphics{https://example.org/x.png}",
        r"\htmlData{onclick=alert(1)}{x}",
        r"\data{onclick=alert(1)}{x}",
        r"\class{formula}{x}",
        r"\id{main}{x}",
        r"\style{position:fixed}{x}",
        r"\tag{<img onerror=alert(1)>} x",
        r"\color{red;position:fixed}x",
        r"\text{</annotation></semantics></math><script>alert(1)</script>}",
        r"\begin{align}\label{main}x\end{align}",
        r"\verb|<script>alert(1)</script>|",
        "\ud800",
        "\ufffe",
        r"\__proto__",
        r"\newcommand{\constructor}{x}\constructor",
        r"\color{constructor}x",
    ],
)
@pytest.mark.parametrize("display", [True, False])
def test_no_formula_brings_anything_but_a_formula_into_a_page(tex, display):
    made = set_formula(tex, display=display)
    assert strangers(made.html) == []
    made.html.encode()


@pytest.mark.parametrize(
    "markup",
    [
        "x",
        "<math>",
        "<math>x</math>",
        "<math></math><mi>x</mi>",
        "<math><math></math></math>",
        "<span></span>",
        "<math><mi>x</mo></math>",
        "<math><a href='x'></a></math>",
        "<math><mi onclick=x>x</mi></math>",
        "<math><script>alert(1)</script></math>",
        "<math><mtext><img></img></mtext></math>",
        "<math><mi>x</mi></math",
    ],
)
def test_other_markup_is_no_formula(markup):
    with pytest.raises(Malformed):
        rebuild(markup, breaks=True)


def test_unknown_attributes_are_left_out_and_counted():
    markup = (
        '<math><mi class="evil" style="position:fixed;" onclick="alert(1)" id="x">x</mi></math>'
    )
    made = rebuild(markup, breaks=True)
    assert made.inside == "<mi>x</mi>"
    assert made.dropped == {"class evil": 1, "position:fixed": 1, "onclick=alert(1)": 1, "id=x": 1}


def test_no_formula_changes_what_the_next_one_means():
    set_formula(r"\gdef\beta{X}\def\alpha{Y}\global\let\sum=\prod", display=True)
    html = set_formula(r"\alpha\beta\sum", display=True).html
    assert "α" in html and "β" in html and "∑" in html


BOMBS = {
    "a macro that calls itself": r"\def\a{\a\a}\a",
    "2^20 expansions": r"\def\a{xx}"
    + "".join(rf"\def\{chr(98 + i)}{{\{chr(97 + i)}\{chr(97 + i)}}}" for i in range(20))
    + r"\u",
    "edef": r"\edef\a{x}" + r"\edef\a{\a\a}" * 22 + r"\a",
    "xdef": r"\xdef\a{x}" + r"\xdef\a{\a\a}" * 22 + r"\a",
    "long arguments": r"\def\a#1{#1#1#1#1#1#1#1#1#1}\a{\a{\a{\a{\a{\a{x}}}}}}",
    "200,000 characters": "x+" * 100_000,
    "a matrix of 300 × 300": r"\begin{matrix}" + (("x&" * 299) + r"x\\") * 300 + r"\end{matrix}",
    "fractions in 3,000 fractions": r"\frac{" * 3_000 + "x" + "}{y}" * 3_000,
    "fractions in 10,000 fractions": r"\frac{" * 10_000 + "x" + "}{y}" * 10_000,
    "a depth that no brace shows": r"\def\a{\sqrt\bgroup\a}\a",
    "sizes in sizes": r"\displaystyle" * 300,
    "a group in a group, as deep as may be": r"\hat{" * 199 + "x" + "}" * 199,
    "text in formulas in text": r"\text{$" * 190 + "x" + "$}" * 190,
    "as many letters as may be": "x" * MAX_CHARACTERS,
    "as many scripts as may be": "x_i^2" * (MAX_CHARACTERS // 5),
    "as large a matrix as may be": r"\begin{matrix}" + "&" * 3_950 + r"\end{matrix}",
    "fences that match nothing": r"(" * 3_900,
    "accents": r"\hat" * 900 + "x",
    "a long name": "\\" + "a" * 3_900,
    "a tower of scripts": "x^{" * 199 + "}" * 199,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("display", [True, False])
def test_no_formula_takes_long(bomb, display):
    start = time.process_time()
    made = set_formula(BOMBS[bomb], display=display)
    assert time.process_time() - start < 1
    assert made.failure or not strangers(made.html)
    assert not set_formula("x", display=display).failure


def test_an_interpreter_that_met_a_limit_is_replaced(monkeypatch):
    monkeypatch.setattr(temml, "MAX_TIME_S", 0.0001)
    temml._interpreter.cache_clear()
    slow = r"\frac{1}{2}" * 300
    assert set_formula(slow, display=True).failure == "This formula is too complex to be set."
    monkeypatch.undo()
    assert not set_formula(slow + "x", display=True).failure


def test_no_length_leaves_the_page():
    html = set_formula(r"a\kern99999em b\rule{99999cm}{9999ex}\hspace{-99999pt}", display=True).html
    numbers = [float(number) for number in re.findall(r'="[+-]?([\d.]+)[a-z]+"', html)]
    assert numbers and max(numbers) <= 500


def test_a_coloured_base_is_one_base():
    html = set_formula(r"\textcolor{coral}{\phi(k)}^\top", display=True).html
    assert html.count('<msup><mrow><mi mathcolor="#ff7f50">ϕ</mi>') == 1
    assert "</mrow></mrow><mi>⊤</mi></msup>" in html


@pytest.mark.parametrize(("colour", "is_deep"), [("blue", True), ("#008", True), ("red", False)])
def test_a_dark_colour_gets_light_paper_in_the_dark(colour, is_deep):
    html = set_formula(rf"\textcolor{{{colour}}}{{x}}", display=False).html
    assert ('class="deep"' in html) == is_deep


def test_every_class_has_a_rule():
    rules = CSS.read_text()
    used = set()
    for _, display, tex in list(formulas())[::4]:
        for found in re.findall(r'class="([^"]*)"', set_formula(tex, display=display).html):
            used.update(found.split())
    assert len(used) > 30
    missing = {name for name in used if f".{name}" not in rules}
    assert not missing - {"said"}


def test_nothing_of_ordinary_formulas_is_left_out():
    left_out = {}
    for _, display, tex in list(formulas())[::8]:
        if not set_formula(tex, display=display).failure:
            left_out |= rebuild(
                temml.translate(tex, display=display).mathml, breaks=not display
            ).dropped
    assert left_out == {}


def test_an_inline_formula_may_be_broken_after_its_operators():
    html = set_formula("a = b + c", display=False).html
    rows = (
        "<mrow><mi>a</mi><mo>=</mo></mrow><mrow><mi>b</mi><mo>+</mo></mrow><mrow><mi>c</mi></mrow>"
    )
    assert f'<mrow class="breaks">{rows}</mrow>' in html
    assert "breaks" not in set_formula("a = b + c", display=True).html
    assert set_formula("z" * 30, display=False).html.count("</mrow><mrow>") == 2


@pytest.mark.parametrize(
    ("tex", "letters", "parts"),
    [
        (r"\dv{f}{x}", "dfdx", ["mfrac"]),
        (r"\dv[2]{f}{x} y", "d2fdx2y", ["mfrac", "msup", "msup"]),
        (r"\dv{x}", "ddx", ["mfrac"]),
        (r"\pdv{f}{x}{y}", "∂2f∂x∂y", ["mfrac", "msup"]),
        (r"\SI{3e8}{\metre\per\second\squared}", "3×108ms−2", ["msup", "msup"]),
        (r"\qty{5.2}{\kilo\gram}", "5.2kg", []),
        (r"\si{m/s} \num{1,000}", "m/s1,000", []),
        (r"\ce{2H2 + O2 -> 2H2O}", "2H2+O2⟶2H2O", ["msub", "msub", "msub"]),
        (r"\ce{SO4^2-} \ce{Na+}", "SO42−Na+", ["msubsup", "msup"]),
        (r"\ce{Fe(OH)3(s)}", "Fe(OH)3(s)", ["msub"]),
        (r"\bm{x}", "𝒙", []),
        (r"\newcommand{\ce}[1]{#1} \ce{H2}", "H2", []),
    ],
)
def test_what_a_small_table_has_of_packages_is_set(tex, letters, parts):
    made = set_formula(tex, display=True)
    tree = html5lib.parseFragment(made.html.partition("<annotation")[0], treebuilder="etree")
    assert "".join("".join(tree.itertext()).split()).replace("\u2061", "") == letters
    assert structure(made.html) == parts and not strangers(made.html)


@pytest.mark.parametrize(
    ("tex", "sentence"),
    [
        (r"\dv*{f}{x}", r"\dv* is not known here: leave the star out."),
        (r"\SI{3}{\furlong}", r"The unit \furlong is not known here."),
        (r"\num{abc}", "The number abc is not known here."),
        (r"\SI[mode=x]{3}{m}", r"The options of \SI are not known here."),
        (r"\ce{A ->[H2O] B}", r"\ce{->[H2O]} is more chemistry than is known here."),
        (r"\qty{3}{<b>}", "The unit <b> is not known here."),
    ],
)
def test_what_the_table_lacks_is_refused_in_words(tex, sentence):
    assert set_formula(tex, display=True).failure == sentence
    assert "<b>" not in set_formula(tex, display=True).html
