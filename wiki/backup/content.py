"""What a database says, as one hash: equal before a backup and after its restore.

Read from the tables themselves and not through the models, so that it also works on the
schema of an older version.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from wiki.backup.kept_tables import is_kept, remembered
from wiki.snapshot import snapshot

# How PostgreSQL writes and reads values as text, whatever the server's own settings are.
TEXT_FORM = """
    SET LOCAL client_encoding = 'UTF8';
    SET LOCAL TimeZone = 'UTC';
    SET LOCAL DateStyle = 'ISO';
    SET LOCAL IntervalStyle = 'postgres';
    SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1
"""

# The columns of each table that is written to disk: by name, those of its primary key, those
# that hold text; and the sequence that numbers its rows.
COLUMNS = """
    SELECT c.relname,
           array_agg(a.attname::text ORDER BY a.attname),
           array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum = ANY(i.indkey)),
           array_agg(a.attname::text) FILTER (WHERE a.attcollation <> 0),
           min(pg_get_serial_sequence(c.oid::regclass::text, a.attname::text))
             FILTER (WHERE a.attnum = ANY(i.indkey))
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = ''
      LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
     GROUP BY c.relname ORDER BY c.relname
"""


@dataclass(frozen=True)
class Table:
    """A table's columns by name; those that order its rows; those that hold text.

    sequence: the one that numbers its rows, as SQL names it, or None.
    """

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    texts: frozenset[str]
    sequence: str | None = None

    def copy_out(self) -> sql.Composed:
        """Return the statement that writes all rows in an order that is the same everywhere."""
        return sql.SQL("COPY (SELECT {} FROM public.{} ORDER BY {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            sql.Identifier(self.name),
            sql.SQL(", ").join(map(self._ordered, self.order)),
        )

    def copy_in(self, columns: Sequence[str]) -> sql.Composed:
        """Return the statement that inserts rows, whose values stand in the order of columns."""
        return sql.SQL("COPY public.{} ({}) FROM STDIN").format(
            sql.Identifier(self.name), sql.SQL(", ").join(map(sql.Identifier, columns))
        )

    def _ordered(self, column: str) -> sql.Composable:
        name = sql.Identifier(column)
        return sql.SQL('{} COLLATE "C"').format(name) if column in self.texts else name


@dataclass(frozen=True)
class Contents:
    """How many rows a table has, their sha256, and the columns in the order of their values.

    columns: empty in a backup of format 1, whose dump tells them.
    """

    rows: int
    sha256: str
    columns: tuple[str, ...] = ()


def all_tables() -> dict[str, Table]:
    """Return the tables of the database by name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        return {
            name: Table(name, tuple(columns), tuple(key or columns), frozenset(texts or ()), number)
            for name, columns, key, texts, number in cursor.fetchall()
        }


def ignore(rows: bytes) -> None:
    """Do nothing with rows of which only the hash is wanted."""


def read_table(table: Table, write: Callable[[bytes], object] = ignore) -> Contents:
    """Read a table to the end, a buffer at a time, and give each to write.

    The caller holds a transaction in which TEXT_FORM was executed.
    """
    digest = hashlib.sha256(json.dumps(table.columns).encode())
    with connection.cursor() as cursor:
        # The driver's own errors become Django's, as those of any other statement do.
        with connection.wrap_database_errors, cursor.copy(table.copy_out()) as rows:
            for buffer in rows:
                digest.update(buffer)
                write(bytes(buffer))
        return Contents(cursor.rowcount, digest.hexdigest(), table.columns)


def read_contents(tables: Iterable[Table]) -> dict[str, Contents]:
    """Read these tables to the end. The caller holds a transaction."""
    use_text_form()
    return {table.name: read_table(table) for table in tables}


def use_text_form() -> None:
    """Let values be written and read alike everywhere, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(TEXT_FORM)


def kept_tables() -> list[Table]:
    """Return the tables whose rows a backup holds. Two queries."""
    names = remembered()
    return [table for name, table in all_tables().items() if is_kept(name, names)]


def combined_sha256(contents: Mapping[str, Contents]) -> str:
    """Return one sha256 for the contents of several tables."""
    lines = "".join(f"{name} {contents[name].sha256}\n" for name in sorted(contents))
    return hashlib.sha256(lines.encode()).hexdigest()


def content_sha256() -> str:
    """Return one sha256 over all that a backup keeps of the database as it is now.

    Users with their password hashes, notes, revisions, tags and their changes: the same before
    a backup and after its restore.
    """
    with snapshot():
        return combined_sha256(read_contents(kept_tables()))
