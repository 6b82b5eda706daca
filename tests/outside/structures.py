"""What a formula means by its MathML, and each way in which two programs say the same otherwise.

A structure is the sequence of scripts, fractions, roots and rows. A rule takes one difference
between Temml and KaTeX away, so a difference that all rules leave is one of meaning.
"""

from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, fromstring

from tests.wiki.mathml_reader import STRUCTURE

ABOVE = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
LINES = {"top": "mover", "bottom": "munder"}
# Their limits stand above and below in a display, beside them elsewhere.
BIG = set("∑∏∐⋀⋁⋂⋃⨀⨁⨂⨄⨆") | {"lim", "max", "min", "sup", "inf", "det", "gcd", "Pr"}

RULES = {
    "limits": "Temml decides where the limits of a big operator stand, KaTeX lets the browser.",
    "mathop": r"KaTeX writes the limits of \mathop beside it, where LaTeX sets them above.",
    "line": "Temml draws a line over or under as a border, KaTeX as an accent.",
    "arrow": "Temml spaces the words at a long arrow by a script that holds nothing.",
    "bracket": "Temml gives a script to all of (a + b), KaTeX to its closing bracket.",
    "rows": r"KaTeX asks for a line break at \\ outside tables, which no browser heeds.",
}


def causes(ours: str, theirs: str) -> list[str] | None:
    """Return the rules that make two formulas' structures equal, if any are needed.

    None if all of them do not.
    """
    plain = structure(ours, ()), structure(theirs, ())
    if plain[0] == plain[1]:
        return []
    breaks = theirs.count('linebreak="newline"')
    if structure(ours, RULES, breaks) != structure(theirs, RULES):
        return None
    needed = list(RULES)
    for rule in RULES:
        fewer = [name for name in needed if name != rule]
        if structure(ours, fewer, breaks) == structure(theirs, fewer):
            needed = fewer
    return needed


def structure(markup: str, rules: Collection[str], breaks: int = 0) -> list[str]:
    """Return the structure of a formula after these rules; breaks: lines outside tables."""
    math = fromstring(markup)
    if "rows" in rules and breaks:
        _join_rows(math, breaks + 1)
    return list(_walk(math, rules))


def _walk(element: Element, rules: Collection[str]) -> Iterator[str]:
    if _name(element) == "annotation":
        return
    name = _ruled(element, rules)
    own = [name] if name in STRUCTURE else []
    children = list(element)
    if "bracket" in rules and name in ABOVE and _ends_in_bracket(element[0]):
        yield from _walk(children.pop(0), rules)
    yield from own
    for child in children:
        yield from _walk(child, rules)


def _ruled(element: Element, rules: Collection[str]) -> str:
    name = _name(element)
    if "arrow" in rules and name in ("munder", "mover") and _name(element[-1]) == "mspace":
        return "mrow"
    if name == "menclose" and "line" in rules:
        return LINES.get(element.get("notation", ""), name)
    if name not in ABOVE:
        return name
    base = element[0]
    is_big = "limits" in rules and "".join(base.itertext()).strip("\u2061 ") in BIG
    is_mathop = "mathop" in rules and _name(base) == "mo" and len(base) > 0
    return ABOVE[name] if is_big or is_mathop else name


def _ends_in_bracket(base: Element) -> bool:
    last = base[-1] if len(base) else base
    return last.get("form") == "postfix" and last.get("stretchy") == "false"


def _join_rows(math: Element, count: int) -> None:
    """Turn the table of the lines of a formula, if it is one, into none."""
    table = next((element for element in math.iter() if _name(element) == "mtable"), ())
    # One more break may stand in a group, where it breaks no line.
    if 1 < len(table) <= count and all(len(row) == 1 for row in table):
        for row in table:
            row.tag = "mrow"


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
