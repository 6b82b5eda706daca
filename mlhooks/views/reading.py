"""Asking for a note to be read again."""

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from mlhooks import notes
from mlhooks.embeddings import status


@require_POST
def read_again(request: HttpRequest, pid: int) -> HttpResponseRedirect:
    """Let a note that could not be read be tried again, by whoever may edit it."""
    note = notes.editable(request.user, pid)
    status.read_again([note.pid], request.user)
    return redirect(note)
