"""Build MathML anew from a closed list: nothing that is not named gets into a page."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape, unescape

from wiki.markup.labels import ANCHOR, NUMBER, REFERENCES, Labels
from wiki.markup.mathml_values import (
    ATTRIBUTES,
    CLASSES,
    IDLE_ATTRIBUTES,
    IDLE_CLASSES,
    PLACES,
    from_style,
    is_deep,
)

ELEMENTS = {
    *("mi", "mn", "mo", "mtext", "mspace", "mrow", "mfrac", "msqrt", "mroot", "mstyle"),
    *("mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover"),
    *("munderover", "mmultiscripts", "mprescripts", "none", "mtable", "mtr", "mtd"),
}
# All but the first of what is in them is set small.
_SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts"}
_CHILDREN = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
# TeX leaves no space around an operator in a script, and less around dots than a browser does.
_TIGHT = ' lspace="0" rspace="0"'
_DOTS = {"…": '<mo lspace="0" rspace="0.1667em">', "⋯": f"<mo{_TIGHT}>"}
_SPACED = re.compile("space=|form=|fence=|movablelimits=|math-depth")
# These hold text only: Temml puts the letters of \mathop{KL} into a <mo> as elements.
_TOKENS = {"mi", "mn", "mo", "mtext"}
_LSPACE = re.compile(r' [lr]space="([^"]*)"')
# Where MathML 3 has these two attributes; any other element gets a <mstyle> around it.
_LEVELS = {"displaystyle": {"mstyle", "mtable"}, "scriptlevel": {"mstyle"}}

# A browser may break an inline formula after any operator outside brackets, where Temml
# begins a new <mrow>; a longer row of letters without one may be broken too.
_MAX_ROW = 12

_TOKEN = re.compile(r'<(/?)([a-z]+)((?: [a-z]+="[^"<>]*")*)>|([^<>]+)')
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_MARKUP = re.compile(r"<[^>]*>")
_REFERENCES = {f'<mtext class="{name}">': mark for name, mark in REFERENCES.items()}


class Malformed(Exception):
    """Markup with something in it that a page must not have; names it."""


@dataclass(frozen=True)
class Rebuilt:
    """What is inside a <math>, as one safe element, and how often what was left out.

    Marks in it stand for numbers, for anchors of rows with labels, and for references, which
    point to places in a list of names.
    """

    inside: str
    dropped: Counter[str]
    labels: Labels
    references: Sequence[int] = ()


@dataclass
class _Open:
    """An element whose end is still to come, and where its and its children's starts stand."""

    name: str
    end: str
    start: int
    is_script: bool = False
    is_tag: bool = False
    children: list[int] = field(default_factory=list)


