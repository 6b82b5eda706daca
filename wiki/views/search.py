"""Searching: one page, the part of it that changes while somebody types, and JSON."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from wiki import extensions
from wiki.models import Note
from wiki.search.fusion import WEIGHTS, Mode
from wiki.search.results import Result
from wiki.search.results_page import ResultsPage, search
from wiki.views.search_sentences import count_sentence, language_sentence, problem_sentence

MAX_RECENT = 5
MAX_DIGITS = 4


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The results for `q`. With `typing`, the results alone, for a word half typed."""
    asked = request.GET
    is_typing = "typing" in asked
    readable = Note.objects.visible_to(request.user)
    page = search(
        asked.get("q", ""),
        readable,
        page=_page_number(asked.get("page", "")),
        is_typing=is_typing,
        as_typed="as_typed" in asked,
        mode=_mode(asked.get("by", "")),
        with_weak="all" in asked,
    )
    if _wants_json(request):
        reply: HttpResponse = JsonResponse(_as_json(request, page))
    else:
        recent = readable.last_changed()[:MAX_RECENT] if page.query.is_empty else ()
        context = {
            "search": page,
            "count_sentence": count_sentence(page),
            "problems": [problem_sentence(problem) for problem in page.query.problems],
            "recent": recent,
            "language": language_sentence(),
            "by_meaning": bool(extensions.rankers),
        }
        template = "wiki/_results.html" if is_typing else "wiki/search.html"
        reply = render(request, template, context)
    patch_vary_headers(reply, ["Accept"])
    reply["X-Robots-Tag"] = "noindex"
    return reply


def _page_number(asked: str) -> int:
    return int(asked) if asked.isdecimal() and len(asked) <= MAX_DIGITS else 1


def _mode(asked: str) -> Mode:
    return next((mode for mode in Mode if mode == asked), Mode.HYBRID)


def _wants_json(request: HttpRequest) -> bool:
    kinds = ["text/html", "application/json"]
    preferred = request.get_preferred_type(kinds)
    return request.GET.get("format") == "json" or preferred == "application/json"


def _as_json(request: HttpRequest, page: ResultsPage) -> dict[str, Any]:
    """Return the page as JSON, with the shares and ranks that its order is computed from."""
    found = page.retrieval
    weights = WEIGHTS[found.mode]
    return {
        "query": page.typed,
        "total": found.total,
        "page": page.number,
        "pages": page.pages,
        "problems": [problem_sentence(problem) for problem in page.query.problems],
        "suggestion": page.corrected or None,
        "is_corrected": page.is_corrected,
        "by": found.mode,
        "weights": {"words": weights.lexical, "meaning": weights.semantic},
        "nothing_close": found.nothing_relevant,
        "weak": page.weak_left_out,
        "coverage": found.idf_share,
        "away": found.unavailable or None,
        "hits": [
            {
                "pid": result.note.pid,
                "title": result.note.title,
                "url": request.build_absolute_uri(result.note.get_absolute_url()),
                "score": result.score,
                "rank": result.rank,
                "snippet": result.snippet,
                "matched": [word for word, _ in result.words],
                "share": result.hit.share,
                "placed": result.hit.pinned_by,
                "words": _lexical(result),
                "meaning": _semantic(result),
            }
            for result in page.results
        ],
    }


def _lexical(result: Result) -> dict[str, Any] | None:
    ranked = result.hit.lexical
    if ranked is None:
        return None
    return {
        "rank": ranked.rank,
        "score": round(ranked.score, 4),
        "share": ranked.share,
        "matched": dict(result.words),
    }


def _semantic(result: Result) -> dict[str, Any] | None:
    ranked = result.hit.semantic
    if ranked is None:
        return None
    passage, quoted = ranked.hit.passage, result.quoted
    return {
        "rank": ranked.rank,
        "score": round(ranked.score, 4),
        "share": ranked.share,
        "is_close": ranked.hit.is_close,
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
