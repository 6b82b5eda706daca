"""Restoring a backup into an empty instance."""

import shutil
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from wiki import integrity, sign_in
from wiki.backup import programs
from wiki.backup.archive import DUMP, Manifest, Reader
from wiki.backup.content import all_tables, combined_sha256, read_contents
from wiki.backup.errors import BackupError
from wiki.backup.making import NOTES, BackupReport
from wiki.models import Note
from wiki.snapshot import snapshot

# All of them, unlogged ones too, although no backup keeps their rows.
TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
# Functions of ours, not of an extension: tables take all else with them.
OWN_ROUTINES = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend'
       AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class RestoreReport(BackupReport):
    """What was restored; sha256 is taken from the database, before any newer migration."""

    problems: tuple[integrity.Problem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints."""
        said = super().as_json()
        del said["problems"]
        return {**said, "ok": not self.problems}


def restore(file: Path) -> RestoreReport:
    """Put a backup into this instance, which must be empty and not running.

    The whole file is checked before anything changes. The schema comes back as it was;
    then the migrations it lacks are applied and everything is verified. Raises BackupError;
    if that is after the check, the instance is still empty and restore may be tried again.
    """
    started = time.monotonic()
    media = settings.WIKI_DATA_DIR / "media"
    with Reader(file) as reader:
        _require_empty(media)
        _require_known_migrations(reader.manifest)
        reader.check()
        unpacked = media.with_name("media.restoring")
        shutil.rmtree(unpacked, ignore_errors=True)
        try:
            reader.unpack_media(unpacked)
            _load_database(reader)
            _put_in_place(unpacked, media)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
        call_command("migrate", interactive=False, verbosity=0)
        ContentType.objects.clear_cache()
        problems = tuple(integrity.verify().problems)
        report = BackupReport.of(file, reader.manifest, started)
    return RestoreReport(**vars(report), problems=problems)


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
        user.username == sign_in.OWNER
        and user.last_login is None
        and not user.has_usable_password()
        for user in people
    )


def _require_empty(media: Path) -> None:
    if not is_empty() or (media.is_dir() and any(media.iterdir())):
        raise BackupError(
            "This instance is not empty, and a backup never mixes with what is there. Set "
            "WIKI_DATA_DIR to a new folder (or DATABASE_URL to a new database) and restore there."
        )
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        if cursor.fetchone()[0]:
            raise BackupError(
                "Somebody else is connected to the database. Stop Commonplace (Ctrl-C where "
                "it runs) and whatever else uses it, then restore again."
            )


def _require_known_migrations(manifest: Manifest) -> None:
    """Refuse what a newer version wrote; apps that are switched off do not count."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    squashed = (squash.replaces for squash in loader.replacements.values())
    known = {".".join(key) for key in chain(loader.disk_migrations, *squashed)}
    unknown = [
        name
        for name in manifest.migrations
        if name.split(".")[0] in loader.migrated_apps and name not in known
    ]
    if unknown:
        raise BackupError(
            f"The backup was made by a newer version of Commonplace ({manifest.version}, with "
            f"{unknown[-1]}). Upgrade first, then restore."
        )


def _load_database(reader: Reader) -> None:
    """Replace the empty schema, then compare every table with the manifest."""
    try:
        _drop_everything()
        with reader.open(DUMP) as dump:
            programs.load(dump)
        _compare(reader.manifest)
    except django.db.Error as error:
        reason = str(error).splitlines()[0]
        raise BackupError(
            f"The empty database cannot be filled ({reason}). Let the role that owns it do it."
        ) from error
    except BackupError:
        _drop_everything()
        raise


def _compare(manifest: Manifest) -> None:
    with snapshot():
        tables = all_tables()
        found = read_contents(tables[name] for name in manifest.tables if name in tables)
    if combined_sha256(found) != manifest.sha256:
        raise BackupError(
            "What PostgreSQL restored is not what the backup says, so it was removed again. "
            f"Restore it with the PostgreSQL it comes from ({manifest.postgres}) or a newer one."
        )


def _drop_everything() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP TABLE public.{} CASCADE").format(sql.Identifier(name)))
        cursor.execute(OWN_ROUTINES)
        for (routine,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP ROUTINE {} CASCADE").format(sql.SQL(routine)))


def _put_in_place(unpacked: Path, media: Path) -> None:
    if media.is_dir():
        media.rmdir()
    if any(unpacked.iterdir()):
        unpacked.rename(media)
