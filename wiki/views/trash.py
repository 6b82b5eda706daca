"""Deleting notes, and bringing them back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wiki import access
from wiki.models import Note
from wiki.reader import SignedInRequest


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The reader's deleted notes."""
    notes = Note.objects.in_trash_of(request.user).select_related("deleted_by")
    context = {"notes": notes, "samples": notes.samples().count()}
    return render(request, "wiki/trash.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: SignedInRequest, pid: int) -> HttpResponse:
    """Ask, then move a note to the trash."""
    note = access.editable_note(request.user, pid)
    if request.method == "POST":
        note.move_to_trash(request.user)
        messages.info(request, f"{{{pid}}} {note.title} is in the trash; it can be undeleted.")
        return redirect("trash")
    return render(request, "wiki/delete.html", {"note": note})


@require_POST
def undelete(request: SignedInRequest, pid: int) -> HttpResponse:
    """Bring a note back."""
    note = access.trashed_note(request.user, pid)
    note.undelete()
    return redirect(note)
