"""Middleware that refuses incomplete or misread forms, with a page that shows what was typed.

Django replaces what is not UTF-8, lets a request choose the charset its text is read in, and
answers a form that is too large with a page without its fields.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote_to_bytes

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict

from wiki.views.errors import incomplete_request

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# The replacement character: Django puts it where something could not be read.
LOST = "\ufffd"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
# A text of the greatest length and its other fields; files are larger, and have their own checks.
COMPARED_BYTES = 4 * 1024 * 1024
SHOWN_BYTES, SHOWN_FIELDS = 32 * 1024 * 1024, 2_000


class IncompleteRequest(Exception):
    """A request was not received as it was sent; the text is a sentence for its sender."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


TOO_LARGE = (
    f"What was sent is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2} MB. "
    "Make it smaller, or divide it, and send it again."
)
TOO_MANY = (
    f"What was sent has more than {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} fields, "
    "which no page of this site has. Choose fewer at a time."
)
CUT = "What was sent did not arrive whole. Send it again."
NOT_UTF8 = (
    "A part of what was sent cannot be read as text, because it is not UTF-8. "
    f"Where something is lost stands {LOST}: type it again there, and send all of it again."
)
CHARSET = "What was sent is not in UTF-8, which is all that this site reads. Send it in UTF-8."


def complete_forms(get_response: GetResponse) -> GetResponse:
    """Let views get only forms that were received as they were sent."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        try:
            require_complete(request)
        except IncompleteRequest as incomplete:
            return incomplete_request(
                request, incomplete.status, str(incomplete), typed_in(request)
            )
        return get_response(request)

    return respond


def require_complete(request: HttpRequest) -> None:
    """Read the address and the form. Raises IncompleteRequest."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        request.encoding = "utf-8"
        raise IncompleteRequest(415, CHARSET)
    if not _is_utf8(unquote_to_bytes(request.META.get("QUERY_STRING", ""))):
        raise IncompleteRequest(400, NOT_UTF8)
    if request.method != "POST":
        return
    try:
        is_complete = _is_read_as_sent(request)
    except RequestDataTooBig:
        raise IncompleteRequest(413, TOO_LARGE) from None
    except (TooManyFieldsSent, TooManyFilesSent):
        raise IncompleteRequest(400, TOO_MANY) from None
    except (MultiPartParserError, SuspiciousOperation, BadRequest):
        raise IncompleteRequest(400, CUT) from None
    if not is_complete:
        raise IncompleteRequest(400, NOT_UTF8)


def typed_in(request: HttpRequest) -> "MultiValueDict[str, str]":
    """Return the fields of a form, as far as they can be read."""
    typed: MultiValueDict[str, str] = MultiValueDict()
    try:
        return request.POST
    except (SuspiciousOperation, BadRequest, MultiPartParserError):
        pass
    # Of a form that is too large, fields are parsed only for people who are signed in.
    if request.content_type == URLENCODED and request.user.is_authenticated:
        parts = _body(request).split(b"&", SHOWN_FIELDS)[:SHOWN_FIELDS]
        for name, value in parse_qsl(b"&".join(parts).decode(errors="replace")):
            typed.appendlist(name, value)
    return typed


def _is_read_as_sent(request: HttpRequest) -> bool:
    """Tell whether a form was read without loss: Django leaves LOST for each loss.

    Where LOST itself was sent, it is in the body as often as in the fields. Large forms with
    files are not compared.
    """
    kind, body = request.content_type, b""
    if kind == URLENCODED or (kind == MULTIPART and _length(request) <= COMPARED_BYTES):
        body = request.body
    typed = (text for name, values in request.POST.lists() for text in (name, *values))
    lost = sum(text.count(LOST) for text in typed)
    if kind == URLENCODED:
        return (body.isascii() and not lost) or _is_utf8(unquote_to_bytes(body))
    return not body or lost <= body.count(LOST.encode())


def _length(request: HttpRequest) -> int:
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _body(request: HttpRequest) -> bytes:
    """Return a body that is larger than Django takes; b"" if it is larger than SHOWN_BYTES."""
    try:
        return request.body
    except RequestDataTooBig:
        body: bytes = request.read(SHOWN_BYTES + 1)
        return body if len(body) <= SHOWN_BYTES else b""


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
