"""Files given to notes in tests."""

from pathlib import Path, PurePosixPath
from typing import Any

from wiki.models import Attachment, Note, RevisionFile


def attach(note: Note, key: str, content: Path | bytes, **said: Any) -> Attachment:
    """Give the note a file that its head shows under this key."""
    said = {"name": PurePosixPath(key).name, **said}
    row = Attachment.objects.add(note, key=key, content=content, **said)
    note.refresh_from_db()
    assert note.head is not None
    RevisionFile.objects.point(note.head, {key: row})
    return row
