"""Files on their way into a note: kept when they arrive, adopted when the note is saved.

Until a revision shows it a file is its uploader's alone; what is never saved is swept away.
"""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from wiki.files import images, store
from wiki.files.kinds import OTHER
from wiki.files.sanitizer import Clean, clean_upload
from wiki.markup import Rendered
from wiki.markup.file_references import file_markdown, free_key, names_a_file
from wiki.models.attachment import (
    Attachment,
    AttachmentQuerySet,
    clean_name,
    describe,
    hold_bytes,
)
from wiki.models.note_row import NoteRow
from wiki.models.revision_file import files_for
from wiki.reader import Reader

# Of one person, together: what is not saved is not to fill the disk.
MAX_UNSAVED, MAX_UNSAVED_BYTES = 200, 1024**3
KEPT_UNSAVED = timedelta(days=1)
SHOWN_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")


class KindRefused(Exception):
    """A note can have no file of this kind; the text says why, and what to do."""


class TooManyUnsaved(Exception):
    """Somebody uploaded much and saved none of it; the text says what to do."""


def upload(
    content: Path | bytes,
    name: str,
    *,
    uploader: User,
    note: NoteRow | None = None,
    submission: uuid.UUID | None = None,
) -> Attachment:
    """Keep what somebody adds to a note, or to the form of one that is not saved yet.

    A picture is cleaned first (wiki.files.sanitizer). The same file again is the one that is
    there. Holds the note row. Raises KindRefused, TooManyUnsaved, FileRefused (Unreadable and
    Busy are some), and OSError where the disk is full.
    """
    with clean_upload(content) as clean:
        return _keep(clean, clean_name(name), uploader, note, submission)


def _keep(
    clean: Clean, name: str, uploader: User, note: NoteRow | None, submission: uuid.UUID | None
) -> Attachment:
    sha256 = store.sha256_of(clean.content)
    with transaction.atomic():
        hold_bytes(sha256)
        _wait_turn(uploader)
        described = describe(store.keep(clean.content), clean.kind)
        try:
            name = _checked_name(name, described)
            _check_room(uploader, described["bytes"])
        except (KindRefused, TooManyUnsaved):
            let_go(sha256)
            raise
        siblings = _siblings(uploader, note, submission)
        if have := _kept_already(siblings, sha256, note, uploader):
            return have
        taken = {key.casefold() for key in siblings.values_list("key", flat=True)}
        place = _number_in(note) if note else {"token": uuid.uuid4(), "submission": submission}
        return Attachment.objects.create(
            key=free_key(name, taken),
            name=name,
            created=timezone.now(),
            uploader=uploader,
            **place,
            **described,
        )


def markdown_of(attachment: Attachment) -> str:
    """Return what a text says to show the file, or to link to it."""
    return file_markdown(attachment.key, embed=attachment.is_shown)


def waiting(note: NoteRow, uploader: User) -> AttachmentQuerySet:
    """Return what uploader added to the note and no revision shows yet."""
    uploaded = Attachment.objects.filter(note=note.pid, uploader=uploader, uploader__isnull=False)
    return uploaded.filter(removed=None).unsaved()


def written_for(submission: uuid.UUID | None, uploader: Reader) -> AttachmentQuerySet:
    """Return what uploader added to a form whose note is not saved yet."""
    files = Attachment.objects.filter(note=None, uploader_id=uploader.pk)
    return files.filter(submission=submission) if submission and uploader.pk else files.none()


def drafted(
    note: NoteRow | None,
    body: str,
    rendered: Rendered,
    reader: Reader,
    submission: uuid.UUID | None,
) -> dict[str, Attachment]:
    """Return the files that a text shows while it is typed, as it would show them once saved.

    Of those that reader may read. Three queries at most.
    """
    if not rendered.attachment_keys():
        return {}
    files = {row.key: row for row in written_for(submission, reader)}
    if note is None:
        files = _named(_left_elsewhere(rendered, reader)) | files
    else:
        before = note.head_id
        found = files_for(note, body, rendered, author=reader, before=before, is_saving=False)
        pks = [row.pk for row in found.values()]
        readable = Attachment.objects.readable_by(reader).filter(pk__in=pks)
        files |= {row.key: row for row in readable}
    return files


@transaction.atomic
def adopt(note: NoteRow, uploader: User, submission: uuid.UUID | None, rendered: Rendered) -> None:
    """Give the note what was uploaded to the form that saves it. Holds the note row.

    rendered: its text. What that names and the form lacks is copied from where uploader left
    it. One query where nothing was, or two; five and a few for each file else.
    """
    elsewhere = _left_elsewhere(rendered, uploader)
    if not written_for(submission, uploader).exists() and not elsewhere.exists():
        return
    type(note)._base_manager.select_for_update().get(pid=note.pid)
    rows = written_for(submission, uploader).order_by("pk").select_for_update(of=("self",))
    for row in list(rows):
        row.note_id, row.number = note.pid, _number_in(note)["number"]
        row.save(update_fields=["note", "number"])
    have = set(Attachment.objects.filter(note=note.pid).values_list("key", flat=True))
    # Held, so that none is swept away before its copy is here.
    for key, row in _named(elsewhere.select_for_update(of=("self",))).items():
        if key not in have:
            row.pk, row.token, row.submission = None, None, None
            row.note_id, row.number = note.pid, _number_in(note)["number"]
            row.save(force_insert=True)


