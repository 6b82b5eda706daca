"""Suggestions for what is typed: titles and tags, as JSON."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from wiki.models import Note, suggestions

MAX_SUGGESTIONS = 10
MAX_LENGTH = 300


@login_not_required
@require_safe
def index(request: HttpRequest) -> JsonResponse:
    """Titles and tags of the notes the reader may read; `kind` asks for one of the two."""
    typed, kind = request.GET.get("q", "")[:MAX_LENGTH], request.GET.get("kind")
    notes = Note.objects.visible_to(request.user)
    titles = suggestions.titles(notes, typed, MAX_SUGGESTIONS) if kind != "tag" else []
    tags = suggestions.tags(notes, typed, MAX_SUGGESTIONS) if kind != "title" else []
    return JsonResponse(
        {
            "q": typed,
            "titles": [
                {"pid": note.pid, "title": note.title, "url": note.get_absolute_url()}
                for note in titles
            ],
            "tags": [{"name": tag.name, "url": tag.get_absolute_url()} for tag in tags],
        },
        json_dumps_params={"ensure_ascii": False},
    )
