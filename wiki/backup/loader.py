"""Putting rows into our own tables: by COPY from here, as no superuser, all of them or none."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager

from django.db import connection
from psycopg import sql

from wiki.backup.archive import Manifest
from wiki.backup.content import Table, all_tables, read_table, use_text_form
from wiki.backup.errors import BackupError
from wiki.backup.rows import Rows

# Where the files of attachments are looked for: such a row could name any file of the machine.
STRANGE_FILES = "SELECT count(*) FROM wiki_attachment WHERE sha256 !~ '^[0-9a-f]{64}$'"
ATTACHMENTS = "wiki_attachment"


def load(rows: Rows, loaded: Iterable[str], manifest: Manifest) -> None:
    """Fill these tables of the empty schema, and see that they hold what the backup says.

    The caller holds a transaction, which is rolled back if this raises BackupError, or
    django.db.Error for a row that our constraints forbid.
    """
    here = all_tables()
    tables = {name: here[name] for name in sorted(loaded)}
    use_text_form()
    _empty(tables)
    with no_superuser(tables):
        _copy(rows, tables)
    with connection.cursor() as cursor:
        # Rows that name each other stand in no order; from now on each must be there.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _compare(tables, manifest)
    _refuse_strange_files(tables)
    _set_sequences(tables, rows.sequences)


@contextmanager
def no_superuser(tables: Iterable[str]) -> Iterator[None]:
    """Be a role inside that may insert into these tables and nothing else.

    Made and dropped in the caller's transaction. Who is no superuser stays who they are.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, pg_backend_pid() FROM pg_roles WHERE rolname = CURRENT_USER"
        )
        is_superuser, backend = cursor.fetchone()
        if not is_superuser:
            yield
            return
        role = sql.Identifier(f"commonplace_restore_{backend}")
        into = sql.SQL(", ").join(sql.Identifier("public", table) for table in tables)
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(sql.SQL("GRANT INSERT ON {} TO {}").format(into, role))
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
        yield
        cursor.execute("RESET ROLE")
        cursor.execute(sql.SQL("DROP OWNED BY {}").format(role))
        cursor.execute(sql.SQL("DROP ROLE {}").format(role))


def _empty(tables: Mapping[str, Table]) -> None:
    """Remove what migrations put there: the backup has its own."""
    names = sql.SQL(", ").join(sql.Identifier("public", name) for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))


def _copy(rows: Rows, tables: Mapping[str, Table]) -> None:
    with closing(rows.tables()) as each, connection.cursor() as cursor:
        for found in each:
            into = tables[found.table].copy_in(found.columns)
            # The driver's own errors become Django's, as those of any other statement do.
            with connection.wrap_database_errors, cursor.copy(into) as copy:
                for chunk in found.chunks:
                    copy.write(chunk)


def _compare(tables: Mapping[str, Table], manifest: Manifest) -> None:
    for name, table in tables.items():
        found, said = read_table(table), manifest.tables[name]
        if (found.rows, found.sha256) != (said.rows, said.sha256):
            raise BackupError(
                f"What PostgreSQL restored of {name} is not what the backup says, so all of it was "
                "removed again. Restore it with the PostgreSQL it comes from "
                f"({manifest.postgres}) or a newer one."
            )


def _refuse_strange_files(tables: Mapping[str, Table]) -> None:
    if ATTACHMENTS not in tables:
        return
    with connection.cursor() as cursor:
        cursor.execute(STRANGE_FILES)
        if cursor.fetchone()[0]:
            raise BackupError(
                "The backup was refused: a file of a note in it is called by something else than "
                "its sha256. All of it was removed again; use another copy."
            )


def _set_sequences(tables: Mapping[str, Table], given: Mapping[str, int]) -> None:
    """Let each next row have a number that none ever had, not even one that is gone."""
    with connection.cursor() as cursor:
        for name, table in tables.items():
            if table.sequence is None:
                continue
            highest = sql.SQL("SELECT coalesce(max({}), 0) FROM public.{}").format(
                sql.Identifier(table.order[0]), sql.Identifier(name)
            )
            cursor.execute(highest)
            last = max(cursor.fetchone()[0], given.get(name, 0))
            if last:
                cursor.execute("SELECT setval(%s, %s)", [table.sequence, last])
