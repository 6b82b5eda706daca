"""The attributes, classes and styles of a formula, each with the values it may have.

Temml lays out by style attributes, which the site's Content-Security-Policy forbids. Their
values are few, so each becomes a class with its rule in static/css/math.css, a colour or
nothing. Classes keep the names that Temml gives them.
"""

import re
from collections import Counter
from collections.abc import Callable

from wiki.markup.colour_names import COLOUR_NAMES

MAX_EM = 40.0
EM = {"em": 1.0, "ex": 0.45, "px": 1 / 16, "pt": 1 / 12, "cm": 2.36, "mm": 0.236, "in": 6.0}

# Paddings and negative margins are rounded to these, in hundredths of an em.
STEPS = (0, 5, 14, 17, 22, 28, 40, 50, 75, 100, 150, 200, 300)

CLASSES = {
    # alignment and spacing of tables
    *("tml-left", "tml-right", "tml-jot", "tml-small", "tml-shift-left", "tml-tag"),
    # italic correction of superscripts and accents, by browser
    *("tml-sml-pad", "tml-med-pad", "tml-lrg-pad", "chr-sml", "chr-med", "chr-lrg"),
    *("wbk-acc", "wbk-sml", "wbk-med", "wbk-lrg", "wbk-sml-acc", "wbk-med-acc", "wbk-lrg-acc"),
    # accents that browsers do not stretch
    *("tml-tilde-2", "tml-tilde-3", "tml-tilde-4"),
    *("tml-hat-1", "tml-hat-2", "tml-hat-3", "tml-hat-4", "tml-prime"),
    # lines over, under, through and around
    *("tml-overline", "tml-underline", "tml-fbox", "actuarial", "menclose"),
    *("tml-cancel", "upstrike", "downstrike", "tml-xcancel", "sout", "tml-cancelto"),
    *("longdiv-top", "longdiv-arc", "phasor-bottom", "phasor-angle", "circle-pad", "textcircle"),
    # references to equations
    *("ref", "eqref"),
}
# Names of alphabets that the letters themselves already show, handles for Temml's own
# scripts, and shifts for a browser whose need for them we cannot see.
IDLE_CLASSES = {
    *("tml-display", "tml-tageqn", "tml-label", "tml-eqn", "mathcal", "mathscr"),
    *("wbk-vec", "wbk-sml-vec", "wbk-med-vec", "wbk-lrg-vec", "tml-vec", "special-fraction"),
    *("ff-narrow", "ff-nudge-left", "ff-squash"),
}

STYLES = {
    "font-weight:bold": "bold",
    "text-align:left": "tml-left",
    "text-align: left": "tml-left",
    "width:50%": "glue",
    "width:7.5%": "short-glue",
    "width:100%": "full",
    "padding:0": "bare",
    "padding:3pt": "pad",
    "padding:0.3em": "pad",
    "position:relative": "llap",
    "position:absolute": "llapped",
    "justify-content:center": "clap",
    "transform:scaleX(-1)": "reflect",
    "padding:0.5ex 0.1em 0 0": "under-arrow",
}
# What goes with another declaration of the same element, or is said by an attribute, and
# the remains of an object that Temml hands to the empty cells of short rows.
IDLE_STYLES = {
    *("display:block math", "display:flex", "right:0", "bottom:0", "left:0.1em", "width:90%"),
    *("padding-right:0.2em", "height:1em", "font-style:italic"),
    *("math-depth:0", "math-depth:2", "color:undefined", "max-size:Infinity,Infinity"),
    "font-family:Cambria, 'Times New Roman', serif",
    *("level", "font", "font-family", "font-shape", "font-size", "font-weight", "max-size"),
}

_LENGTH = re.compile(r"([+-]?)(\d*\.?\d+)(em|ex|px|pt|cm|mm|in)?")
_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_NOTATIONS = re.compile(r"[a-z]{3,20}(?: [a-z]{3,20})?")
_RULE = re.compile(r"border-(top|bottom|left|right):0\.\d+em (solid|dashed|double) ?")
_PADDING = re.compile(r"padding-(top|bottom|left|right)")


