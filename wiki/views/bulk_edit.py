"""Bulk edit: the tags and the readers of many notes of a list at once."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from wiki.forms import ManyForm
from wiki.models import Note, Revision, TagChange, VisibilityChange
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.tag import join_tags
from wiki.models.visibility import Visibility
from wiki.reader import SignedInRequest

MAX_NOTES = 10_000


@require_POST
def change(request: SignedInRequest) -> HttpResponse:
    """Change what was chosen; who reads it only after a question. The address holds the filters."""
    form = ManyForm(request.POST, request.GET.urlencode())
    context: dict[str, Any] = {"form": form, "query": request.GET.urlencode()}
    if form.is_valid():
        pids = _pids(request, form)
        if not pids:
            form.add_error(None, "None of your notes was chosen. Go back and tick some.")
        elif len(pids) > MAX_NOTES:
            form.add_error(
                None, f"These are {len(pids):,} notes; at most {MAX_NOTES:,} change at once."
            )
        elif form.cleaned_data["readers"] and not form.cleaned_data["sure"]:
            return render(request, "wiki/bulk_edit.html", context | _confirmation(form, pids))
        else:
            try:
                return _carry_out(request, form, Note.objects.filter(pid__in=pids))
            except ValidationError as error:
                form.add_error(None, error)
    return render(request, "wiki/bulk_edit.html", context, status=422)


def _pids(request: SignedInRequest, form: ManyForm) -> list[int]:
    """Return the chosen notes that this person may write."""
    notes = form.chosen(Note.objects.editable_by(request.user))
    return list(notes.order_by("pid").values_list("pid", flat=True)[: MAX_NOTES + 1])


def _confirmation(form: ManyForm, pids: list[int]) -> dict[str, Any]:
    """Return what the confirmation page shows before notes change their readers."""
    cleaned = form.cleaned_data
    changing = Note.objects.filter(pid__in=pids).exclude(visibility=cleaned["readers"])
    kept = Revision.objects.filter(note__in=changing, visibility=Visibility.PRIVATE)
    return {
        "pids": ",".join(map(str, pids)),
        "count": len(pids),
        "changing": changing.count(),
        "first": changing.order_by("-modified").only("pid", "title")[:10],
        "with_private_past": kept.exclude(head_of__isnull=False).values("note").distinct().count(),
        "publishes": cleaned["readers"] == Visibility.PUBLIC,
        "add": join_tags(cleaned["add"]),
        "remove": join_tags(cleaned["remove"]),
    }


@transaction.atomic
def _carry_out(request: SignedInRequest, form: ManyForm, notes: NoteQuerySet) -> HttpResponse:
    """Make the changes, all or none. Raises ValidationError."""
    cleaned, user = form.cleaned_data, request.user
    done = []
    if cleaned["add"] or cleaned["remove"]:
        retagged = TagChange.objects.retag(notes, cleaned["add"], cleaned["remove"], author=user)
        done.append(f"the tags of {retagged.count:,}")
    if cleaned["readers"]:
        changed = VisibilityChange.objects.change(notes, cleaned["readers"], author=user)
        done.append(f"who reads {changed.count:,}")
    messages.success(request, f"Changed {' and '.join(done)} of the chosen notes.")
    return redirect("tidying")
