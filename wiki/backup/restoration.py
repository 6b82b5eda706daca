"""Restoring a backup into an empty instance: rows of ours into the schema of our own migrations."""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction
from psycopg import sql

from wiki import integrity
from wiki.accounts import sign_in_links
from wiki.backup.content import all_tables
from wiki.backup.creation import NOTES, BackupReport
from wiki.backup.errors import BackupError
from wiki.backup.kept_tables import is_kept, is_named, remembered
from wiki.backup.loader import load
from wiki.backup.pg_dump_archive import DumpRows
from wiki.backup.reader import Reader
from wiki.backup.rows import MemberRows, Rows, tables_to_load
from wiki.backup.schema import Schema
from wiki.files import store
from wiki.models import Note

# Where attachments are unpacked, on the same disk as their place.
UNPACKED = ".restoring"
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend'
       AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class RestoreReport(BackupReport):
    """What was restored; sha256 is that of the rows, before any newer migration."""

    problems: tuple[integrity.Problem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints."""
        said = super().as_json()
        del said["problems"]
        return {**said, "ok": not self.problems}


def restore(file: Path) -> RestoreReport:
    """Put a backup into this instance, which must be empty and not running.

    The whole file is checked before anything changes. The schema is made by our migrations, as
    far as the backup's version had them; the rows are loaded, all or none; then the newer
    migrations are applied and everything is verified. Raises BackupError; until all rows are in,
    the instance is still empty, also after a crash, and the same restore may be tried again.
    """
    started = time.monotonic()
    media = settings.WIKI_DATA_DIR / "media"
    with Reader(file) as reader:
        _require_empty(media, reader)
        schema = Schema(reader.manifest)
        loaded = tables_to_load(reader, schema)
        reader.check(media)
        rows = rows_of(reader, schema, loaded)
        rows.check()
        _fill(reader, schema, rows, loaded, media)
        _bring_up_to_date()
        problems = tuple(integrity.verify().problems)
        report = BackupReport.of(file, reader.manifest, started)
    return RestoreReport(**vars(report), problems=problems)


def rows_of(reader: Reader, schema: Schema, loaded: set[str]) -> Rows:
    """Return the rows of these tables, whatever the backup's format."""
    kind = DumpRows if reader.manifest.format == 1 else MemberRows
    return kind(reader, schema, loaded)


def is_empty() -> bool:
    """Tell whether nobody has used this database yet.

    It may lack a schema, or have one, and the account that the first start makes.
    """
    tables = all_tables()
    if NOTES in tables and Note._base_manager.exists():
        return False
    user_model = get_user_model()
    people = user_model._base_manager.all() if user_model._meta.db_table in tables else ()
    return all(
        user.username == sign_in_links.OWNER
        and user.last_login is None
        and not user.has_usable_password()
        for user in people
    )


def _require_empty(media: Path, reader: Reader) -> None:
    if not is_empty() or not _belong_to(reader, media):
        raise BackupError(
            "This instance is not empty, and a backup never mixes with what is there. Set "
            "WIKI_DATA_DIR to a new folder (or DATABASE_URL to a new database) and restore there."
        )
    if strange := _tables_of_others():
        raise BackupError(
            f"The database holds rows of something else ({strange[0]}), which a restore would "
            "remove. Set DATABASE_URL to a database that Commonplace has for itself."
        )
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        if cursor.fetchone()[0]:
            raise BackupError(
                "Somebody else is connected to the database. Stop Commonplace (Ctrl-C where "
                "it runs) and whatever else uses it, then restore again."
            )


def _belong_to(reader: Reader, media: Path) -> bool:
    """Tell whether there are no files but those that an interrupted restore of this backup left."""
    found = (path for path in media.rglob("*") if not path.is_dir())
    here = (path for path in found if media / UNPACKED not in path.parents)
    return all(
        reader.attachments.get(path.relative_to(media).as_posix()) == path.lstat().st_size
        for path in here
    )


def _tables_of_others() -> list[str]:
    """Return the tables in this database that are not ours and have rows."""
    names = remembered()
    strange = [name for name in all_tables() if not is_named(name) and is_kept(name, names)]
    with connection.cursor() as cursor:
        for name in list(strange):
            cursor.execute(sql.SQL("SELECT FROM public.{} LIMIT 1").format(sql.Identifier(name)))
            if not cursor.rowcount:
                strange.remove(name)
    return strange


def _fill(reader: Reader, schema: Schema, rows: Rows, loaded: set[str], media: Path) -> None:
    """Make the schema, then put all rows and files in place. Raises BackupError."""
    unpacked = media / UNPACKED
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        reader.unpack_media(unpacked)
        schema.make()
        with transaction.atomic():
            load(rows, loaded, reader.manifest)
            # Before the rows are there for good: a row never lacks its file.
            _put_in_place(reader.attachments, unpacked, media)
    except django.db.Error as error:
        reason = str(error).splitlines()[0]
        raise BackupError(
            f"The empty database cannot be filled ({reason}), and is empty still. Let the role "
            "that owns it restore, or use another copy of the backup."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _put_in_place(paths: Iterable[str], unpacked: Path, media: Path) -> None:
    """Move the files to where notes look for them, and onto the disk. Raises BackupError."""
    try:
        folders = {(media / path).parent for path in paths}
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        for path in paths:
            (unpacked / path).replace(media / path)
        for folder in (*folders, media):
            store.sync_folder(folder)
    except OSError as error:
        raise BackupError(
            f"The attachments cannot be put into {media}: {error.strerror}. The database is "
            "empty still; correct that and restore again."
        ) from error


def _bring_up_to_date() -> None:
    """Apply the newer migrations to what was restored, and index it."""
    ContentType.objects.clear_cache()
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except (django.db.Error, ImproperlyConfigured) as error:
        raise BackupError(
            f"Everything was restored, but the database could not be changed to this version "
            f"({str(error).splitlines()[0]}). `make run` tries that again; nothing is lost."
        ) from error
    ContentType.objects.clear_cache()
