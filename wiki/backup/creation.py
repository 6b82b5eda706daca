"""Making a backup while people go on writing."""

import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.db import connection
from psycopg import sql

from wiki.backup.archive import MEDIA, Manifest, Writer, new_file, table_member
from wiki.backup.content import Contents, Table, kept_tables, read_table, use_text_form
from wiki.backup.errors import BackupError
from wiki.files import store
from wiki.snapshot import snapshot

NOTES, REVISIONS, ATTACHMENTS = "wiki_note", "wiki_revision", "wiki_attachment"
LOCK_WAIT_MS = 60_000


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

    The rows of all kept tables as they are at one moment, of whatever version the schema is,
    and after them the files of attachments, which are always there before their row. Not in it:
    what kept.py names derived, thumbnails, and the schema, which our migrations make. Raises
    BackupError; then there is no file.
    """
    started = time.monotonic()
    try:
        with new_file(file) as unfinished, Writer(unfinished) as writer:
            manifest = _add_database(writer)
            _add_media(writer)
            writer.finish(manifest)
    except django.db.Error as error:
        raise BackupError(
            f"The database could not be read ({str(error).splitlines()[0]}). There is no file; "
            "correct that and start again."
        ) from error
    return BackupReport.of(file, manifest, started)


def _add_database(writer: Writer) -> Manifest:
    """Add the rows of all kept tables as they are at one moment."""
    with snapshot():
        tables = kept_tables()
        if NOTES not in {table.name for table in tables}:
            raise BackupError("There are no notes to back up: this database was never used.")
        _hold(tables)
        use_text_form()
        return Manifest(
            version=program_version(),
            postgres=connection.connection.info.parameter_status("server_version") or "",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=_applied_migrations(),
            tables={table.name: _add_table(writer, table) for table in tables},
            # Read last: a number given since is given for good.
            sequences=_last_numbers(tables),
            members=writer.members,
        )


def _hold(tables: list[Table]) -> None:
    """Let nobody change these tables' columns, or drop one, until the end; people go on writing."""
    names = sql.SQL(", ").join(sql.Identifier("public", table.name) for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _add_table(writer: Writer, table: Table) -> Contents:
    with writer.adding(table_member(table.name)) as write:
        return read_table(table, write)


def _last_numbers(tables: list[Table]) -> dict[str, int]:
    """Return the last number given to a row of each table that numbers its rows."""
    last = "SELECT last_value - (NOT is_called)::int FROM {}"
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            if table.sequence is not None:
                cursor.execute(sql.SQL(last).format(sql.SQL(table.sequence)))
                found[table.name] = int(cursor.fetchone()[0])
    return found


def _applied_migrations() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
        return tuple(name for (name,) in cursor.fetchall())


def program_version() -> str:
    """Return the version in pyproject.toml."""
    text = (settings.ROOT / "pyproject.toml").read_text()
    return str(tomllib.loads(text)["project"]["version"])


def _add_media(writer: Writer) -> None:
    for sha256, path in store.kept():
        if not path.is_file():
            continue  # deleted since the folder was listed, or never a file
        with suppress(FileNotFoundError), path.open("rb") as source:
            writer.add(f"{MEDIA}{sha256[:2]}/{sha256[2:]}", source)
