"""The files of an export, hashed as they are written."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """What an export wrote; bytes and sha256 are those of its files, one after the other."""

    notes: int
    revisions: int
    bytes: int
    sha256: str
    attachments: int = 0


class Output:
    """A folder that an export fills. Files appear under their names when they are complete."""

    def __init__(self, directory: Path) -> None:
        """Make the folder. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
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
        path, own = self._directory / name, hashlib.sha256()
        unfinished = path.with_name(f"{name}.part")
        try:
            with unfinished.open("wb") as stream:

                def write(text: str) -> None:
                    data = text.encode()
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
