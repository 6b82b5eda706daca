"""Moving all sample notes of a new notebook to the trash, and back."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from wiki.models import Note
from wiki.reader import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: SignedInRequest) -> HttpResponse:
    """Ask, then move every sample note nobody has edited to the trash."""
    here = Note.objects.editable_by(request.user).samples()
    if not here.exists() and not Note.objects.in_trash_of(request.user).samples().exists():
        raise Http404
    if request.method == "POST":
        removed = here.as_imported().change_each(lambda note: note.move_to_trash(request.user))
        messages.info(request, _removed_sentence(removed, list(here)))
        return redirect("trash")
    imported = here.as_imported()
    kept = here.exclude(pid__in=imported.values("pid"))
    context = {"removed": imported.count(), "kept": kept}
    return render(request, "wiki/remove_samples.html", context)


@require_POST
def undelete(request: SignedInRequest) -> HttpResponse:
    """Bring back every sample note from the trash."""
    trashed = Note.objects.in_trash_of(request.user).samples()
    if not trashed.exists():
        raise Http404
    trashed.change_each(Note.undelete)
    return redirect("list")


def _removed_sentence(removed: int, kept: list[Note]) -> str:
    count = "1 sample note is" if removed == 1 else f"{removed} sample notes are"
    sentence = f"{count} in the trash." if removed else "No sample note was left to remove."
    if kept:
        names = ", ".join(f"{{{note.pid}}} {note.title}" for note in kept)
        sentence += f" Kept, because they were edited here: {names}."
    return sentence
