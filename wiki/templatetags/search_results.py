"""Filters of the search page: ranks, shares and ages as text."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@register.filter
def nth(rank: int) -> str:
    """Write a rank as people say it.

    >>> [nth(rank) for rank in (1, 2, 3, 4, 11, 12, 22, 103)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '22nd', '103rd']
    """
    last = 0 if rank % 100 in (11, 12, 13) else rank % 10
    return f"{rank}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


@register.filter
def meter(share: float) -> SafeString:
    """Draw a share between 0 and 1, and write it."""
    drawn = '<meter min="0" max="1" value="{}" aria-hidden="true"></meter> {}'
    return format_html(drawn, f"{share:.2f}", f"{share:.2f}")


@register.filter
def age(seconds: float) -> str:
    """Write roughly how long ago something was.

    >>> age(12), age(200), age(3 * 3600 + 59), age(200_000)
    ('12 s ago', '3 min ago', '3 h ago', '2 days ago')
    """
    if seconds < MINUTE:
        return f"{max(0, int(seconds))} s ago"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} h ago"
    return f"{int(seconds // DAY)} days ago"
