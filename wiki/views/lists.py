"""The context of a list of notes: filtered and ordered as its address says, one page of it."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from wiki.forms import ListForm
from wiki.models import Note
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.visibility import NoteType
from wiki.views.cards import cards

PER_PAGE = 20
FILTERS = ("text", "tags", "type", "ref")


def list_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the list shows of the notes the reader may read."""
    form = ListForm(request.GET)
    notes = form.filtered(Note.objects.visible_to(request.user))
    is_filtered = any(form.said.get(name) for name in FILTERS)
    return {
        **page_context(request, notes),
        "form": form,
        "is_filtered": is_filtered,
        "types": NoteType.choices,
    }


def page_context(request: HttpRequest, notes: NoteQuerySet) -> dict[str, Any]:
    """Return one page of these notes, in the order the address asks for."""
    form = ListForm(request.GET)
    loaded = form.ordered(notes).texts().with_numbers_for(request.user)
    page = Paginator(loaded, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "said": form.said,
        "page": page,
        "total": page.paginator.count,
        "cards": cards(request, page.object_list),
    }
