"""Build MathML anew from a closed list: nothing that is not named here gets into a page."""

import html
import re
from collections import Counter
from dataclasses import dataclass, field

from wiki.markup.mathml_values import ATTRIBUTES, CLASSES, from_style

ELEMENTS = {
    *("math", "mi", "mn", "mo", "ms", "mtext", "mspace", "mrow", "mfrac", "msqrt", "mroot"),
    *("mstyle", "mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover"),
    *("munderover", "mmultiscripts", "mprescripts", "none", "mtable", "mtr", "mtd"),
}

_TOKEN = re.compile(r'<(/?)([A-Za-z]\w*)((?:\s+[\w:-]+="[^"]*")*)\s*>|([^<>]+)')
_ATTRIBUTE = re.compile(r'([\w:-]+)="([^"]*)"')


class Malformed(Exception):
    """Markup that is not what the translator writes."""


@dataclass
class Rebuilt:
    """The inside of one <math>, safe to show, and how often something was left out."""

    html: str
    dropped: Counter[str] = field(default_factory=Counter)


def rebuild(markup: str) -> Rebuilt:
    """Return what is inside the <math> of this markup as one element.

    Raises Malformed if the markup is not well formed.
    """
    dropped: Counter[str] = Counter()
    out: list[str] = []
    ends: list[tuple[str, str]] = []
    position = 0
    children = 0
    for token in _TOKEN.finditer(markup):
        if token.start() != position:
            raise Malformed
        position = token.end()
        closing, name, attributes, text = token.groups()
        if text is not None:
            out.append(html.escape(html.unescape(text)))
        elif closing:
            if not ends or ends[-1][0] != name:
                raise Malformed
            out.append(ends.pop()[1])
        else:
            children += len(ends) == 1
            ends.append((name, _start(name, attributes, out, dropped)))
    if position != len(markup) or ends:
        raise Malformed
    inside = "".join(out)
    return Rebuilt(inside if children == 1 else f"<mrow>{inside}</mrow>", dropped)


def _start(name: str, attributes: str, out: list[str], dropped: Counter[str]) -> str:
    """Write a start tag if the element is on the list; returns the end tag that goes with it."""
    if name == "math":
        return ""
    if name not in ELEMENTS:
        dropped[f"<{name}>"] += 1
        return ""
    if not attributes:
        out.append(f"<{name}>")
        return f"</{name}>"
    kept: dict[str, str] = {}
    classes: list[str] = []
    for key, quoted in _ATTRIBUTE.findall(attributes):
        value = html.unescape(quoted)
        if key == "class":
            for word in value.split():
                if word in CLASSES:
                    classes.append(word)
                else:
                    dropped[f".{word}"] += 1
        elif key == "style":
            from_style(value, kept, classes, dropped)
        elif key in ATTRIBUTES and (checked := ATTRIBUTES[key](value)) is not None:
            kept[key] = checked
        else:
            dropped[f"{key}={value}"] += 1
    if classes:
        kept["class"] = " ".join(classes)
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in kept.items())
    out.append(f"<{name}{written}>")
    return f"</{name}>"
