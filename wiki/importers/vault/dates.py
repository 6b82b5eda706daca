"""Moments as front matters and file names write them."""

import re
from datetime import UTC, datetime

# What stands in the way of reading a moment as ISO: `+0000` behind a space, `of`, `1st`.
ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
OFFSET = re.compile(r"\s+([+-]\d{2}):?(\d{2})$")
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
# `[[2020-01-02]]`, as a link to a daily note.
LINKED = re.compile(r"\[\[(.+)\]\]")
WRITTEN = (
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y_%m_%d",
    "%Y.%m.%d",
    "%Y-%m-%d %H:%M:%S %z",
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%A, %B %d, %Y",
    "%A, %B %d, %Y %I:%M:%S %p",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m",
    "%Y",
)
NAMED = re.compile(r"(\d{4})([-_.])(\d{1,2})\2(\d{1,2})(?:[-_ ]+(.+))?", re.DOTALL)
FIRST_YEAR, LAST_YEAR = 1000, 2999
# Seconds and milliseconds since 1970, for the years 1973 to 2286.
SECONDS, MILLISECONDS = range(10**8, 10**10), range(10**11, 10**13)


def moment(said: object) -> datetime | None:
    """Return the moment a value names, in UTC where it names no zone; None if it names none.

    >>> moment("2020-01-02 10:30 +0200").isoformat(), moment("May 1st, 2021").date().isoformat()
    ('2020-01-02T10:30:00+02:00', '2021-05-01')
    """
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    if isinstance(said, int) and said in SECONDS:
        return datetime.fromtimestamp(said, UTC)
    if isinstance(said, int) and said in MILLISECONDS:
        return datetime.fromtimestamp(said / 1000, UTC)
    return _written(str(said))


def in_name(stem: str) -> tuple[datetime | None, str]:
    """Return the day with which a file's name begins, and the rest of the name.

    >>> in_name("2020-01-02-my-post")[1], in_name("2020_01_02")[0].isoformat()
    ('my-post', '2020-01-02T00:00:00+00:00')
    """
    match = NAMED.fullmatch(stem)
    day = _day(int(match[1]), int(match[3]), int(match[4])) if match else None
    return (day, match[5] or "") if match and day else (None, stem)


def _day(year: int, month: int, day: int) -> datetime | None:
    try:
        return _plausible(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None


def _written(text: str) -> datetime | None:
    text = text.strip()
    text = match[1] if (match := LINKED.fullmatch(text)) else text
    text = OFFSET.sub(r"\1:\2", ZONE.sub("+00:00" if ":" in text else "", text))
    try:
        return _plausible(datetime.fromisoformat(text))
    except ValueError:
        pass
    text = ORDINAL.sub("", text)
    for form in WRITTEN:
        try:
            return _plausible(datetime.strptime(text, form))
        except ValueError:
            continue
    return None


def _plausible(found: datetime) -> datetime | None:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
