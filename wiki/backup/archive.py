"""The file of a backup: a zip with the database, the attachments and a manifest.

manifest.json      what is in here, with the sha256 of every other member; written last
database.dump      pg_dump's custom format, of any version of the schema
media/...          the attachments as they lie in the data folder
"""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from wiki.backup.content import Contents, combined_sha256
from wiki.backup.errors import BackupError
from wiki.private_files import create, make_folder

FORMAT = 1
MANIFEST, DUMP, MEDIA = "manifest.json", "database.dump", "media/"
CHUNK_BYTES = 1024 * 1024
MOST_MANIFEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Member:
    """Size and sha256 of one member of the zip."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and of which version.

    migrations: those applied to the database, such as "wiki.0001_initial". tables: rows and
    sha256 of each table whose rows are kept; members: the zip's, by name.
    """

    version: str
    postgres: str
    created: str
    migrations: list[str]
    tables: dict[str, Contents]
    members: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def sha256(self) -> str:
        """The sha256 over all contents of the database."""
        return combined_sha256(self.tables)

    def rows(self, table: str) -> int:
        """Return how many rows of this table are in the backup."""
        return self.tables[table].rows if table in self.tables else 0


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
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                size += member.write(chunk)
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
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as f:
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
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reader:
    """A backup that is complete: opening it raises BackupError for anything else."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = _read_manifest(self._zip)
        except FileNotFoundError as error:
            raise BackupError(f"There is no file {path}. Check the name.") from error
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise BackupError(f"{path} is not a whole backup of Commonplace ({error}).") from error
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def check(self) -> None:
        """Read every member to its end; BackupError if one is not what was written."""
        for name, said in self.manifest.members.items():
            digest = hashlib.sha256()
            try:
                with self._zip.open(name) as member:
                    while chunk := member.read(CHUNK_BYTES):
                        digest.update(chunk)
                damaged = digest.hexdigest() != said.sha256
            except (KeyError, zipfile.BadZipFile, EOFError):
                damaged = True
            if damaged:
                raise BackupError(
                    f"The backup is damaged: {name} in it is not what was written. "
                    "Nothing was restored; use another copy."
                )

    def open(self, name: str) -> IO[bytes]:
        """Open a member for reading."""
        return self._zip.open(name)

    def unpack_media(self, folder: Path) -> None:
        """Write the attachments into folder, which is made. Raises BackupError."""
        try:
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)
            for name in filter(is_attachment, self.manifest.members):
                target = folder / _inside(name)
                make_folder(target.parent)
                with self.open(name) as member, create(target) as file:
                    shutil.copyfileobj(member, file, CHUNK_BYTES)
        except OSError as error:
            raise BackupError(f"The attachments cannot be written: {error.strerror}.") from error


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
        raise ValueError("its manifest is too long")
    said = json.loads(archive.read(MANIFEST))
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']}; this version reads format {FORMAT}")
    said["tables"] = {name: Contents(**table) for name, table in said["tables"].items()}
    said["members"] = {name: Member(**member) for name, member in said["members"].items()}
    return Manifest(**said)


def is_attachment(name: str) -> bool:
    """Tell whether a member of the zip is a note's file."""
    return name.startswith(MEDIA)


def _inside(name: str) -> Path:
    """Return the path of an attachment below its folder; BackupError if it leads elsewhere."""
    path = PurePosixPath(name.removeprefix(MEDIA))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BackupError(f"The backup holds an attachment with the impossible name {name!r}.")
    return Path(path)
