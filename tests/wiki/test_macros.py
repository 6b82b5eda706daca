r"""A note's own commands: `\newcommand` and its like hold from there to the end of the note."""

import re
from html import unescape

import pytest

from tests.wiki.mathml_reader import sources, strangers
from wiki.markup import macros, math, render
from wiki.markup.math import set_formula
from wiki.rendering import sandbox


def shown(text):
    """Return the letters of each formula, or the sentence why it could not be set."""
    html = re.sub("<annotation.*?</annotation>", "", str(render(text)), flags=re.DOTALL)
    found = re.findall(r'<math.*?</math>|<span class="said">.*?</span>', html, re.DOTALL)
    return [unescape(re.sub("<[^>]*>|[\u2061\\s]", "", one)) for one in found]


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        (r"$$\newcommand{\norm}[1]{\left\Vert #1 \right\Vert}$$ $\norm{x}$", ["", "‖x‖"]),
        (r"$\newcommand{\ie}{\text{i.e.}}\def\RR{\mathbb{R}}$ $\RR, \ie$", ["", "ℝ,i.e."]),
        (
            "$$\n\\gdef\\foo{x+y}\n\\DeclareMathOperator{\\argmin}{arg}\n$$ $\\foo\\argmin z$",
            ["", "x+yargz"],
        ),
        (
            r"$\newcommand{\argmin}{A}\newcommand\set[1]{S#1}\newcommand{\bra}[1]{B#1}$"
            r" $\argmin\set1\bra2$",
            ["", "AS1B2"],
        ),
        (r"$\DeclareMathOperator*{\set}{sup}$ $$\set_x$$", ["", "supx"]),
        (r"$\newcommand{\p}[2][z]{#1/#2}$ $\p1\,\p[q]2\,\p[{]}]3$", ["", "z/1q/2]/3"]),
        (r"$\newcommand*\q[1]{<#1>}$ $\q{x}$", ["", "<x>"]),
        (r"$\newcommand{\a}{1}$ $\a$ $\renewcommand{\a}{2}\a$ $\a$", ["", "1", "2", "2"]),
        (r"$\newcommand{\a}{1}$ $\providecommand{\a}{2}\providecommand{\b}{3}\a\b$", ["", "13"]),
        (r"$\def\a#1.{[#1]}$ $\a x.y$", ["", "[x]y"]),
        (r"$\let\a=\set\let\b\alpha\let\c\norm$ $\a{x}\b$", ["", "{x}α"]),
        (r"$\def\a{1}\edef\b{\a}\def\a{2}$ $\a\b$", ["", "21"]),
        (r"$\def\a{\b}\def\b{1}$ $\a$ $\def\b{2}$ $\a$", ["", "1", "", "2"]),
        (r"$\def\a{1}$ ${\def\a{2}\gdef\b{3}\a}$ $\a\b$", ["", "2", "13"]),
        (r"$\a$ $\def\a{1}$ $\a$", [r"Thecommand\aisnotknownhere", "", "1"]),
        (r"`$\def\a{1}$` $\a$", [r"Thecommand\aisnotknownhere"]),
        # One that cannot be set defines nothing.
        (
            r"$\def\a{1}\nosuch$ $\a$",
            [r"Thecommand\nosuchisnotknownhere", r"Thecommand\aisnotknownhere"],
        ),
        # Names that stand in what other names become.
        (
            r"$\a\iff\b$ $\def\Longleftrightarrow{!}$ $a\iff b$",
            [r"Thecommand\aisnotknownhere", "", "a!b"],
        ),
        (r"$\def\R{r}$ $\R\C$", ["", "rℂ"]),
        (r"\begin{align}\newcommand{\a}{1}\a\end{align} $\a$", None),
    ],
)
def test_what_a_formula_defines_holds_in_those_behind_it(text, formulas):
    assert formulas is None or shown(text) == formulas
    html = str(render(text))
    assert not strangers(re.sub("</?(p|code)>", "", html))
    assert str(render(text)) == html


def test_what_only_defines_leaves_no_gap_and_can_be_copied():
    html = str(render("$$\n\\def\\a{1}\n$$"))
    assert '<span class="formula definitions"><math display="block">' in html
    assert sources(html) == [r"\def\a{1}"]


def test_no_note_reaches_into_another():
    """Formulas are remembered by their text, and by what their commands mean there."""
    for meaning in ("1", "2", "1"):
        assert shown(rf"$\def\a{{{meaning}}}$ $\a+x$") == ["", f"{meaning}+x"]
    assert shown(r"$\a+x$") == [r"Thecommand\aisnotknownhere"]
    assert shown(r"$\def\sum{S}\def\alpha{a}$ $\sum\alpha$") == ["", "Sa"]
    assert shown(r"$\sum\alpha$") == ["∑α"]


