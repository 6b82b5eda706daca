"""Asking for a note to be read again."""

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from mlhooks import gateway, jobs
from mlhooks.jobs.kinds import EMBED_NOTE


@require_POST
def read_again(request: HttpRequest, pid: int) -> HttpResponseRedirect:
    """Let a note that could not be read be tried again, by whoever may edit it."""
    note = gateway.editable(request.user, pid)
    jobs.request(EMBED_NOTE, key=str(pid), payload={"pid": pid}, user=request.user)
    return redirect(note)
