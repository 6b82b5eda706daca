"""The file of a backup: a zip of rows, attachments and a manifest. Nothing in it is ever executed.

manifest.json       what is in here, with the sha256 of every other member; written last
tables/<name>.copy  the rows of a table, as PostgreSQL's COPY writes them
media/ab/cdef...    the attachments as they lie in the data folder, by their sha256

Format 1 held all rows in one database.dump of pg_dump's; pg_dump_archive.py reads it.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from wiki.backup.content import Contents, combined_sha256
from wiki.backup.errors import BackupError
from wiki.files import store
from wiki.private_files import create

FORMAT, FORMATS = 2, (1, 2)
MANIFEST, DUMP, TABLES, MEDIA = "manifest.json", "database.dump", "tables/", "media/"
CHUNK_BYTES = 1024 * 1024

T = TypeVar("T")


def table_member(table: str) -> str:
    """Return the name of the member with a table's rows."""
    return f"{TABLES}{table}.copy"


@dataclass(frozen=True)
class Member:
    """Size and sha256 of one member of the zip, unpacked."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and of which version.

    migrations: those applied to the database, such as "wiki.0001_initial". tables: columns,
    rows and sha256 of each table whose rows are kept; sequences: the last number given to a
    row of it, which may be gone by now; members: the zip's, by name.
    """

    version: str
    postgres: str
    created: str
    migrations: tuple[str, ...]
    tables: dict[str, Contents]
    sequences: dict[str, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def of(cls, said: object) -> "Manifest":
        """Return what a manifest says, as JSON. Raises ValueError if it is none of ours."""
        if not isinstance(said, dict) or said.get("format") not in FORMATS:
            found = said.get("format") if isinstance(said, dict) else None
            raise ValueError(f"format {found}; this version reads formats 1 and 2")
        return cls(
            format=said["format"],
            version=_text(said.get("version")),
            postgres=_text(said.get("postgres")),
            created=_text(said.get("created")),
            migrations=_texts(said.get("migrations")),
            tables=_by_name(said.get("tables"), _contents),
            sequences=_by_name(said.get("sequences", {}), _number),
            members=_by_name(said.get("members"), _member),
        )

    @property
    def sha256(self) -> str:
        """The sha256 over all contents of the database."""
        return combined_sha256(self.tables)

    def rows(self, table: str) -> int:
        """Return how many rows of this table are in the backup."""
        return self.tables[table].rows if table in self.tables else 0


def _text(said: object) -> str:
    # It may be shown in a terminal, which obeys signs that nobody sees.
    if not isinstance(said, str) or not said.isprintable():
        raise ValueError("its manifest is none of ours")
    return said


def _texts(said: object) -> tuple[str, ...]:
    return tuple(_text(one) for one in (said if isinstance(said, list) else [None]))


def _number(said: object) -> int:
    if type(said) is not int or said < 0:
        raise ValueError("its manifest is none of ours")
    return said


def _by_name(said: object, read: Callable[[Any], T]) -> dict[str, T]:
    if not isinstance(said, dict):
        raise ValueError("its manifest is none of ours")
    return {_text(name): read(value) for name, value in said.items()}


def _contents(said: object) -> Contents:
    found = said if isinstance(said, dict) else {}
    columns = _texts(found.get("columns", []))
    return Contents(_number(found.get("rows")), _text(found.get("sha256")), columns)


def _member(said: object) -> Member:
    found = said if isinstance(said, dict) else {}
    return Member(_number(found.get("bytes")), _text(found.get("sha256")))


class Writer:
    """A backup being written; each member's sha256 is taken on the way.

    Leaving its block after an error leaves a file that is no backup, for it has no manifest.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.members: dict[str, Member] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After a full disk, say, the zip cannot be ended either: the first error counts.
        with nullcontext() if kind is None else suppress(OSError, ValueError):
            self._zip.close()

    def add(self, name: str, source: IO[bytes]) -> None:
        """Copy source to its end into a member."""
        with self.adding(name, zipfile.ZIP_STORED) as write:
            while chunk := source.read(CHUNK_BYTES):
                write(chunk)

    @contextmanager
    def adding(
        self, name: str, compression: int = zipfile.ZIP_DEFLATED
    ) -> Iterator[Callable[[bytes], object]]:
        """Give a function that writes the next bytes of a member."""
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name)
        entry.compress_type, entry.external_attr = compression, 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=True) as member:

            def write(chunk: bytes) -> None:
                nonlocal size
                digest.update(chunk)
                size += member.write(chunk)

            yield write
        self.members[name] = Member(size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, the last member."""
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True))


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that appears at path when it is complete and on disk, and not before.

    Only its owner may read it. Raises BackupError if path exists or cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists():
            raise BackupError(f"{path} exists already. Choose another name, or move it away.")
        with create(unfinished) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        _publish(unfinished, path)
    except FileNotFoundError as error:
        raise BackupError(f"There is no folder {path.parent}. Make it first.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _publish(unfinished: Path, path: Path) -> None:
    """Let the file appear at path, for good. Raises FileExistsError."""
    try:
        # Unlike a rename, a link never replaces what somebody put there in the meantime.
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        unfinished.rename(path)
    store.sync_folder(path.parent)
