"""Bringing the database to this version, with a backup first when there is something to lose."""

from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from wiki.backup import backup
from wiki.models import Note

KEPT_BACKUPS = 10
PREFIX = "before-migration-"


def pending_migrations() -> list[str]:
    """Return the migrations the database still lacks, such as "wiki.0002_tags"."""
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def has_notes() -> bool:
    """Tell whether the database, of whatever version, holds a note."""
    tables = connections["default"].introspection.table_names()
    return Note._meta.db_table in tables and Note._base_manager.exists()


def back_up_before_migration(folder: Path) -> Path:
    """Write a backup into folder and keep only the newest KEPT_BACKUPS of its kind."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{PREFIX}{datetime.now(UTC):%Y%m%d-%H%M%S}.backup"
    backup(file)
    for old in sorted(folder.glob(f"{PREFIX}*"))[:-KEPT_BACKUPS]:
        old.unlink()
    return file


def migrate() -> None:
    """Apply every pending migration."""
    call_command("migrate", interactive=False, verbosity=0)
