"""Browsing by tag."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wiki.models import Note, Tag
from wiki.views.listing import ordered


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every tag of a note the reader may read, with how many such notes carry it."""
    tags = Tag.objects.counted_for(Note.objects.visible_to(request.user))
    return render(request, "wiki/tags.html", {"tags": tags})


@login_not_required
@require_safe
def show(request: HttpRequest, name: str) -> HttpResponse:
    """The notes of one tag; a tag only of notes the reader may not read does not exist."""
    tag = Tag.objects.named(name).first()
    if tag is None:
        raise Http404
    notes = Note.objects.visible_to(request.user).filter(note_tags__tag=tag)
    context = {"tag": tag, **ordered(request, notes)}
    if not context["total"]:
        raise Http404
    return render(request, "wiki/tag.html", context)
