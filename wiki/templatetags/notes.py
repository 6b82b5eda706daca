"""What templates cannot say themselves: dates, links that keep the address, letters."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wiki import extensions
from wiki.forms import hidden_pids
from wiki.models import Note, Tag
from wiki.reader import Reader

register = template.Library()

MAX_NUMBERS = 20  # a longer line of revisions is shortened
LATEST_NUMBERS = 5


@register.filter
def braced(pid: int) -> str:
    """Write a note's number as readers see it.

    >>> braced(1569)
    '{1569}'
    """
    return f"{{{pid}}}"


@register.filter
def gmt(when: datetime) -> SafeString:
    """Write an aware time as the seed does, in UTC whatever the zone of anybody.

    >>> gmt(datetime(2022, 5, 17, 20, 25, tzinfo=UTC))
    '<time datetime="2022-05-17T20:25:00Z">05-17-2022 20:25 gmt</time>'
    """
    utc = when.astimezone(UTC)
    iso, seed = f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%m-%d-%Y %H:%M} gmt"
    return format_html('<time datetime="{}">{}</time>', iso, seed)


@register.filter
def lettered(tags: Iterable[Tag]) -> list[tuple[str, list[Tag]]]:
    """Group tags under their first letter, accents aside; what is no letter stands first."""
    groups: dict[str, list[Tag]] = {}
    for tag in tags:
        groups.setdefault(_letter(tag.name), []).append(tag)
    return sorted(groups.items(), key=lambda group: (group[0].isalpha(), group[0]))


@register.filter
def either(words: Iterable[str]) -> str:
    """Name some words, in the marks of a quotation.

    >>> either(["gate", "head", "mean"])
    '“gate”, “head” or “mean”'
    """
    *before, last = [f"“{word}”" for word in words]
    return f"{', '.join(before)} or {last}" if before else last


@register.inclusion_tag("wiki/_revisions.html")
def revision_links(note: Note, current: int | None = None) -> dict[str, Any]:
    """Link to each revision of a note; `current` is the one this page shows, None the head."""
    earlier: Sequence[int] = note.earlier_numbers()
    is_long = len(earlier) >= MAX_NUMBERS
    return {
        "note": note,
        "current": current,
        "numbers": earlier[:LATEST_NUMBERS] if is_long else earlier,
        "first": earlier[-1] if is_long else None,
    }


@register.inclusion_tag("wiki/_diff_links.html")
def compare_links(note: Note, number: int) -> dict[str, Any]:
    """Link to what changed since the revision before `number`, and from it to the head."""
    return {"note": note, "number": number, "before": note.number_before(number)}


@register.inclusion_tag("wiki/_sort.html", takes_context=True)
def sort_link(context: Mapping[str, Any], order: str) -> dict[str, Any]:
    """Link to the same list in this order, or reversed if that is the order it has."""
    said = context["said"]
    is_current = (said.get("sort") or "chronology") == order
    is_ascending = said.get("order") == "asc"
    query = context["request"].GET.copy()
    query["sort"] = order
    for name in ("order", "page"):
        query.pop(name, None)
    if is_current and not is_ascending:
        query["order"] = "asc"
    return {
        "order": order,
        "query": query.urlencode(safe=","),
        "is_current": is_current,
        "is_ascending": is_ascending,
    }


@register.simple_tag(takes_context=True)
def hide_query(context: Mapping[str, Any], note: Note) -> str:
    """Return this page's query with the note hidden, or shown again if it is hidden."""
    query = context["request"].GET.copy()
    pids, pid = hidden_pids(query), note.pid
    kept = [other for other in pids if other != pid] if pid in pids else [*pids, pid]
    query.pop("hide", None)
    if kept:
        query["hide"] = ",".join(map(str, kept))
    return f"?{query.urlencode(safe=',')}"


@register.simple_tag(takes_context=True)
def hidden_notes(context: Mapping[str, Any]) -> str:
    """Return the notes this page's address hides, as the address says it."""
    return ",".join(map(str, hidden_pids(context["request"].GET)))


@register.simple_tag
def top_line(reader: Reader) -> list[str]:
    """Return what the registered entries add to the end of the top line."""
    said = (entry(reader) for entry in extensions.top_line)
    return [html for html in said if html is not None]


@register.simple_tag(takes_context=True)
def login_url(context: Mapping[str, Any]) -> str:
    """Return the login page's address, from where it leads back to this page.

    On the login page itself, to where that one leads. Works without a request.
    """
    request = context.get("request")
    if request is None:
        return reverse("login")
    is_there = request.path == reverse("login")
    wanted = context.get("next", "") if is_there else request.get_full_path()
    query = urlencode({"next": wanted}, safe="/")
    return f"{reverse('login')}?{query}" if wanted else reverse("login")


@register.simple_tag(takes_context=True)
def address(context: Mapping[str, Any], note: Note) -> str:
    """Return the whole address of a note, for paper."""
    path = note.get_absolute_url()
    if settings.WIKI_URL:
        return settings.WIKI_URL + path
    return str(context["request"].build_absolute_uri(path))


def _letter(name: str) -> str:
    """Return the capital a name is filed under, `&` for what starts with no letter."""
    first = unicodedata.normalize("NFD", name)[:1].upper()[:1]
    return first if first.isalpha() else "&"