def test_a_remembered_formula_defines_again():
    for _ in range(2):
        assert shown(r"$\newcommand{\remembered}{7}$ $\remembered$") == ["", "7"]


def test_importing_knows_which_formulas_a_note_makes_possible():
    (found,) = sandbox.survey([("", r"$\def\a{1}$ $\a$ $\b$")])
    assert found.formulas == (r"\def\a{1}", r"\a", r"\b") and found.unset == (r"\b",)


def test_a_note_defines_no_more_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(macros, "MAX_MACROS", 2)
    html = str(render(r"$\def\a{1}\def\b{2}$ $\def\q{3}$ $\a\b$ $\q$"))
    assert html.count("This note defines more commands than there is room for") == 1
    assert r"The command \q is not known here" in html and "<mn>12</mn>" in html
    monkeypatch.undo()
    long = "".join(
        rf"$\def\x{chr(97 + i // 26)}{chr(97 + i % 26)}{{{'y' * 3000}}}$ " for i in range(40)
    )
    assert "more commands than there is room for" in str(render(long))


BOMBS = {
    "doubling": [rf"\def\{chr(98 + i)}{{\{chr(97 + i)}\{chr(97 + i)}}}" for i in range(20)]
    + [r"\u"],
    "growing": [r"\def\a{x}"] + [r"\xdef\a{\a\a}"] * 30 + [r"\a"],
    "never": [r"\def\a{\a\a}", r"\a", r"\def\b{\sqrt\bgroup\b}", r"\b"],
    "long": [r"\def\a#1{#1#1#1#1#1#1#1#1#1}", r"\a{\a{\a{\a{\a{\a{x}}}}}}"],
    "wide": [rf"\def\a{{{'x' * 3900}}}", r"\a" * 900, r"\a" * 901],
    "names": [r"\def\__proto__{x}\def\constructor{y}", r"\constructor\__proto__\toString"],
    "ends": [r"\def\end{x}\def\begin{y}\def\left{z}", r"\begin{align}a\end{align}\left( x\right)"],
    "undone": [
        r"\let\label\undefined\let\ref\frac\let\gathered\alpha",
        r"\label{x}\ref{y}{z} a \\ b",
    ],
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_definitions_leave_the_formula_or_harm_the_next(bomb):
    html = str(render("\n\n".join(f"$${tex}$$" for tex in BOMBS[bomb])))
    assert not strangers(html.replace("<p>", "").replace("</p>", ""))
    assert not set_formula("x", display=True).failure


@pytest.mark.parametrize(
    "text",
    [
        r'$$x \label{"><script>alert(1)</script>}$$ \eqref{"><script>alert(1)</script>}',
        r"$\def\x{javascript:alert(1)}$ $\href{\x}{y}$ $\ref{\x}$",
        r"$\newcommand{\a}{\class{b}{c}}$ $\a$ $\let\h\href\h{javascript:1}{x}$",
        r"$\def\label#1{\id{main}{#1}}$ $\label{x}$ $\noexpand\label{7}\noexpand\ref{9}$",
        r"$\def\ref#1{\url{#1}}$ $\ref{javascript:1}$ \ref{javascript:1}",
        "$$x \\label{\ufdd0\ufdd1\ufdd2\ufdd3}$$ \\eqref{\ufdd0\ufdd1\ufdd2\ufdd3} \ufdd1 $\ufdd3$",
        r'$\char"FDD1 \char"FDD2 \char"FDD3 x$ $\eqref{\char"FDD3}$',
        r"$\tag{$\eqref{x}$} \label{x} x$ \eqref{x}",
        r"$x \label{#1}\label{#} \label{}$ \eqref{#1} \ref{ }",
    ],
)
def test_labels_and_definitions_bring_nothing_but_a_formula_into_a_page(text):
    html = re.sub("</?(p|code)>", "", str(render(text)))
    assert not strangers(html) and "\ufdd3" not in html


def test_numbers_and_tags_define_nothing():
    tex = r"\begin{align} a \nonumber \\ b \tag{*} \end{align}"
    assert set_formula(tex, display=True).defined == {}


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(math, "_memory", math._Memory())
    monkeypatch.setattr(math._Memory, "MAX_CHARACTERS", 2_000)
    for letter in "abcdefghijk":
        set_formula(f"{letter} + {letter}", display=False)
    assert 0 < math._memory.characters <= 2_000 and 1 < len(math._memory.kept) < 11
    assert not set_formula("z" * 3_000, display=False).failure
    assert len(math._memory.kept) < 11
