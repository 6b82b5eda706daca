"""Build MathML anew from a closed list: nothing that is not named gets into a page."""

import re
from collections import Counter
from dataclasses import dataclass
from html import escape, unescape

from wiki.markup.mathml_values import (
    ATTRIBUTES,
    CLASSES,
    IDLE_ATTRIBUTES,
    IDLE_CLASSES,
    from_style,
)

ELEMENTS = {
    *("mi", "mn", "mo", "mtext", "mspace", "mrow", "mfrac", "msqrt", "mroot", "mstyle"),
    *("mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover"),
    *("munderover", "mmultiscripts", "mprescripts", "none", "mtable", "mtr", "mtd"),
}
# Where MathML 3 has these two attributes; any other element gets a <mstyle> around it.
_LEVELS = {"displaystyle": {"mstyle", "mtable"}, "scriptlevel": {"mstyle"}}

# A browser may break an inline formula after any operator outside brackets, where Temml
# begins a new <mrow>; a longer row of letters without one may be broken too.
_LONGEST_ROW = 12

_TOKEN = re.compile(r'<(/?)([a-z]+)((?: [a-z]+="[^"<>]*")*)>|([^<>]+)')
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')


class Malformed(Exception):
    """Markup with something in it that a page must not have; names it."""


@dataclass
class _Open:
    """An element whose end is still to come: its name, its end, where its start was written."""

    name: str
    end: str
    start: int


class _Builder:
    """Writes what is allowed, piece by piece; `rows` is how many stand side by side."""

    def __init__(self, *, breaks: bool) -> None:
        self.out: list[str] = []
        self.open: list[_Open] = []
        self.dropped: Counter[str] = Counter()
        self.breaks = breaks
        self.rows = 0
        self.row: list[str] = []

    def start(self, name: str, attributes: str) -> None:
        if len(self.open) == 1:
            if name == "mrow" and not attributes and self._joins():
                return
            self.rows += 1
            self.row = []
        elif len(self.open) == 2 and self.breaks:
            self._break(name)
        if name == "math":
            self.open.append(_Open(name, "", 0))
        elif name == "span" and self.open[-1].name == "mtext":
            # The place of an equation's number, which CSS counts.
            self.out[self.open[-1].start] = '<mtext class="number">'
            self.open.append(_Open(name, "", 0))
        elif name not in ELEMENTS:
            raise Malformed(name)
        elif attributes:
            self._start(name, attributes)
        else:
            self.open.append(_Open(name, f"</{name}>", len(self.out)))
            self.out.append(f"<{name}>")

    def _joins(self) -> bool:
        """Go on with a row that is an operator alone, which would lose the space around it."""
        if self.row != ["mo"] or self.out[-1] != "</mrow>":
            return False
        self.out[-1] = ""
        self.open.append(_Open("mrow", "</mrow>", len(self.out) - 1))
        return True

    def _break(self, name: str) -> None:
        """Begin a new row where the last one is long and no operator loses its sides."""
        if len(self.row) >= _LONGEST_ROW and "mo" not in (name, self.row[-1]):
            if self.out[self.open[-1].start] == "<mrow>":
                self.out.append("</mrow><mrow>")
                self.rows += 1
            self.row = []
        self.row.append(name)

    def _start(self, name: str, attributes: str) -> None:
        kept: dict[str, str] = {}
        classes: list[str] = []
        for key, quoted in _ATTRIBUTE.findall(attributes):
            self._attribute(key, unescape(quoted), kept, classes)
        before, after = "", ""
        if levels := [key for key in _LEVELS if key in kept and name not in _LEVELS[key]]:
            outer = "".join(f' {key}="{kept.pop(key)}"' for key in levels)
            before, after = f"<mstyle{outer}>", "</mstyle>"
        if name == "mspace" and kept.get("mathbackground") == "black":
            # A rule without a colour of its own has that of the text, in the dark too.
            del kept["mathbackground"]
            classes.append("ink")
        if classes:
            kept["class"] = " ".join(classes)
        written = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
        self.open.append(_Open(name, f"</{name}>{after}", len(self.out)))
        self.out.append(f"{before}<{name}{written}>")

    def _attribute(self, key: str, value: str, kept: dict[str, str], classes: list[str]) -> None:
        if key == "class":
            for word in value.split():
                if word in CLASSES:
                    classes.append(word)
                elif word not in IDLE_CLASSES:
                    self.dropped[f"class {word}"] += 1
        elif key == "style":
            from_style(value, kept, classes, self.dropped)
            if "math-depth:0" in value and kept.get("stretchy") == "false":
                self._accent()
        elif key == "mathvariant" and value == "monospace":
            classes.append("mono")
        elif key in ATTRIBUTES and (checked := ATTRIBUTES[key](value)) is not None:
            kept[key] = checked
        elif f"{key}={value}" not in IDLE_ATTRIBUTES:
            self.dropped[f"{key}={value}"] += 1

    def _accent(self) -> None:
        """Say of the element around that it holds an accent, so that it keeps its size.

        Temml sets the size of the text instead, which is too large in a script.
        """
        around = self.open[-1]
        if around.name == "mover":
            self.out[around.start] = self.out[around.start].replace(
                "<mover", '<mover accent="true"', 1
            )

    def text(self, text: str) -> None:
        # An operator's tilde is twice as wide as an accent's.
        accent = text == "~" and self.out[-1].startswith('<mo stretchy="false"')
        self.out.append("\u02dc" if accent else escape(unescape(text)))

    def end(self, name: str) -> None:
        if not self.open or self.open[-1].name != name:
            raise Malformed(name)
        self.out.append(self.open.pop().end)


def rebuild(markup: str, *, breaks: bool) -> tuple[str, Counter[str]]:
    """Return what is inside this <math>, as one safe element, and how often what was left out.

    breaks: whether lines may be broken in it. Raises Malformed if an element is not on the
    list, or the markup is none.
    """
    builder = _Builder(breaks=breaks)
    position = 0
    for token in _TOKEN.finditer(markup):
        if token.start() != position:
            break
        position = token.end()
        closing, name, attributes, text = token.groups()
        if text is not None:
            builder.text(text)
        elif closing:
            builder.end(name)
        else:
            builder.start(name, attributes)
    if position != len(markup) or builder.open:
        raise Malformed(markup[position : position + 20])
    inside = "".join(builder.out)
    if builder.rows != 1:
        row = '<mrow class="breaks">' if breaks else "<mrow>"
        inside = f"{row}{inside}</mrow>"
    return inside, builder.dropped
