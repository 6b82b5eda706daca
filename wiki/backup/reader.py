"""Reading a backup that may be damaged, or made to do harm: what is not expected is refused.

Everything is refused by name and before anything changes; see `Reader.check`.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wiki.backup.archive import (
    CHUNK_BYTES,
    DUMP,
    MANIFEST,
    MEDIA,
    Manifest,
    table_member,
)
from wiki.backup.errors import BackupError
from wiki.private_files import create, make_folder

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
SHA256_PATH = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")
ENCRYPTED = 0x1
# Each revision holds a sha256, which no program makes shorter, so rows never compress so well.
MAX_RATIO, HARMLESS_BYTES = 400, 64 * 1024 * 1024
DAMAGED = (KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)


class Reader:
    """A backup that is complete: opening it raises BackupError for anything else."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = _read_manifest(self._zip)
            self._packed_bytes = path.stat().st_size
        except FileNotFoundError as error:
            raise BackupError(f"There is no file {path}. Check the name.") from error
        except (*DAMAGED, RecursionError) as error:
            raise BackupError(f"{path} is not a whole backup of Commonplace ({error}).") from error
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def attachments(self) -> dict[str, int]:
        """Return the paths of the attachments' files below media/, and their sizes."""
        members = self.manifest.members
        return {
            name.removeprefix(MEDIA): members[name].bytes for name in members if _is_media(name)
        }

    def check(self, room: Path) -> None:
        """Raise BackupError unless every member is expected, harmless and what was written.

        room: a folder on the disk that what is restored has to fit on.
        """
        self._require_members()
        for entry in self._zip.infolist():
            if reason := self._refusal(entry):
                raise BackupError(
                    f"The backup was refused: {_shown(entry.filename)} in it {reason}. "
                    "Nothing was restored; use another copy."
                )
        self._require_room(room)
        self._require_unchanged()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member for reading. Raises BackupError inside if it proves damaged."""
        try:
            with self._zip.open(name) as member:
                yield member
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BackupError(_damaged(name)) from error

    def unpack_media(self, folder: Path) -> None:
        """Write the attachments into folder, which is made, and onto the disk. BackupError."""
        try:
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)
            for path in self.attachments:
                target = folder / path
                make_folder(target.parent)
                with self.open(MEDIA + path) as member, create(target) as file:
                    shutil.copyfileobj(member, file, CHUNK_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise BackupError(f"The attachments cannot be written: {error.strerror}.") from error

    def _require_members(self) -> None:
        """Require that the zip holds what its manifest says, and no name twice."""
        listed = Counter(entry.filename for entry in self._zip.infolist())
        said = {MANIFEST, *self.manifest.members}
        for name in sorted(said.union(listed)):
            if listed[name] != 1 or name not in said:
                where = "is missing" if name not in listed else "is not in its manifest"
                what = "is in it twice" if listed[name] > 1 else where
                raise BackupError(
                    f"The backup is damaged, or not whole: {_shown(name)} {what}. Nothing was "
                    "restored; use another copy."
                )

    def _refusal(self, entry: zipfile.ZipInfo) -> str | None:
        """Return what is wrong with a member, if anything; its bytes are not read."""
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        if name == MANIFEST:
            return None
        said = self.manifest.members[name]
        if kind not in (0, stat.S_IFREG) or entry.is_dir():
            return "is a link or a folder, not a file"
        if entry.flag_bits & ENCRYPTED:
            return "is encrypted"
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return "is packed in a way that no backup is"
        if entry.file_size != said.bytes:
            return "is not what was written"
        if _is_media(name):
            return self._media_refusal(entry, said.sha256)
        if name not in self._row_members():
            return "belongs to no backup"
        if said.bytes > max(HARMLESS_BYTES, MAX_RATIO * entry.compress_size):
            return "would unpack to far more than any rows do"
        return None

    def _media_refusal(self, entry: zipfile.ZipInfo, sha256: str) -> str | None:
        path = entry.filename.removeprefix(MEDIA)
        if not SHA256_PATH.fullmatch(path) or path.replace("/", "") != sha256:
            return "has an impossible name: a file of a note is called by the sha256 of its bytes"
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            return "is packed in a way that no attachment is"
        return None

    def _row_members(self) -> set[str]:
        if self.manifest.format == 1:
            return {DUMP}
        return {table_member(table) for table in self.manifest.tables}

    def _require_room(self, folder: Path) -> None:
        packed = sum(entry.compress_size for entry in self._zip.infolist())
        if packed > self._packed_bytes:
            raise BackupError(
                "The backup was refused: files in it share their bytes, so that it would unpack "
                "to more than it holds. Nothing was restored; use another copy."
            )
        wanted = sum(member.bytes for member in self.manifest.members.values())
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if wanted > free:
            raise BackupError(
                f"The backup unpacks to {wanted // 2**20:,} MB and {folder} has {free // 2**20:,} "
                "MB left. Nothing was restored; make room, or set WIKI_DATA_DIR to another disk."
            )

    def _require_unchanged(self) -> None:
        """Read every member to its end; BackupError if one is not what was written."""
        for name, said in self.manifest.members.items():
            digest = hashlib.sha256()
            try:
                with self._zip.open(name) as member:
                    while chunk := member.read(CHUNK_BYTES):
                        digest.update(chunk)
            except DAMAGED as error:
                raise BackupError(_damaged(name)) from error
            if digest.hexdigest() != said.sha256:
                raise BackupError(_damaged(name))


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
        raise ValueError("its manifest is too long")
    return Manifest.of(json.loads(archive.read(MANIFEST)))


def _is_media(name: str) -> bool:
    return name.startswith(MEDIA)


def _shown(name: str) -> str:
    return repr(name[:100]) if not name.isprintable() or " " in name else name[:100]


def _damaged(name: str) -> str:
    return (
        f"The backup is damaged: {_shown(name)} in it is not what was written. "
        "Nothing was restored; use another copy."
    )