def _left_elsewhere(rendered: Rendered, uploader: Reader) -> AttachmentQuerySet:
    """Return what uploader added by the names of this text to notes not saved yet.

    A draft may be found, or a text be copied, into another form than it was typed in.
    """
    named = Attachment.objects.filter(key__in=rendered.attachment_keys(), removed=None)
    return named.filter(note=None, uploader_id=uploader.pk, uploader__isnull=False)


def _named(rows: AttachmentQuerySet) -> dict[str, Attachment]:
    """Return the newest file of each name."""
    return {row.key: row for row in rows.order_by("created", "pk")}


def sweep(older_than: timedelta = KEPT_UNSAVED) -> int:
    """Remove what was uploaded and never saved, rows and bytes; returns how many.

    One transaction each; one that somebody is just saving is left alone.
    """
    old = Attachment.objects.unsaved().filter(created__lt=timezone.now() - older_than)
    swept = 0
    for pk, sha256 in list(old.values_list("pk", "sha256")):
        with transaction.atomic():
            _wait_briefly()
            hold_bytes(sha256)
            locked = Attachment.objects.filter(pk=pk).select_for_update(skip_locked=True)
            row = locked.first()
            swept += bool(row and forget(row))
    return swept


def _wait_briefly() -> None:
    """Let this transaction rather fail than keep others waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'")


def forget(attachment: Attachment) -> bool:
    """Remove what was uploaded and never saved, its bytes too; tell whether it was such a one.

    The caller holds its bytes. Asked again, for it may have been saved meanwhile.
    """
    if not Attachment.objects.unsaved().filter(pk=attachment.pk).delete()[0]:
        return False
    let_go(attachment.sha256)
    return True


def let_go(sha256: str) -> None:
    """Remove bytes that no note has any more; the last step of a transaction that holds them.

    Stopped before that is complete, the row is still there, and can be removed again.
    """
    if not Attachment.objects.filter(sha256=sha256, removed=None).exists():
        images.forget(sha256)
        store.remove(sha256)


def _siblings(
    uploader: User, note: NoteRow | None, submission: uuid.UUID | None
) -> AttachmentQuerySet:
    """Return the files beside which a new one needs a key of its own."""
    if note is not None:
        type(note)._base_manager.select_for_update().get(pid=note.pid)
        return Attachment.objects.filter(note=note.pid)
    return Attachment.objects.filter(uploader=uploader, submission=submission)


def _kept_already(
    siblings: AttachmentQuerySet, sha256: str, note: NoteRow | None, uploader: User
) -> Attachment | None:
    """Return the file whose key would mean these very bytes in a text that uploader saves now."""
    for row in siblings.filter(sha256=sha256, removed=None).order_by("-number", "-pk"):
        others = siblings.filter(key=row.key).exclude(pk=row.pk)
        if note is None or not others.exists():
            is_another_s = row.uploader_id not in (None, uploader.pk)
            if not (is_another_s and not row.uses.exists()):
                return row
    return None


def _number_in(note: NoteRow) -> dict[str, Any]:
    taken = Attachment.objects.filter(note=note.pid).order_by("-number").values_list("number")
    last = taken.first()
    return {"note": note, "number": (last[0] or 0) + 1 if last else 1}


def _checked_name(name: str, described: dict[str, Any]) -> str:
    """Return a name that a text can link to. Raises KindRefused."""
    kind = Attachment(media_type=described["media_type"]).kind
    if kind != OTHER and not names_a_file(name):
        name = f"{name}.{kind.extension}"
    if not described["bytes"]:
        raise KindRefused(f"{name} is empty. Choose another file.")
    if not names_a_file(name):
        raise KindRefused(
            f"A note cannot link to a file called {name}: what its name ends in is not known. "
            "Rename it, or pack it into a .zip, and add that."
        )
    if name.lower().endswith(SHOWN_ENDINGS) and described["width"] is None:
        raise KindRefused(
            f"{name} is called a picture, but it is none that a page can show. Save it as PNG, "
            "JPEG, GIF, WebP or SVG, of at most 50 million pixels, and add that."
        )
    return name


def _wait_turn(uploader: User) -> None:
    """Let one person's uploads come in one after the other, so that the cap holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('upload'), %s)", [uploader.pk])


def _check_room(uploader: User, size: int) -> None:
    unsaved = Attachment.objects.unsaved().filter(uploader=uploader)
    have = unsaved.aggregate(count=Count("pk"), total=Sum("bytes"))
    if have["count"] >= MAX_UNSAVED or (have["total"] or 0) + size > MAX_UNSAVED_BYTES:
        raise TooManyUnsaved(
            f"You have {have['count']} files that no saved note shows, and {MAX_UNSAVED} files "
            f"or {MAX_UNSAVED_BYTES // 1024**2} MB are the most. Save the notes they are for; "
            "what is not saved within a day is removed."
        )
