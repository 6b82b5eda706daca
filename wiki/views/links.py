"""Broken links: titles that no note has, and notes that no other note links to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wiki.models import Link, Note, NoteHtml
from wiki.models.note_queryset import NoteQuerySet

PER_PAGE = 50
MAX_NAMED = 5


class KeyCount(TypedDict):
    """A key that leads nowhere, and in how many notes it is."""

    key: str
    notes: int


@dataclass
class Broken:
    """A title that notes link to and that no note has."""

    title: str
    count: int
    notes: list[Note] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Return how many of the notes that name it are not listed."""
        return self.count - len(self.notes)


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Links that lead the reader nowhere, with the notes they stand in."""
    notes = Note.objects.visible_to(request.user)
    keys = Link.objects.leading_nowhere(notes, request.user)
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "broken": _with_notes(list(page.object_list), notes)}
    return render(request, "wiki/links.html", context)


@login_not_required
@require_safe
def orphans(request: HttpRequest) -> HttpResponse:
    """Notes that no other note links to, as far as the reader may know."""
    notes = Note.objects.visible_to(request.user).nobody_links_to(request.user)
    page = Paginator(notes.last_changed(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "wiki/orphans.html", {"page": page})


def _with_notes(counted: Sequence[KeyCount], notes: NoteQuerySet) -> list[Broken]:
    """Find for each key the oldest notes that name it: two queries."""
    broken = {row["key"]: Broken(row["key"], row["notes"]) for row in counted}
    found = Link.objects.filter(key__in=broken).first_of_each_key(notes, MAX_NAMED)
    for link in found:
        broken[link.key].notes.append(link.note)
    first = {title.notes[0] for title in broken.values() if title.notes}
    titles = NoteHtml.objects.titles_named_in(first)
    for key, title in broken.items():
        title.title = titles.get(key, key)
    return list(broken.values())
