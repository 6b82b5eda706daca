"""Browsing by tag."""

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from wiki.models import Note, Tag
from wiki.views.notes import PER_PAGE
from wiki.views.reading import cards


@login_not_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every tag of a note the reader may read, with how many such notes carry it."""
    tags = Tag.objects.counted_for(Note.objects.visible_to(request.user))
    return render(request, "wiki/tags.html", {"tags": tags})


@login_not_required
@require_GET
def show(request: HttpRequest, name: str) -> HttpResponse:
    """The notes of one tag; a tag only of notes the reader may not read does not exist."""
    tag = Tag.objects.named(name).first()
    notes = Note.objects.visible_to(request.user).filter(note_tags__tag=tag).chronological()
    if tag is None or not notes.exists():
        raise Http404
    page = Paginator(notes.cards(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"tag": tag, "page": page, "cards": cards(request, page.object_list)}
    return render(request, "wiki/tag.html", context)
