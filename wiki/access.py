"""The only way a view gets a note. What a person may not read does not exist for them."""

import uuid

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from wiki.models import Attachment, Note, Revision
from wiki.reader import Reader


def readable_note(user: Reader, pid: int, *, with_text: bool = False) -> Note:
    """Return a note user may read, with what a header shows of it. Raises Http404.

    with_text loads the HTML of its text too.
    """
    notes = Note.objects.visible_to(user)
    loaded = notes.texts() if with_text else notes.cards()
    note = loaded.with_numbers_for(user).filter(pid=pid).first()
    if note is None:
        raise Http404
    return note


def editable_note(user: Reader, pid: int) -> Note:
    """Return a note user may write. Raises Http404, or PermissionDenied if it is readable."""
    note = readable_note(user, pid)
    if not note.may_be_edited_by(user):
        raise PermissionDenied
    return note


def trashed_note(user: Reader, pid: int) -> Note:
    """Return a deleted note user may bring back. Raises Http404."""
    note = Note.objects.in_trash_of(user).cards().filter(pid=pid).first()
    if note is None:
        raise Http404
    return note


def readable_file(user: Reader, pid: int, number: int) -> Attachment:
    """Return a file that user may read of this note. Raises Http404."""
    return _first(Attachment.objects.readable_by(user).filter(note=pid, number=number))


def uploaded_file(user: Reader, token: uuid.UUID) -> Attachment:
    """Return a file by the address it got before its note was saved. Raises Http404."""
    return _first(Attachment.objects.readable_by(user).filter(token=token))


def note_for_upload(user: Reader, pid: int) -> Note:
    """Return a note user may add files to; any other is as if it were missing. Raises Http404."""
    try:
        return editable_note(user, pid)
    except PermissionDenied as error:
        raise Http404 from error


def _first(files: QuerySet[Attachment]) -> Attachment:
    file = files.first()
    if file is None:
        raise Http404
    return file


def readable_revision(user: Reader, note: Note, number: int) -> Revision:
    """Return a revision of a note that user may read. Raises Http404."""
    revision = note.revisions.visible_to(user).filter(number=number).first()
    if revision is None:
        raise Http404
    revision.note = note
    return revision
