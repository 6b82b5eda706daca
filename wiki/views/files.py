"""The files of notes: pictures to be shown, everything else to be saved."""

import logging
import uuid
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from wiki import access
from wiki.files import images
from wiki.files.kinds import SVG, Kind
from wiki.models import Attachment

logger = logging.getLogger(__name__)

# A browser that opens the file by itself all the same finds that nothing in it may run.
POLICY = "sandbox; default-src 'none'"
# A drawing has its colours in itself, and pictures; some browsers ask its policy for them.
DRAWING_POLICY = (
    f"{POLICY}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@login_not_required
@require_safe
def show(request: HttpRequest, pid: int, number: int, extension: str) -> HttpResponseBase:
    """A file as it was given, under the type that its bytes have."""
    return _whole(request, access.readable_file(request.user, pid, number), extension)


@login_not_required
@require_safe
def uploaded(request: HttpRequest, token: uuid.UUID, extension: str) -> HttpResponseBase:
    """The same, at the address that it had while its note was not saved."""
    return _whole(request, access.uploaded_file(request.user, token), extension)


@login_not_required
@require_safe
def thumbnail(request: HttpRequest, pid: int, number: int, extension: str) -> HttpResponseBase:
    """A picture at the size that pages show; the picture itself where no smaller one is made."""
    attachment = access.readable_file(request.user, pid, number)
    if not attachment.has_thumbnail:
        raise Http404
    kind = images.small_kind(attachment.media_type)
    if extension != kind.extension:
        raise Http404
    small = attachment.thumbnail() if attachment.path.is_file() else None
    if small is None:
        return _reply(request, attachment, attachment.path, attachment.kind)
    return _reply(request, attachment, small, kind)


def _whole(request: HttpRequest, attachment: Attachment, extension: str) -> HttpResponseBase:
    if extension != attachment.kind.extension:
        raise Http404
    return _reply(request, attachment, attachment.path, attachment.kind)


def _reply(request: HttpRequest, attachment: Any, path: Path, kind: Kind) -> HttpResponseBase:
    etag = f'"{attachment.sha256}"'
    same = attachment.is_public and get_conditional_response(request, etag=etag)
    reply = same or _bytes(attachment, path, kind)
    reply["ETag"] = etag
    # Also of what is unchanged: a browser takes these for what it has.
    reply["Content-Security-Policy"] = DRAWING_POLICY if kind == SVG else POLICY
    reply["Cross-Origin-Resource-Policy"] = "same-origin"
    if not attachment.is_public:
        reply["Cache-Control"] = "private, no-store"
    return reply


def _bytes(attachment: Attachment, path: Path, kind: Kind) -> HttpResponseBase:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        logger.error("The bytes of file %s_%s are missing.", attachment.note_id, attachment.number)
        raise Http404 from error
    return FileResponse(
        file,
        as_attachment=not kind.is_image,
        filename=attachment.name,
        content_type=kind.media_type,
    )
