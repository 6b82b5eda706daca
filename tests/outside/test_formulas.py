"""All formulas of the data set, of which `make test` looks at every eighth; and KaTeX's view."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import quickjs

from tests.outside.structures import RULES, causes, structure
from tests.wiki.documented_formulas import MAX_UNSET, check, formulas
from wiki.markup.math import set_formula

pytestmark = pytest.mark.outside

MIN_EQUAL = 0.95

# What of other programs' bug reports came out as something else, whatever set it.
CASES = [
    *(r"\overset{\rightarrow}{AB}", r"\overset{a}{AB}", r"\overset{\frown}{AB}", r"\overset{2}{x}"),
    *(
        r"\overset{a}{X}^2_i",
        r"\overset{a}{\sum}_1^2",
        r"\overset{\text{def}}{=}",
        r"\overrightarrow{AB}",
    ),
    *(r"\underset{x}{AB}", r"\underset{x\to0}{\lim} f", r"\stackrel{a}{X}", r"\stackrel{!}{=} b"),
    *(r"\overset{a}{\underset{b}{X}}", r"\overbrace{x+y}^{n}", r"\underbrace{x+y}_{n}", r"a \\ b"),
    *(
        "_2",
        "^{10}",
        r"x'^2",
        r"{}_a^b X",
        r"\mathop{X}_a^b",
        r"\lim_{x \to 0}^{y} \max_z",
        r"\binom{n}{k}^2",
    ),
    *(
        r"\newcommand{\norm}[1]{\left\Vert #1 \right\Vert} \norm{x_1}^2",
        r"\def\a#1{\frac{#1}{2}} \a{x}_3",
    ),
    *(
        r"\begin{align} a &= b \\ c &= d \nonumber \end{align}",
        r"\begin{multline} a \\ b \end{multline}",
    ),
    *(
        r"\begin{gather} a^2 \\ \frac{b}{c} \end{gather}",
        r"\begin{cases} a & b \\ c & d \end{cases}",
    ),
    *(
        r"\begin{equation} \sqrt{x} \tag{1} \end{equation}",
        r"\sqrt[3]{x}^2",
        r"\hat{x}_i^2",
        r"\dot{\vec{x}}",
    ),
]

# Differences that no rule of tests/outside/structures.py takes away, by how the formula begins.
KNOWN = {
    r"\displaystyle\int\limits_2^3": r"KaTeX forgets \limits in text style, where LaTeX heeds it.",
    r"\textstyle \int\limits_{-N}": r"KaTeX forgets \limits in text style, where LaTeX heeds it.",
    r"\begin{array}{l} \displaystyle \int + \oint": r"KaTeX forgets \limits in text style.",
    r"\begin{align} a &= 1 & b &= 2": r"KaTeX counts an empty row after the last \\.",
    r"\begin{array}{lccccc} \text{\'\i}": "Temml shows composed letters where there are any.",
    r"\begin{matrix}\text{ÀàÇçÉé": "Temml shows composed letters where there are any.",
    r"\begin{CD} A @<a<< B": "Temml sets words at the arrows of a diagram one by one.",
    r"\begin{matrix} \frac{a}{a\raisebox": r"Temml centres a \vcenter by a table of one row.",
}


def test_all_formulas_of_documentation_are_set(capsys):
    sample = list(formulas())
    unset = check(sample)
    with capsys.disabled():
        print(f"\n{len(sample) - len(unset)} of {len(sample)} formulas set")
    assert len(sample) == 4352 and len(unset) <= MAX_UNSET * len(sample)
    assert not [tex for source, tex in unset if source.startswith("labml")]


@pytest.fixture
def katex(suite: Callable[[str], Path]) -> Callable[[str, bool], str]:
    """Set a formula by KaTeX: its MathML, or nothing where it cannot."""
    code = """
    function byKatex(tex, displayMode) {
      const options = {displayMode, output: "mathml", throwOnError: true, strict: false};
      try { return JSON.stringify(katex.renderToString(tex, options)); } catch { return '""'; }
    }"""
    source = suite("katex/dist/katex.min.js").read_text(encoding="utf-8")
    function = quickjs.Function("byKatex", source + code, own_executor=True)
    function.set_max_stack_size(4 * 1024**2)
    return lambda tex, display: json.loads(function(tex, display, run_gc=False))


def _comparable(katex: Callable[[str, bool], str]) -> Iterator[tuple[str, str, str]]:
    """Yield formulas that both programs set, and what they make of them."""
    documented = [(tex, display) for _, display, tex in formulas()]
    for tex, display in [*((tex, True) for tex in CASES), *documented]:
        ours, theirs = set_formula(tex, display=display), katex(tex, display)
        if theirs and not ours.failure:
            yield tex, ours.html, theirs


def test_formulas_mean_what_katex_says(katex, capsys):
    """Every difference has a cause; a new one may be one of meaning, and is shown whole."""
    found: Counter[str] = Counter()
    unexplained = []
    for tex, ours, theirs in _comparable(katex):
        needed = causes(ours, theirs)
        if needed is not None:
            found[" and ".join(needed) or "equal"] += 1
        elif known := next(filter(tex.startswith, KNOWN), ""):
            found[known] += 1
        else:
            unexplained.append((tex, structure(ours, ()), structure(theirs, ())))
    count = sum(found.values())
    with capsys.disabled():
        print(f"\n{found['equal']} of {count} formulas have the structure that KaTeX gives them")
        for cause, times in found.most_common()[1:]:
            said = KNOWN.get(cause) or " ".join(RULES[one] for one in cause.split(" and "))
            print(f"{times} differ by {cause}: {said}")
    assert unexplained == [] and set(KNOWN) <= set(found)
    assert count > 4300 and found["equal"] >= MIN_EQUAL * count


MEANINGS = [
    (r"\overset{a}{X}", "X^a"),
    (r"\underset{a}{X}", "X_a"),
    (r"\frac{a}{b}", "a/b"),
    (r"\sqrt{x}^2", r"\sqrt{x^2}"),
    (r"x_{a^b}", "x_a^b"),
    (r"\begin{aligned} a \\ b \end{aligned}", "ab"),
    ("(a^2)_b", "a^2_b"),
]


@pytest.mark.parametrize(("tex", "other"), MEANINGS)
def test_the_look_sees_a_formula_that_means_something_else(katex, tex, other):
    set_display = partial(set_formula, display=True)
    assert causes(set_display(tex).html, katex(tex, True)) is not None
    assert causes(set_display(other).html, katex(tex, True)) is None
    assert causes(set_display(tex).html, katex(other, True)) is None