class _Builder:
    """Writes what is allowed, piece by piece; `rows` is how many stand side by side."""

    def __init__(self, *, breaks: bool) -> None:
        self.out: list[str] = []
        self.open: list[_Open] = []
        self.dropped: Counter[str] = Counter()
        self.breaks = breaks
        self.rows = 0
        self.row: list[str] = []
        self.labels = Labels()
        self.references: list[int] = []
        self.naming = ""

    def start(self, name: str, attributes: str) -> None:
        if bool(self.open) == (name == "math"):
            raise Malformed(name)
        if len(self.open) == 1:
            if name == "mrow" and not attributes and self._joins():
                return
            self.rows += 1
            self.row = []
        elif len(self.open) == 2 and self.breaks:
            self._break(name)
        if self.open and self.open[-1].name in _TOKENS and name != "span":
            self._make_row(self.open[-1])
        is_script = self._is_script()
        if name == "mo" and is_script and not _SPACED.search(attributes):
            attributes += _TIGHT
        if name == "math":
            self.open.append(_Open(name, "", 0))
        elif name == "span" and self.open[-1].name == "mtext":
            self.out[self.open[-1].start] = '<mtext class="number">'
            self.open.append(_Open(name, NUMBER, 0))
            self.labels.end_row(self._row())
        elif name not in ELEMENTS:
            raise Malformed(name)
        elif attributes:
            self._start(name, attributes)
        else:
            self.open.append(_Open(name, f"</{name}>", len(self.out)))
            self.out.append(f"<{name}>")
        self.open[-1].is_script = is_script

    def _make_row(self, token: _Open) -> None:
        """Turn an element that was to hold text into a row with its spaces."""
        start, name = self.out[token.start], f"<{token.name}"
        if name in start:
            space = "".join(
                f'<mspace width="{width}"></mspace>' for width in _LSPACE.findall(start)[:1]
            )
            self.out[token.start] = f"{start.partition(name)[0]}<mrow>{space}"
            token.end = space + token.end.replace(f"</{token.name}>", "</mrow>")

    def _row(self) -> int:
        """Return where what has the number starts: the open row, or all rows of a multline."""
        cell = next((self.out[one.start] for one in self.open[::-1] if one.name == "mtd"), "")
        name = "mtable" if "short-glue" in cell else "mtr"
        return next((one.start for one in self.open[::-1] if one.name == name), 0)

    def _is_script(self) -> bool:
        """Return whether the element that starts now is in a script."""
        if not self.open:
            return False
        around = self.open[-1]
        around.children.append(len(self.out))
        return around.is_script or (around.name in _SCRIPTS and len(around.children) > 1)

    def _joins(self) -> bool:
        """Go on with a row that is an operator alone, which would lose the space around it."""
        if self.row != ["mo"] or self.out[-1] != "</mrow>":
            return False
        self.out[-1] = ""
        self.open.append(_Open("mrow", "</mrow>", len(self.out) - 1))
        return True

    def _break(self, name: str) -> None:
        """Begin a new row where the last one is long and no operator loses its sides."""
        if len(self.row) >= _MAX_ROW and "mo" not in (name, self.row[-1]):
            if self.out[self.open[-1].start] == "<mrow>":
                self.out.append("</mrow><mrow>")
                self.rows += 1
            self.row = []
        self.row.append(name)

    def _start(self, name: str, attributes: str) -> None:
        kept: dict[str, str] = {}
        classes: list[str] = []
        self.naming = name
        for key, quoted in _ATTRIBUTE.findall(attributes):
            if name in PLACES.get(key, name):
                self._attribute(key, unescape(quoted), kept, classes)
        before, after = "", ""
        if levels := [key for key in _LEVELS if key in kept and name not in _LEVELS[key]]:
            outer = "".join(f' {key}="{kept.pop(key)}"' for key in levels)
            before, after = f"<mstyle{outer}>", "</mstyle>"
        if name == "mspace" and kept.get("mathbackground") == "#000000":
            # A rule without a colour of its own has that of the text, in the dark too.
            del kept["mathbackground"]
            classes.append("ink")
        elif "mathcolor" in kept and is_deep(kept["mathcolor"]):
            classes.append("deep")
        if classes:
            kept["class"] = " ".join(classes)
        written = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
        self.open.append(_Open(name, f"</{name}>{after}", len(self.out)))
        self.open[-1].is_tag = "tml-tag" in classes
        self.out.append(f"{before}<{name}{written}>")

    def _attribute(self, key: str, value: str, kept: dict[str, str], classes: list[str]) -> None:
        if key == "id" and value.isdecimal():
            # Temml names the row again, though not of every label.
            if self.naming != "mtr":
                self.labels.add(int(value), len(self.out))
        elif key == "class":
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
        if len(self.open) < 2:
            raise Malformed(text)
        if mark := _REFERENCES.get(self.out[-1]):
            self.references.append(int(text))
            self.out[-1:] = ["<mtext>", mark]
            return
        # An operator's tilde is twice as wide as an accent's.
        accent = text == "~" and self.out[-1].startswith('<mo stretchy="false"')
        if text in _DOTS and self.out[-1] == "<mo>":
            self.out[-1] = _DOTS[text]
        self.out.append("\u02dc" if accent else escape(unescape(text)))

    def end(self, name: str) -> None:
        if not self.open or self.open[-1].name != name:
            raise Malformed(name)
        ended = self.open.pop()
        if ended.is_tag:
            tag = unescape(_MARKUP.sub("", "".join(self.out[ended.start :])))
            self.labels.end_row(self._row(), tag=tag)
        # Temml spreads a coloured group: then more children than one are the first.
        first = len(ended.children) - _CHILDREN.get(name, len(ended.children)) + 1
        if first > 1:
            self.out[ended.children[0]] = "<mrow>" + self.out[ended.children[0]]
            self.out[ended.children[first] - 1] += "</mrow>"
        self.out.append(ended.end)


def rebuild(markup: str, *, breaks: bool) -> Rebuilt:
    """Build anew what is inside this <math>.

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
    for start in builder.labels.starts():
        row = builder.out[start]
        builder.out[start] = re.sub("<(mtr|mtable)", rf'<\1 id="{ANCHOR}"', row, count=1)
    inside = "".join(builder.out)
    if builder.rows != 1:
        row = '<mrow class="breaks">' if breaks else "<mrow>"
        inside = f"{row}{inside}</mrow>"
    return Rebuilt(inside, builder.dropped, builder.labels, builder.references)
