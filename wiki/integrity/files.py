"""The files of attachments must be here, and be what was given."""

import hashlib
from collections.abc import Generator
from itertools import groupby
from pathlib import Path

from wiki.extensions import Problem
from wiki.files import store
from wiki.models import Attachment

ROWS_AT_A_TIME = 500
REMEDY = "It can be taken from a backup."


def problems() -> Generator[Problem, None, None]:
    """Read every file once to its end. The caller holds a transaction."""
    rows = Attachment.objects.order_by("sha256", "note_id", "number")
    for sha256, group in groupby(rows.iterator(ROWS_AT_A_TIME), lambda row: row.sha256):
        have = _sha256_of(store.path_of(sha256))
        for row in group if have != sha256 else ():
            which = f"File {row.number} of note {row.note_id}"
            if have is None:
                yield Problem("file_missing", f"{which} is missing. {REMEDY}", row.note_id)
            else:
                message = f"{which} is not what was given: its sha256 does not fit. {REMEDY}"
                yield Problem("file_damaged", message, row.note_id)


def unused() -> int:
    """Count the kept files that no note has; they harm nobody."""
    used = set(Attachment.objects.values_list("sha256", flat=True))
    return sum(sha256 not in used for sha256, _ in store.kept())


def _sha256_of(path: Path) -> str | None:
    """Return the sha256 of a file, "" for one that cannot be read, None for one not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""
