"""The files of attachments must be here, be what was given, and be somebody's."""

import hashlib
from collections.abc import Generator, Iterator
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.urls import reverse
from django.utils import timezone

from wiki.extensions import Problem
from wiki.files import store
from wiki.models import Attachment, RevisionFile
from wiki.models.attachment import hold_bytes
from wiki.models.attachment_upload import KEPT_UNSAVED

ROWS_AT_A_TIME = 500
REMEDY = "It can be taken from a backup."
# `up` sweeps once an hour; it may have been away for a while.
SWEPT_LATE = KEPT_UNSAVED + timedelta(days=1)


def problems() -> Generator[Problem, None, None]:
    """Read every file once to its end. The caller holds a transaction."""
    rows = Attachment.objects.filter(removed=None).order_by("sha256", "note_id", "number", "pk")
    for sha256, group in groupby(rows.iterator(ROWS_AT_A_TIME), lambda row: row.sha256):
        have = _sha256_of(store.path_of(sha256))
        for row in group if have != sha256 else ():
            which = _which(row)
            if have is None:
                yield Problem("file_missing", f"{which} is missing. {REMEDY}", row.note_id)
            else:
                message = f"{which} is not what was given: its sha256 does not fit. {REMEDY}"
                yield Problem("file_damaged", message, row.note_id)
    yield from _misplaced()
    yield from _unused()


def unreferenced() -> list[Path]:
    """Return the kept files that no note has.

    Each is asked for while nobody can be giving it to a note. Call it outside a snapshot,
    which does not know the files that came since.
    """
    used = set(Attachment.objects.filter(removed=None).values_list("sha256", flat=True))
    return [path for sha256, path in store.kept() if sha256 not in used and _is_nobodys(sha256)]


def unreferenced_problems(paths: list[Path]) -> Iterator[Problem]:
    """Name the kept files that no note has."""
    for path in paths:
        where = path.relative_to(store.media().parent)
        message = (
            f"The file {where} is no note's: its upload was stopped, or its note is gone. "
            "Delete it, unless another database keeps its files in this data folder."
        )
        yield Problem("file_unreferenced", message)


def _is_nobodys(sha256: str) -> bool:
    with transaction.atomic():
        hold_bytes(sha256)
        is_used = Attachment.objects.filter(sha256=sha256, removed=None).exists()
        return not is_used and store.path_of(sha256).is_file()


def _misplaced() -> Iterator[Problem]:
    """Name what a revision shows that is not of its note: its readers could not open it."""
    uses = RevisionFile.objects.select_related("revision", "attachment")
    for use in uses.exclude(attachment__note=F("revision__note")).iterator():
        yield Problem(
            "file_of_another_note",
            f"Revision {use.revision.number} of note {use.revision.note_id} shows the file "
            f"{use.key} of another note. Save the note with a file of its own.",
            use.revision.note_id,
            use.revision.number,
        )


def _unused() -> Iterator[Problem]:
    """Name the files that no revision shows; an upload may still wait for its note to be saved."""
    shown = RevisionFile.objects.filter(attachment=OuterRef("pk"))
    unshown = Attachment.objects.filter(~Exists(shown), removed=None)
    for row in unshown.filter(uploader=None, note__isnull=False).order_by("pk").iterator():
        message = (
            f"{_which(row)} is shown by no revision. Its owner can remove it: "
            f"{reverse('note_files', args=[row.note_id])}"
        )
        yield Problem("file_unused", message, row.note_id)
    old = Attachment.objects.unsaved().filter(created__lt=timezone.now() - SWEPT_LATE)
    for row in old.order_by("pk").iterator():
        message = f"{_which(row)} was uploaded and never saved. `manage.py up` removes it."
        yield Problem("upload_unswept", message, row.note_id)


def _which(row: Attachment) -> str:
    if row.note_id is None:
        return f"A file of a note that was not saved, {row.token},"
    return f"File {row.number} of note {row.note_id}"


def _sha256_of(path: Path) -> str | None:
    """Return the sha256 of a file, "" for one that cannot be read, None for one not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""
