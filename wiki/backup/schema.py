"""The schema a backup is restored into: that of our own migrations, as far as it names them."""

from dataclasses import dataclass
from functools import cached_property

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from wiki.backup.archive import Manifest
from wiki.backup.errors import BackupError

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


@dataclass(frozen=True)
class Schema:
    """What the migrations make that a backup names; those of apps that are switched off are not.

    Raises BackupError for a manifest whose migrations are not ours.
    """

    manifest: Manifest

    def __post_init__(self) -> None:
        self._require_known()
        self._require_complete()

    @cached_property
    def tables(self) -> dict[str, set[str]]:
        """Return the columns of every table, found without a database."""
        models = self._loader.project_state(self._leaves).apps.get_models(include_auto_created=True)
        return {
            model._meta.db_table: {
                field.column for field in model._meta.local_concrete_fields if field.column
            }
            for model in models
            if model._meta.managed and not model._meta.proxy
        }

    @cached_property
    def absent_apps(self) -> set[str]:
        """Return the apps whose migrations the backup names and that are switched off here."""
        named = {name.partition(".")[0] for name in self.manifest.migrations}
        return named - self._loader.migrated_apps

    def make(self) -> None:
        """Replace the empty schema of this database by this one. Raises BackupError."""
        drop_everything()
        executor = MigrationExecutor(connection)
        try:
            executor.migrate(self._leaves)
        except ImproperlyConfigured as error:
            raise BackupError(str(error)) from error

    @cached_property
    def _loader(self) -> MigrationLoader:
        return MigrationLoader(None, ignore_no_migrations=True)

    @cached_property
    def _named(self) -> set[tuple[str, str]]:
        keys = {_key(name) for name in self.manifest.migrations}
        return {key for key in keys if key[0] in self._loader.migrated_apps}

    @cached_property
    def _leaves(self) -> list[tuple[str, str]]:
        """Return the last of the named migrations; applying them applies the others."""
        needed = {
            parent.key for key in self._named for parent in self._loader.graph.node_map[key].parents
        }
        return sorted(self._named - needed)

    def _require_known(self) -> None:
        unknown = sorted(self._named - self._loader.graph.nodes.keys())
        if unknown:
            raise BackupError(
                "The backup was made by a newer version of Commonplace "
                f"({self.manifest.version}, with {'.'.join(unknown[-1])}). Upgrade first, then "
                "restore."
            )

    def _require_complete(self) -> None:
        """Refuse a list in which one migration lacks another: no database is ever like that."""
        for key in sorted(self._named):
            for parent in sorted(self._loader.graph.node_map[key].parents):
                if parent.key not in self._named:
                    raise BackupError(
                        f"The backup was refused: it names the migration {'.'.join(key)} without "
                        f"{'.'.join(parent.key)}. Nothing was restored; use another copy."
                    )


def drop_everything() -> None:
    """Drop all tables and functions; the caller has seen that nobody's rows are in them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP TABLE public.{} CASCADE").format(sql.Identifier(name)))
        cursor.execute(OWN_ROUTINES)
        for (routine,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP ROUTINE {} CASCADE").format(sql.SQL(routine)))


def _key(name: str) -> tuple[str, str]:
    app, _, migration = name.partition(".")
    return app, migration
