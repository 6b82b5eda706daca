"""What was saved lately, in all notes."""

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from wiki.models import Note, Revision

PER_PAGE = 50


@login_not_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Saved revisions the reader may read, of notes the reader may read, newest first."""
    readable = Note.objects.visible_to(request.user)
    saved = Revision.objects.visible_to(request.user).filter(note__in=readable).saved()
    page = Paginator(saved.latest_first().compared_by(request.user), PER_PAGE)
    context = {"page": page.get_page(request.GET.get("page"))}
    return render(request, "wiki/changes.html", context)
