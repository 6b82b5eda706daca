"""Temml, which translates TeX to MathML, in an interpreter with limits of its own."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import quickjs

HERE = Path(__file__).resolve().parent
TEMML = HERE.parents[1] / "static/vendor/temml/temml.min.js"
# Of processor time; the longest of 4,352 formulas out of documentation takes 20 ms.
MAX_TIME_S = 0.25
MAX_MEMORY = 64 * 1024**2
# The interpreter has a thread of its own, with a stack of 8 MB on every system.
MAX_STACK = 6 * 1024**2
LIMITS = {"maxExpand": 1000, "maxSize": [40, 480]}  # expansions; em and points

# What LaTeX and its common packages have and Temml has not.
MACROS = {
    r"\mbox": r"\text{#1}",  # the older name of \text; 8 of 4,352 formulas
    r"\ensuremath": "{#1}",  # does nothing inside a formula
    r"\strut": r"\mathstrut",
    r"\empty": r"\emptyset",  # MediaWiki's name
    r"\mathds": r"\mathbb{#1}",  # package dsfont: the 1 of an indicator
    r"\mathbbm": r"\mathbb{#1}",  # package bbm: the same
    r"\nicefrac": r"{}^{#1}\!/_{#2}",  # package nicefrac
    r"\DeclareMathOperator": r"\@ifstar\declare@limits\declare@operator",  # amsmath
    r"\declare@operator": r"\newcommand{#1}{\operatorname{#2}}",
    r"\declare@limits": r"\newcommand{#1}{\operatorname*{#2}}",
}
# Names that many notes use without defining them, and others define themselves: they only
# hold where the formula could not be set without.
SHORTHANDS = {
    **{rf"\{letter}": rf"\mathbb{{{letter}}}" for letter in "CENQRZ"},
    **{rf"\{name}": rf"\operatorname{{{name}}}" for name in ("diag", "rank", "tr", "Var")},
    r"\abs": r"\left\lvert#1\right\rvert",
    r"\norm": r"\left\lVert#1\right\rVert",
}


class Unset(Exception):
    """A formula that cannot be set; its text is a sentence for the writer."""


@dataclass(frozen=True)
class Translated:
    """Temml's markup, which nobody has checked yet.

    labels, references: names by the number that stands for them in the markup. defined: the
    macros that hold from here on, as set_formula.js keeps them.
    """

    mathml: str
    labels: Sequence[str] = ()
    references: Sequence[str] = ()
    defined: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def translate(tex: str, *, display: bool, macros: str = "{}") -> Translated:
    """Return what Temml makes of a formula; macros: those in force, as JSON.

    Bounded in time, memory and depth. Raises Unset for whatever prevents it.
    """
    try:
        interpreter = _interpreter(os.getpid())
        answer = json.loads(interpreter(_modern(tex), display, macros, run_gc=False))
    except quickjs.JSException as error:
        # A limit, or a formula that upset the translator itself: what is left of that
        # interpreter serves nobody any more.
        _interpreter.cache_clear()
        if isinstance(error, quickjs.StackOverflow):
            raise Unset("This formula is nested too deeply.") from error
        raise Unset("This formula is too complex to be set.") from error
    if "wrong" in answer:
        raise Unset(_sentence(answer["wrong"]))
    return Translated(**answer)


@lru_cache(maxsize=1)
def _interpreter(pid: int) -> quickjs.Function:
    """Start an interpreter: one per process, as a fork has none of its parent's threads."""
    values = {"MACROS": MACROS, "SHORTHANDS": SHORTHANDS, "LIMITS": LIMITS}
    code = [TEMML.read_text(encoding="utf-8")]
    code += [f"const {name} = {json.dumps(value)};" for name, value in values.items()]
    scripts = ("set_packages.js", "set_formula.js")
    code += [(HERE / name).read_text(encoding="utf-8") for name in scripts]
    function = quickjs.Function("setFormula", "\n".join(code), own_executor=True)
    function.set_max_stack_size(MAX_STACK)
    function.set_memory_limit(MAX_MEMORY)
    function.set_time_limit(MAX_TIME_S)
    return function


def _modern(tex: str) -> str:
    """Replace environments that Temml lacks by what is nearest to them.

    flalign only sends its columns to the margins; eqnarray is the align of old LaTeX.
    """
    tex = re.sub(r"\\(begin|end)\{flalign(\*?)\}", r"\\\1{align\2}", tex)
    return _EQNARRAY.sub(_aligned, tex) if "eqnarray" in tex else tex


_EQNARRAY = re.compile(r"\\begin\{eqnarray(\*?)\}(.*?)\\end\{eqnarray\1\}", re.DOTALL)
# The relation in the middle, which has a column of its own.
_MIDDLE = re.compile(r"&(\s*(?:[=<>~+-]|\\[A-Za-z]+)?\s*)&")


def _aligned(eqnarray: re.Match[str]) -> str:
    star, body = eqnarray.groups()
    if r"\begin" in body:  # its & may be those of a matrix
        return rf"\begin{{darray}}{{rcl}}{body}\end{{darray}}"
    body = _MIDDLE.sub(r"&\1", body)
    return rf"\begin{{align{star}}}{body}\end{{align{star}}}"


_SENTENCES = [
    (r"Unsupported function name: (\\\S+)", "The command {} is not known here."),
    (r"Undefined control sequence: (\S+)", "The command {} is not known here."),
    (r"No such environment: subequations", "One environment alone may stand in subequations here."),
    (r"No such environment: (\S+)", "The environment {} is not known here."),
    (r"Function [\"'](\\\w+)[\"'] is not trusted", "The command {} is not allowed here."),
    (r"Expected '.+', got '&'", "An & stands outside any table or alignment."),
    (r"Expected 'EOF', got '\\end'", r"An \end stands without its \begin."),
    (r"(?:Expected 'EOF', got '}'|Extra })", "There is a }} too many."),
    (r"Expected '(.+)', got 'EOF'", "A {} is missing."),
    (r"Unexpected end of input in a macro argument, expected '(.+)'", "A {} is missing."),
    (r"Expected '.+', got '(.+)'", "The {} does not belong where it stands."),
    (r"Unexpected character: '(.)'", "The {} does not belong where it stands."),
    (r"Expected group (?:as|after) (.+)", "Something is missing: {}."),
    (r"Expected group", "Something is missing, perhaps after a ^ or _."),
    (r"Got function '(.+)' with no arguments", "Put {} and what it takes into braces."),
    (r"Double (sub|super)script", "Two {}scripts follow each other: put braces around one."),
    (r"Mismatch: (.+) matched by (.+)", "{} is closed by {}."),
    (r"Too many expansions", "The macros of this formula never end."),
    (r"(.+) (?:works|can be used) only in display mode", "{} needs a formula of its own: $$."),
]


def _sentence(message: str) -> str:
    """Turn Temml's message into a sentence for the writer."""
    reason = re.split(r" at (?:position \d+|end of input):", message.strip())[0].strip(" .")
    for pattern, sentence in _SENTENCES:
        if found := re.match(pattern, reason):
            return sentence.format(*(word[:60] for word in found.groups()))
    return f"{reason[:200]}."