def length(value: str) -> str | None:
    """Return the length, no longer than MAX_EM; None if it is not one."""
    found = _LENGTH.fullmatch(value)
    if not found:
        return None
    sign, number, unit = found.groups()
    if float(number) * EM.get(unit or "em", 1.0) > MAX_EM:
        return f"{sign}{MAX_EM:g}em"
    return value


def colour(value: str) -> str | None:
    """Return the colour as a number, which all of MathML's readers understand."""
    return value if _COLOUR.fullmatch(value) else COLOUR_NAMES.get(value)


def is_deep(checked: str) -> bool:
    """Return whether a colour is too dark to be read on dark paper (a contrast under 2.7)."""
    digits = checked[1:] if len(checked) == 7 else "".join(2 * digit for digit in checked[1:])
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    weights = (0.2126, 0.7152, 0.0722)
    luminance: float = sum(w * share**2.2 for w, share in zip(weights, shares, strict=True))
    return luminance < 0.11


def one_of(*allowed: str) -> Callable[[str], str | None]:
    """Accept only these words."""
    return lambda value: value if value in allowed else None


def notation(value: str) -> str | None:
    """Return the name of what is drawn around a group."""
    return value if _NOTATIONS.fullmatch(value) else None


_truth = one_of("true", "false")

ATTRIBUTES: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(("fence", "stretchy", "separator", "symmetric", "movablelimits"), _truth),
    **dict.fromkeys(("largeop", "accent", "accentunder", "displaystyle"), _truth),
    **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize", "width", "height"), length),
    **dict.fromkeys(("depth", "voffset", "linethickness", "mathsize"), length),
    "form": one_of("prefix", "infix", "postfix"),
    "mathvariant": one_of("normal"),
    "scriptlevel": one_of("0", "1", "2", "3"),
    "mathcolor": colour,
    "mathbackground": colour,
    "notation": notation,
}
# Elsewhere these say nothing, or the checkers of HTML know no such attribute.
PLACES = {"lspace": {"mo", "mpadded"}, "rspace": {"mo"}, "accent": {"mover", "munderover"}}
# An attribute whose meaning a class has, or that only restates a default.
IDLE_ATTRIBUTES = {
    *("linebreak=newline", "linebreak=nobreak", "columnalign=left", "rowspacing=0em"),
    *("mathvariant=italic", "lspace=-1width", "lspace=-0.5width", "mathsize=70%", "display=block"),
}


def from_style(style: str, kept: dict[str, str], classes: list[str], dropped: Counter[str]) -> None:
    """Turn a style attribute into attributes and classes."""
    for declaration in filter(None, style.split(";")):
        name, _, value = declaration.partition(":")
        if declaration in STYLES:
            classes.append(STYLES[declaration])
        elif name == "color" and (checked := colour(value)):
            kept["mathcolor"] = checked
        elif rule := _RULE.fullmatch(declaration):
            classes.append(f"rule-{rule[1]}-{rule[2]}")
        elif name == "border":
            classes.append("framed")
        elif found := _spacing(name, value):
            classes.extend(found)
        elif declaration not in IDLE_STYLES and name not in IDLE_STYLES:
            dropped[declaration] += 1


def _spacing(name: str, value: str) -> list[str]:
    """Return the classes of a padding, or of a negative space."""
    if name == "margin-left" and value.startswith("-"):
        return _steps("back", value[1:])
    if side := _PADDING.fullmatch(name):
        return _steps(side[1], value)
    if name == "padding":
        top, _, bottom = value.partition(" 0 ")
        return _steps("top", top) if bottom == "0 0" else _steps("bottom", bottom[:-2])
    return []


def _steps(side: str, value: str) -> list[str]:
    """Name the class of the step nearest to this length."""
    found = _LENGTH.fullmatch(value)
    if not found:
        return []
    wanted = 100 * float(found[2]) * EM.get(found[3] or "em", 1.0)
    return [f"{side}-{min(STEPS, key=lambda step: abs(step - wanted))}"]
