"""Values of a front matter as plain data that a database column of JSON can hold."""

import math
import re
from datetime import date, time
from typing import Any

MAX_VALUES = 5_000
MAX_DEPTH = 20
# PostgreSQL's JSON holds no zero byte, and no half of a surrogate pair.
NO_TEXT = re.compile("[\0\ud800-\udfff]")


class TooMuch(Exception):
    """More values, or deeper ones, than a person writes; the text is a sentence's end."""


def plain(value: object) -> Any:
    """Return a copy of text, numbers, lists and objects; dates become text.

    Shared parts become copies, so that an alias of an alias of an alias is counted as long
    as it is. Raises TooMuch.
    """
    left = [MAX_VALUES]
    return _plain(value, left, 0)


def text(value: str) -> str:
    """Return it without what no column can hold."""
    return NO_TEXT.sub("\ufffd", value)


def _plain(value: object, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise TooMuch(f"it holds more than {MAX_VALUES:,} values")
    if depth > MAX_DEPTH:
        raise TooMuch(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        return {text(str(key)): _plain(said, left, depth + 1) for key, said in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(said, left, depth + 1) for said in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(str(value))
