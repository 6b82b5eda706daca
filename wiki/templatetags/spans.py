"""How long something took, or how long ago it was, in one unit."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone

register = template.Library()

UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@register.filter
def until(start: datetime, end: datetime) -> str:
    """Write the time from start to end.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2022, 5, 17, 12, tzinfo=UTC)
    >>> [until(noon, noon + timedelta(seconds=s)) for s in (-1, 0.213, 9.5, 90, 7200, 400000)]
    ['0 s', '0.21 s', '10 s', '1 min', '2 h', '4 d']
    """
    seconds = max(0.0, (end - start).total_seconds())
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.2f} s" if 0 < seconds < 1 else f"{seconds:.0f} s"


@register.filter
def since(when: datetime) -> str:
    """Write how long it has been.

    >>> from datetime import timedelta
    >>> since(timezone.now() - timedelta(seconds=90))
    '1 min'
    """
    return until(when, timezone.now())


@register.filter
def ago(when: datetime) -> str:
    """Write how long ago it was.

    >>> from datetime import timedelta
    >>> [ago(timezone.now() - timedelta(seconds=s)) for s in (0.3, 180)]
    ['just now', '3 min ago']
    """
    if timezone.now() - when < timedelta(seconds=1):
        return "just now"
    return f"{since(when)} ago"
