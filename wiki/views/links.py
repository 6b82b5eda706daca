"""What the links between notes lack: notes that they name, and links to notes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wiki.models import Link, Note, NoteHtml

PER_PAGE = 50
MAX_NAMED = 5


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


def _with_notes(counted: Sequence[Any], notes: Any) -> list[Broken]:
    """Find for each key the oldest notes that name it: two queries."""
    broken = {row["key"]: Broken(row["key"], row["notes"]) for row in counted}
    found = Link.objects.filter(key__in=broken).first_of_each_key(notes, MAX_NAMED)
    for link in found:
        broken[link.key].notes.append(link.note)
    first = {one.notes[0] for one in broken.values() if one.notes}
    titles = NoteHtml.objects.titles_named_in(first)
    for key, one in broken.items():
        one.title = titles.get(key, key)
    return list(broken.values())
