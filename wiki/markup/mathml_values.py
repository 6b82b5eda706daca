"""The values that attributes, classes and styles of a formula may have."""

import re
from collections import Counter
from collections.abc import Callable

MOST_EM = 40.0
EM = {"em": 1.0, "ex": 0.45, "px": 1 / 18, "pt": 1 / 12, "cm": 2.2, "mm": 0.22, "in": 5.3}

_LENGTH = re.compile(r"([+-]?)(\d*\.?\d+)(em|ex|px|pt|cm|mm|in)?")
_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})|[a-z]{3,24}")


def length(value: str) -> str | None:
    """Return the length, no longer than MOST_EM; None if it is not one."""
    found = _LENGTH.fullmatch(value)
    if not found:
        return None
    sign, number, unit = found.groups()
    if abs(float(number)) * EM.get(unit or "em", 1.0) > MOST_EM:
        return f"{sign}{MOST_EM:g}em"
    return value


def colour(value: str) -> str | None:
    """Return the colour if it is one that cannot say anything else."""
    return value if _COLOUR.fullmatch(value) and value != "undefined" else None


def one_of(*allowed: str) -> Callable[[str], str | None]:
    """Accept only these words."""
    return lambda value: value if value in allowed else None


truth = one_of("true", "false")

ATTRIBUTES: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(("fence", "stretchy", "separator", "symmetric", "movablelimits"), truth),
    **dict.fromkeys(("largeop", "accent", "accentunder", "displaystyle"), truth),
    **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize", "width", "height"), length),
    **dict.fromkeys(("depth", "voffset", "linethickness", "mathsize"), length),
    "form": one_of("prefix", "infix", "postfix"),
    "mathvariant": one_of("normal"),
    "scriptlevel": one_of("0", "1", "2", "3"),
    "mathcolor": colour,
    "mathbackground": colour,
    "notation": lambda value: value if re.fullmatch(r"[a-z]+(?: [a-z]+)*", value) else None,
}

CLASSES = {
    *("tml-left", "tml-right", "tml-jot", "tml-small", "tml-prime", "tml-tag", "tml-vec"),
    *("tml-sml-pad", "tml-med-pad", "tml-lrg-pad", "chr-sml", "chr-med", "chr-lrg"),
    *("tml-overline", "tml-underline", "tml-cancel", "upstrike", "downstrike", "sout"),
}

STYLES: dict[str, str] = {
    "font-weight:bold": "bold",
    "text-align:left": "tml-left",
}


def from_style(style: str, kept: dict[str, str], classes: list[str], dropped: Counter[str]) -> None:
    """Turn a style attribute into attributes and classes."""
    for declaration in filter(None, style.split(";")):
        name, _, value = declaration.partition(":")
        if declaration in STYLES:
            classes.append(STYLES[declaration])
        elif name == "color" and (checked := colour(value)):
            kept["mathcolor"] = checked
        else:
            dropped[declaration] += 1
