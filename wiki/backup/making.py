"""Making a backup while people go on writing."""

import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from wiki.backup import programs
from wiki.backup.archive import DUMP, MEDIA, Manifest, Writer, new_file
from wiki.backup.content import all_tables, is_kept, read_contents
from wiki.backup.errors import BackupError
from wiki.snapshot import snapshot

NOTES, REVISIONS, ATTACHMENTS = "wiki_note", "wiki_revision", "wiki_attachment"
# What is made again when somebody looks at it.
THUMBNAILS = "thumbs"


@dataclass(frozen=True)
class BackupReport:
    """What is in the file: counts, its size, and the sha256 of the database's contents."""

    file: Path
    notes: int
    revisions: int
    attachments: int
    bytes: int
    sha256: str
    seconds: float

    @classmethod
    def of(cls, file: Path, manifest: Manifest, started: float) -> "BackupReport":
        """Report on a backup; started: time.monotonic() at the beginning."""
        return cls(
            file=file,
            notes=manifest.rows(NOTES),
            revisions=manifest.rows(REVISIONS),
            attachments=manifest.rows(ATTACHMENTS),
            bytes=file.stat().st_size,
            sha256=manifest.sha256,
            seconds=round(time.monotonic() - started, 3),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints."""
        return {**vars(self), "file": str(self.file)}


def backup(file: Path) -> BackupReport:
    """Write everything that is kept into one new file, readable by this user only.

    The database as it is at one moment, of whatever version its schema is, and after it the
    files of attachments, which are always there before their row. Not in it: sessions, cached
    HTML, thumbnails, and rows that others declared derived (extensions.derived_tables).
    Raises BackupError; then there is no file.
    """
    started = time.monotonic()
    with new_file(file) as unfinished, Writer(unfinished) as writer:
        manifest = _add_database(writer)
        _add_media(writer, settings.WIKI_DATA_DIR / "media")
        writer.finish(manifest)
    return BackupReport.of(file, manifest, started)


def _add_database(writer: Writer) -> Manifest:
    """Add the dump; the manifest's hashes and counts are of the same snapshot."""
    with snapshot():
        tables = all_tables()
        if NOTES not in tables:
            raise BackupError("There are no notes to back up: this database was never used.")
        kept = [table for name, table in tables.items() if is_kept(name)]
        left_out = [name for name in tables if not is_kept(name)]
        with programs.dumping(_exported(), without_rows=left_out) as dump:
            writer.add(DUMP, dump)
        return Manifest(
            version=program_version(),
            postgres=connection.connection.info.parameter_status("server_version") or "",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=_applied_migrations(),
            tables=read_contents(kept),
            members=writer.members,
        )


def _exported() -> str:
    """Give this transaction's snapshot a name under which pg_dump can use it too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        return str(cursor.fetchone()[0])


def _applied_migrations() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


def program_version() -> str:
    """Return the version in pyproject.toml."""
    text = (settings.ROOT / "pyproject.toml").read_text()
    return str(tomllib.loads(text)["project"]["version"])


def _add_media(writer: Writer, folder: Path) -> None:
    for path in _files(folder):
        # Deleted since the folder was listed: then it is not kept either.
        with suppress(FileNotFoundError), path.open("rb") as source:
            writer.add(f"{MEDIA}{path.relative_to(folder).as_posix()}", source)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, but for thumbnails and what is being written just now."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] != THUMBNAILS and not path.name.startswith(".") and path.is_file():
            yield path
