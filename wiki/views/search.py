"""Searching: one page, the part of it that changes while somebody types, and JSON."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from wiki import extensions
from wiki.models import Note
from wiki.search.answer import Answer, answer
from wiki.search.fusion import WEIGHTS, By
from wiki.search.results import Result

MAX_RECENT = 5
MAX_DIGITS = 4


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
        by=_by(asked.get("by", "")),
        with_weak="all" in asked,
    )
    if _wants_json(request):
        reply: HttpResponse = JsonResponse(_as_json(request, made))
    else:
        recent = readable.last_changed()[:MAX_RECENT] if made.query.is_empty else ()
        context = {
            "answer": made,
            "recent": recent,
            "language": _language(),
            "by_meaning": bool(extensions.rankers),
        }
        template = "wiki/_results.html" if is_typing else "wiki/search.html"
        reply = render(request, template, context)
    patch_vary_headers(reply, ["Accept"])
    reply["X-Robots-Tag"] = "noindex"
    return reply


def _page(asked: str) -> int:
    return int(asked) if asked.isdecimal() and len(asked) <= MAX_DIGITS else 1


def _by(asked: str) -> By:
    return next((by for by in By if by == asked), By.BOTH)


def _wants_json(request: HttpRequest) -> bool:
    kinds = ["text/html", "application/json"]
    preferred = request.get_preferred_type(kinds)
    return request.GET.get("format") == "json" or preferred == "application/json"


def _as_json(request: HttpRequest, made: Answer) -> dict[str, Any]:
    """Tell what was found; with the shares and ranks anyone can put it in order again."""
    return {
        "query": made.typed,
        "total": made.found.total,
        "page": made.page,
        "pages": made.pages,
        "problems": made.query.problems,
        "suggestion": made.corrected or None,
        "is_corrected": made.is_corrected,
        "by": made.found.by,
        "weights": WEIGHTS[made.found.by]._asdict(),
        "nothing_close": made.found.nothing_is_close,
        "weak": made.weak_left_out,
        "coverage": made.found.coverage,
        "away": made.found.away or None,
        "hits": [
            {
                "pid": result.note.pid,
                "title": result.note.title,
                "url": request.build_absolute_uri(result.note.get_absolute_url()),
                "score": result.score,
                "rank": result.rank,
                "snippet": result.snippet,
                "matched": [word for word, _ in result.words],
                "share": result.place.share,
                "placed": result.place.placed,
                "words": _by_words(result),
                "meaning": _by_meaning(result),
            }
            for result in made.results
        ],
    }


def _by_words(result: Result) -> dict[str, Any] | None:
    standing = result.place.words
    if standing is None:
        return None
    return {
        "rank": standing.rank,
        "score": round(standing.score, 4),
        "share": standing.share,
        "matched": dict(result.words),
    }


def _by_meaning(result: Result) -> dict[str, Any] | None:
    standing = result.place.meaning
    if standing is None:
        return None
    passage, quoted = standing.hit.passage, result.quoted
    return {
        "rank": standing.rank,
        "score": round(standing.score, 4),
        "share": standing.share,
        "is_close": standing.hit.is_close,
        "revision": passage and passage.revision,
        "indexed_at": passage and passage.indexed_at,
        # The text is there only if the note still says it.
        "passage": passage
        and {
            "start": passage.start,
            "end": passage.end,
            "heading": passage.heading,
            "text": quoted and quoted.text,
            "sentence": (quoted and quoted.sentence) or None,
        },
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
    said = f"{said} The setting WIKI_LANGUAGE chooses the language."
    return " ".join([said, *(note() for note in extensions.about_rankers)])
