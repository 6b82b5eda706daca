"""Error pages: a sentence, the next step, and what was typed."""

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict

UNSENT = ("csrfmiddlewaretoken", "username", "send_to", "next")


def typed_fields(post: "MultiValueDict[str, str]") -> list[tuple[str, str]]:
    """Return what a form held, to be shown and sent again; never a password."""
    return [
        (name, value)
        for name, values in post.lists()
        for value in values
        if name not in UNSENT and "password" not in name
    ]


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that is too old is shown, ready to be sent again; one from elsewhere only shown.

    Another site could fill in a form and count on the reader to press its button.
    """
    typed = typed_fields(request.POST)
    ours = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    if request.headers.get("Origin") not in ours:
        return render(request, "wiki/sent_from_elsewhere.html", {"typed": typed}, status=403)
    context = {"send_to": request.path, "typed": typed}
    return render(request, "wiki/send_again.html", context, status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that no browser sends by itself: an unknown host, far too much, a mangled form."""
    return render(request, "wiki/bad_request.html", status=400)


def incomplete_request(
    request: HttpRequest, status: int, sentence: str, post: "MultiValueDict[str, str]"
) -> HttpResponse:
    """A request was not received as it was sent; makes no query, and shows what was read of it."""
    context = {"sentence": sentence, "typed": typed_fields(post)}
    return render(request, "wiki/bad_request.html", context, status=status)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Readable, but not writable, for this person."""
    context = {"typed": typed_fields(request.POST)}
    return render(request, "wiki/forbidden.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Missing, or not for this person: the same page for both."""
    context = {"typed": typed_fields(request.POST)}
    return render(request, "wiki/not_found.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of the site, or a database that does not answer; neither page makes a query."""
    is_away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    context = {"typed": typed_fields(request.POST), "send_to": request.path, "is_away": is_away}
    reply = render(request, "wiki/server_error.html", context, status=503 if is_away else 500)
    if is_away:
        reply["Retry-After"] = "5"
    return reply
