"""The bytes of files, each kept once under its sha256: `media/ab/cdef…`.

A file appears under its name when it is complete and on disk. Its row is written after it:
a file without a row is harmless, a row without a file is not.
"""

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from wiki.files.kinds import MAX_SIGNATURE_LENGTH, Kind, kind_of

MAX_BYTES = 50 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
TWO, REST = re.compile(r"[0-9a-f]{2}"), re.compile(r"[0-9a-f]{62}")


class FileRefused(Exception):
    """A file cannot be kept; the text says why, and what to do."""


@dataclass(frozen=True)
class Stored:
    """What is kept of a file."""

    sha256: str
    bytes: int
    kind: Kind

    @property
    def path(self) -> Path:
        return path_of(self.sha256)


def media() -> Path:
    """Return the folder of all files."""
    return Path(settings.WIKI_DATA_DIR) / "media"


def path_of(sha256: str) -> Path:
    """Return where the file of this sha256 lies, if it is here."""
    return media() / sha256[:2] / sha256[2:]


def kept() -> Iterator[tuple[str, Path]]:
    """Yield every kept file by its sha256, in order; thumbnails and unfinished ones are not."""
    folders = sorted(media().iterdir()) if media().is_dir() else []
    for folder in folders:
        if TWO.fullmatch(folder.name):
            for path in sorted(folder.iterdir()):
                if REST.fullmatch(path.name):
                    yield folder.name + path.name, path


def sha256_of(content: Path | bytes) -> str:
    """Return the sha256 of a file. Raises FileRefused if it is too large, OSError."""
    digest = hashlib.sha256()
    for chunk in _chunks(content):
        digest.update(chunk)
    return digest.hexdigest()


def keep(content: Path | bytes) -> Stored:
    """Keep a file and return what it is. Raises FileRefused if it is too large, OSError.

    A link is not followed. What is here already is not written again.
    """
    media().mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size, start = hashlib.sha256(), 0, b""
    descriptor, name = tempfile.mkstemp(dir=media(), prefix=".", suffix=".part")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in _chunks(content):
                digest.update(chunk)
                size += file.write(chunk)
                start = start or chunk[:MAX_SIGNATURE_LENGTH]
            stored = Stored(digest.hexdigest(), size, kind_of(start))
            if _is_here(stored):
                return stored
            file.flush()
            os.fsync(file.fileno())
        _place(unfinished, stored)
    finally:
        unfinished.unlink(missing_ok=True)
    return stored


def remove(sha256: str) -> None:
    """Remove a kept file. The caller knows that nothing needs it."""
    path_of(sha256).unlink(missing_ok=True)


def _is_here(stored: Stored) -> bool:
    return stored.path.is_file() and stored.path.stat().st_size == stored.bytes


def _place(unfinished: Path, stored: Stored) -> None:
    target = stored.path
    target.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished.replace(target)
    for folder in (target.parent, media()):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _chunks(content: Path | bytes) -> Iterator[bytes]:
    total = 0
    with opened(content) as file:
        while chunk := file.read(CHUNK_BYTES):
            total += len(chunk)
            if total > MAX_BYTES:
                raise FileRefused(
                    f"The file has more than {MAX_BYTES // 1024**2} MB, which is the most a note "
                    "can hold of one. Make it smaller, or link to where it lies."
                )
            yield chunk


def opened(content: Path | bytes) -> IO[bytes]:
    """Open a file to read it. A link is not followed: raises OSError."""
    if isinstance(content, bytes):
        return io.BytesIO(content)
    return os.fdopen(os.open(content, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
