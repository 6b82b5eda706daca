"""How large an SVG is, as browsers make it out."""

import re
from contextlib import suppress
from xml.parsers import expat

MAX_SIDE = 10_000
LOOKED_AT = 16 * 1024
UNITS = {
    "": 1,
    "px": 1,
    "pt": 4 / 3,
    "pc": 16,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96,
    "em": 16,
}
LENGTH = re.compile(r"\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+))?\s*([a-z]*)\s*")


def pixels(length: str) -> float:
    """Return a length in pixels; 0 for what has none by itself, such as 100%."""
    found = LENGTH.fullmatch(length)
    if found is None or found[3] not in UNITS:
        return 0
    exponent = max(-9, min(int(found[2] or 0), 9))
    return float(found[1]) * 10.0**exponent * UNITS[found[3]]


class _Read(Exception):
    """Enough of it is known."""


def size(start: bytes) -> tuple[int, int]:
    """Return width and height of a sanitised SVG in pixels, told by its first element.

    start: its first LOOKED_AT bytes. As browsers do: from its width and height, from its
    viewBox where it has none, or 300 by 150.
    """
    said: dict[str, str] = {}

    def first(_: str, attributes: dict[str, str]) -> None:
        said.update(attributes)
        raise _Read

    parser = expat.ParserCreate()
    parser.StartElementHandler = first
    with suppress(_Read, expat.ExpatError):
        parser.Parse(start)
    return _size(said)


def _size(said: dict[str, str]) -> tuple[int, int]:
    width, height = pixels(said.get("width", "")), pixels(said.get("height", ""))
    box = [_number(part) for part in re.split(r"[\s,]+", said.get("viewBox", "").strip())]
    ratio = box[2] / box[3] if len(box) == 4 and box[2] > 0 and box[3] > 0 else 0.0
    if ratio and not (width and height):
        width = width or (height * ratio if height else box[2])
        height = height or width / ratio
    sides = (width or 300, height or 150)
    return _side(sides[0]), _side(sides[1])


def _side(pixels: float) -> int:
    return max(1, min(round(pixels), MAX_SIDE))


def _number(said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        return 0.0
    return number if 0 <= abs(number) < 1e9 else 0.0
