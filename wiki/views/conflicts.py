"""Edit conflicts: the pages shown while places of a text hold two versions."""

import re
from dataclasses import fields
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from wiki.diffing.conflict_places import Place, Side, shown_places, take, undecided
from wiki.fields import Fields
from wiki.forms import EditForm, form_values
from wiki.models import EditConflict, Note

TAKEN = re.compile(r"(mine|theirs):([1-9][0-9]{0,5})")


def conflict_page(request: HttpRequest, conflict: EditConflict) -> HttpResponse:
    """Show both texts and one to finish; it saves on top of the head it was shown with."""
    values = form_values(conflict.merge.fields)
    form = EditForm(initial={**values, "base": conflict.head.number})
    clashes = [name for name in conflict.merge.conflicts if name != "body"]
    context = {"form": form, "conflict": conflict}
    return _page(request, conflict.note, values, clashes, 409, context)


def undecided_page(request: HttpRequest, note: Note, form: EditForm) -> HttpResponse:
    """Show the places that a text somebody saved still holds both versions of."""
    return _page(request, note, form_values(form.typed()), _clashes(request), 409, {"form": form})


def taken_page(request: HttpRequest, note: Note, form: EditForm) -> HttpResponse:
    """Put one version in a place, as a button asks, and show what is left to decide.

    Nothing is saved: the text is read once more first.
    """
    body = form.typed().body
    wanted = TAKEN.fullmatch(request.POST["take"])
    places = undecided(note.pid, body)
    place = places[int(wanted[2]) - 1] if wanted and int(wanted[2]) <= len(places) else None
    if wanted and place and place.is_whole:
        side: Side = "mine" if wanted[1] == "mine" else "theirs"
        body = take(body, place, side)
    data = request.POST.copy()
    data["body"] = body
    form = EditForm(data)
    form.is_valid()
    status = 409 if undecided(note.pid, body) else 200
    return _page(
        request, note, form_values(form.typed()), _clashes(request), status, {"form": form}
    )


def _page(
    request: HttpRequest,
    note: Note,
    typed: dict[str, str],
    clashes: list[str],
    status: int,
    context: dict[str, Any],
) -> HttpResponse:
    """Show the places and the fields that two people changed, and the form to finish them.

    typed: what the form holds. clashes: fields other than the text that both changed.
    """
    places: list[Place] = undecided(note.pid, typed["body"])
    saved = form_values(note.current_fields())
    context |= {
        "note": note,
        "heading": f"edit {{{note.pid}}}",
        "places": shown_places(typed["body"], places),
        "clashes": [(name, typed[name], saved[name]) for name in clashes],
        "clashing": " ".join(clashes),
    }
    return render(request, "wiki/conflict.html", context, status=status)


def _clashes(request: HttpRequest) -> list[str]:
    """Read back which fields the page before named, as far as there are such fields."""
    named = request.POST.get("clashing", "").split()
    return [field.name for field in fields(Fields) if field.name in named and field.name != "body"]
