"""What the templates of a search cannot say themselves."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


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
