"""Redirects from addresses of m8ta.com, whose notes are imported; its names exist only here."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from wiki.forms import PID
from wiki.models import Note

LIST_NAMES = {"text": "text", "ptags": "tags", "ptype": "type"}


@login_not_required
@require_safe
def index_pl(request: HttpRequest) -> HttpResponse:
    """Lead from `?pid=` to the note, and from `?ptags=`, `?ptype=` and `?text=` to the list.

    A number that was taken when its note was imported leads to that note. Not permanent:
    what a number leads to depends on the reader, and on later imports.
    """
    asked = request.GET
    if "pid" in asked:
        return redirect(_note(request, asked["pid"]))
    if asked and not LIST_NAMES.keys() & asked.keys():
        raise Http404
    names = {new: asked[old] for old, new in LIST_NAMES.items() if asked.get(old)}
    query = f"?{urlencode(names)}" if names else ""
    return redirect(reverse("list") + query)


def _note(request: HttpRequest, pid: str) -> Note:
    if not PID.fullmatch(pid):
        raise Http404
    notes = Note.objects.visible_to(request.user)
    note = notes.filter(legacy_pid=pid).first() or notes.filter(pid=pid).first()
    if note is None:
        raise Http404
    return note
