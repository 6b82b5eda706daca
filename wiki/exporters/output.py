"""The files of an export, hashed as they are written."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wiki.private_files import create, make_folder

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Exported:
    """What an export wrote; bytes and sha256 are those of its files, one after the other."""

    notes: int
    revisions: int
    bytes: int
    sha256: str
    attachments: int = 0


class Output:
    """A folder that an export fills. Files appear under their names when they are complete.

    They hold private notes, so what is made here is for its owner alone to read.
    """

    def __init__(self, directory: Path) -> None:
        """Make the folder. Raises OSError."""
        make_folder(directory)
        self._directory = directory
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.hashes: dict[str, str] = {}

    @property
    def sha256(self) -> str:
        """Return the hash of all files so far, in the order they were written."""
        return self._hash.hexdigest()

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[str], None]]:
        """Open a file; call what is given with each text to write. Raises OSError."""
        with self._open(name) as write:
            yield lambda text: write(text.encode())

    def copy(self, name: str, source: Path) -> None:
        """Copy a file. Raises OSError."""
        with source.open("rb") as stream, self._open(name) as write:
            while chunk := stream.read(CHUNK_BYTES):
                write(chunk)

    @contextmanager
    def _open(self, name: str) -> Iterator[Callable[[bytes], None]]:
        path, own = self._folder_of(name) / PurePosixPath(name).name, hashlib.sha256()
        unfinished = path.parent / f".{own.name}-{os.getpid()}.part"
        try:
            with create(unfinished, "wb") as stream:

                def write(data: bytes) -> None:
                    stream.write(data)
                    own.update(data)
                    self._hash.update(data)
                    self.bytes += len(data)

                yield write
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        unfinished.replace(path)
        self.hashes[name] = own.hexdigest()

    def _folder_of(self, name: str) -> Path:
        """Make the folders of a file. A link in one of them that leads out is an OSError."""
        folder = self._directory / PurePosixPath(name).parent
        make_folder(folder)
        if not folder.resolve().is_relative_to(self._directory.resolve()):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
        return folder
