"""What a database says, as one hash: equal before a backup and after its restore.

Read from the tables themselves and not through the models, so that it also works on the
schema of an older version.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from django.db import connection
from psycopg import sql

from wiki import extensions
from wiki.snapshot import snapshot

# Not kept: a session, or a wrong password tried, is of one place and time; cached HTML is made
# again when read, and the full-text index when a backup is restored.
NOT_KEPT = ("django_session", "axes_*", "wiki_notehtml", "wiki_posting", "wiki_notewords")

# How PostgreSQL writes values as text, whatever the server's own settings are.
TEXT_FORM = """
    SET LOCAL client_encoding = 'UTF8';
    SET LOCAL TimeZone = 'UTC';
    SET LOCAL DateStyle = 'ISO';
    SET LOCAL IntervalStyle = 'postgres';
    SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1
"""

# The columns of each table that is written to disk: by name, and those of its primary key.
COLUMNS = """
    SELECT c.relname,
           array_agg(a.attname::text ORDER BY a.attname),
           array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum = ANY(i.indkey)),
           array_agg(a.attname::text) FILTER (WHERE a.attcollation <> 0)
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
     GROUP BY c.relname ORDER BY c.relname
"""


@dataclass(frozen=True)
class Table:
    """A table's columns by name; those that order its rows; those that hold text."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    texts: frozenset[str]

    def copy(self) -> sql.Composed:
        """Return the statement that writes all rows in an order that is the same everywhere."""
        return sql.SQL("COPY (SELECT {} FROM public.{} ORDER BY {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            sql.Identifier(self.name),
            sql.SQL(", ").join(map(self._ordered, self.order)),
        )

    def _ordered(self, column: str) -> sql.Composable:
        name = sql.Identifier(column)
        return sql.SQL('{} COLLATE "C"').format(name) if column in self.texts else name


@dataclass(frozen=True)
class Contents:
    """How many rows a table has, and their sha256."""

    rows: int
    sha256: str


def is_kept(table: str) -> bool:
    """Tell whether a backup holds the rows of this table."""
    derived = (*NOT_KEPT, *extensions.derived_tables)
    return not any(fnmatch(table, pattern) for pattern in derived)


def all_tables() -> dict[str, Table]:
    """Return the tables of the database by name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        return {
            name: Table(name, tuple(columns), tuple(key or columns), frozenset(texts or ()))
            for name, columns, key, texts in cursor.fetchall()
        }


def read_contents(tables: Iterable[Table]) -> dict[str, Contents]:
    """Read these tables to the end, a buffer at a time. The caller holds a transaction."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(TEXT_FORM)
        for table in tables:
            digest = hashlib.sha256(json.dumps(table.columns).encode())
            with cursor.copy(table.copy()) as rows:
                for buffer in rows:
                    digest.update(buffer)
            found[table.name] = Contents(cursor.rowcount, digest.hexdigest())
    return found


def read_kept() -> dict[str, Contents]:
    """Read all that a backup keeps. The caller holds a transaction."""
    return read_contents(table for name, table in all_tables().items() if is_kept(name))


def combined_sha256(contents: Mapping[str, Contents]) -> str:
    """Return one sha256 for the contents of several tables."""
    lines = "".join(f"{name} {contents[name].sha256}\n" for name in sorted(contents))
    return hashlib.sha256(lines.encode()).hexdigest()


def content_sha256() -> str:
    """Return one sha256 over all that a backup keeps of the database as it is now.

    Users with their password hashes, notes, revisions, tags and their changes, and which
    migrations were applied: the same before a backup and after its restore.
    """
    with snapshot():
        return combined_sha256(read_kept())
