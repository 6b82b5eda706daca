"""Uploading files to notes, listing those a note has, and removing one for good."""

import errno
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from wiki import access
from wiki.files.sanitizer import Busy, Unreadable
from wiki.files.store import MAX_BYTES, FileRefused
from wiki.forms import NoteForm
from wiki.markup.file_references import with_file
from wiki.models import Attachment, Note, attachment_upload
from wiki.models.attachment_upload import KindRefused, TooManyUnsaved
from wiki.reader import SignedInRequest
from wiki.views.account import login_and_send_again

MEGABYTES = MAX_BYTES // 1024**2
TOO_LARGE = (
    f"The file has more than {MEGABYTES} MB, which is the most a note can hold of one. "
    "Make it smaller, or link to where it lies."
)
NO_FILE = f"No file arrived. Choose one of at most {MEGABYTES} MB, then send it again."
STOPPED = "The file did not arrive whole, so nothing of it was kept. Send it again."
DISK_FULL = (
    "The disk of this site is full, so the file was not kept. Free some space, then send it again."
)
NOT_YOURS = "There is no note of yours at this address, so the file was not kept."
SIGN_IN = "Sign in first; the file was not kept."
NO_SUBMISSION = "The form of the note did not come with the file. Open the editor again."


class Refused(Exception):
    """An upload is refused: with an HTTP status, and a sentence as the text."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def note_files(request: HttpRequest, pid: int) -> HttpResponse:
    """The files of a note and what uses each, for its owner; a POST adds one."""
    user = request.user
    if not user.is_authenticated:
        return _signed_out(request)
    if request.method == "POST":
        return _answered(request, user, lambda: access.note_for_upload(user, pid))
    note = access.editable_note(request.user, pid)
    files = note.attachments.listed_for(request.user)
    return render(request, "wiki/files.html", {"note": note, "files": files, "most": MEGABYTES})


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_note_files(request: HttpRequest) -> HttpResponse:
    """Add a file to the form of a note that is not saved yet."""
    user = request.user
    if not user.is_authenticated:
        return _signed_out(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return _answered(request, user, lambda: None)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: SignedInRequest, pid: int, number: int) -> HttpResponse:
    """Ask, then remove a file for good; its note's history says so."""
    note = access.editable_note(request.user, pid)
    file = note.attachments.listed_for(request.user).filter(number=number, removed=None).first()
    if file is None:
        raise Http404
    if request.method == "POST":
        note.remove_file(file, author=request.user)
        messages.success(request, f"{file.name} was removed for good.")
        return redirect("note_files", pid)
    return render(request, "wiki/remove_file.html", {"note": note, "file": file})


def _answered(
    request: HttpRequest, uploader: User, find_note: Callable[[], Note | None]
) -> HttpResponse:
    """Store the file, and answer a script as JSON, a person with a page."""
    note = None
    try:
        note = find_note()
        file = _stored(request, uploader, note)
    except Http404:
        if _wants_page(request):
            raise
        return JsonResponse({"error": NOT_YOURS}, status=404)
    except Refused as refused:
        if _wants_page(request):
            context = {"refused": str(refused)}
            return _page(request, note, context, status=refused.status)
        return JsonResponse({"error": str(refused)}, status=refused.status)
    answer = {"markdown": attachment_upload.markdown_of(file), "url": file.get_absolute_url()}
    if _wants_page(request):
        return _page(request, note, {"file": file, **answer}, status=201)
    return JsonResponse(answer, status=201)


def _stored(request: HttpRequest, uploader: User, note: Note | None) -> Attachment:
    """Store the file that was sent. Raises Refused."""
    sent = request.FILES.get("file")
    if getattr(request, "is_too_large", False):
        raise Refused(413, TOO_LARGE)
    if problem := getattr(request, "not_kept", None):
        raise _not_stored(problem)
    if getattr(request, "is_cut_off", False):
        raise Refused(400, STOPPED)
    if not isinstance(sent, TemporaryUploadedFile):
        raise Refused(400, NO_FILE)
    submission = _submission(request)
    if note is None and submission is None:
        raise Refused(400, NO_SUBMISSION)
    path = Path(sent.temporary_file_path())
    try:
        return attachment_upload.upload(
            path, sent.name or "", uploader=uploader, note=note, submission=submission
        )
    except (KindRefused, Unreadable) as error:
        raise Refused(415, str(error)) from error
    except Busy as error:
        raise Refused(503, str(error)) from error
    except (FileRefused, TooManyUnsaved) as error:
        raise Refused(413, str(error)) from error
    except OSError as error:
        raise _not_stored(error) from error


def _not_stored(error: OSError) -> Refused:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(507, DISK_FULL)
    return Refused(500, f"The file could not be kept ({error.strerror}). Send it again.")


def _submission(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return None


def _wants_page(request: HttpRequest) -> bool:
    """Tell whether a person sent a form; a script accepts anything, and gets JSON."""
    return "text/html" in request.headers.get("Accept", "")


def _signed_out(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    if _wants_page(request):
        return login_and_send_again(request)
    return JsonResponse({"error": SIGN_IN}, status=403)


def _page(
    request: HttpRequest, note: Note | None, context: dict[str, Any], status: int
) -> HttpResponse:
    """Show the editor with all that was typed, if it came, and the file at the text's end."""
    action = reverse("edit", args=[note.pid]) if note else reverse("new")
    context |= {"note": note, "action": action, "heading": "add a file"}
    if "body" in request.POST:
        typed = request.POST.dict()
        if markdown := context.get("markdown"):
            typed["body"] = with_file(typed["body"], markdown)
        context["form"] = NoteForm(initial=typed)
    return render(request, "wiki/uploaded.html", context, status=status)
