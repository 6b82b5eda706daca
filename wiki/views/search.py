"""Searching: one page, the part of it that changes while somebody types, and JSON."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from wiki.models import Note
from wiki.search.answering import Answer, answer

MOST_RECENT = 5
MOST_DIGITS = 4


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What is found for `q`. With `typing`, the results alone, for a word half typed."""
    asked = request.GET
    is_typing = "typing" in asked
    readable = Note.objects.visible_to(request.user)
    made = answer(
        asked.get("q", ""),
        readable,
        page=_page(asked.get("page", "")),
        is_typing=is_typing,
        as_typed="as_typed" in asked,
    )
    if _wants_json(request):
        reply: HttpResponse = JsonResponse(_as_json(request, made))
    else:
        recent = readable.last_changed()[:MOST_RECENT] if made.query.is_empty else ()
        context = {"answer": made, "recent": recent, "language": _language()}
        template = "wiki/_results.html" if is_typing else "wiki/search.html"
        reply = render(request, template, context)
    patch_vary_headers(reply, ["Accept"])
    reply["X-Robots-Tag"] = "noindex"
    return reply


def _page(asked: str) -> int:
    return int(asked) if asked.isdecimal() and len(asked) <= MOST_DIGITS else 1


def _wants_json(request: HttpRequest) -> bool:
    kinds = ["text/html", "application/json"]
    preferred = request.get_preferred_type(kinds)
    return request.GET.get("format") == "json" or preferred == "application/json"


def _as_json(request: HttpRequest, made: Answer) -> dict[str, Any]:
    return {
        "query": made.typed,
        "total": made.found.total,
        "page": made.page,
        "pages": made.pages,
        "problems": made.query.problems,
        "suggestion": made.corrected or None,
        "is_corrected": made.is_corrected,
        "hits": [
            {
                "pid": result.note.pid,
                "title": result.note.title,
                "url": request.build_absolute_uri(result.note.get_absolute_url()),
                "score": result.score,
                "rank": result.rank,
                "snippet": result.snippet,
                "matched": [word for word, _ in result.words],
            }
            for result in made.results
        ],
    }


def _language() -> str:
    """Say whose endings are ignored, and where that is set."""
    language = settings.WIKI_LANGUAGE
    if language == "simple":
        said = "Words are found only as they are written, whatever their case and accents."
    else:
        said = (
            f"Endings are ignored as in {language.capitalize()}, so one form of a word finds the "
            "others; words of other languages are found as they are written."
        )
    return f"{said} The setting WIKI_LANGUAGE chooses the language."
