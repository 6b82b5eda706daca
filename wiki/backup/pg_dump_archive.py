"""Rows from a dump of pg_dump's, which is what a backup of format 1 holds.

Such a dump is a program: it may make functions and run commands. Here pg_restore only lists
and prints it, without a database. Its list is held against what ours ever held; of its text
nothing is taken but rows, and lines that are not known are refused.
"""

import re
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from wiki.backup.archive import CHUNK_BYTES, DUMP
from wiki.backup.errors import BackupError
from wiki.backup.reader import Reader
from wiki.backup.rows import DERIVED_IN_FORMAT_1, TableRows, refusal, require_columns
from wiki.backup.schema import Schema
from wiki.postgres.programs import PostgresError, environment, installation

MIGRATIONS = "django_migrations"
EXTENSIONS = ("pg_trgm", "plpgsql", "vector")
# What our dumps list, longest first; the schema itself is made by our migrations.
TABLE_KINDS = ("TABLE DATA", "TABLE")
SEQUENCE_KINDS = ("SEQUENCE OWNED BY", "SEQUENCE SET", "SEQUENCE")
PARTS_OF_TABLES = ("CHECK CONSTRAINT", "FK CONSTRAINT", "CONSTRAINT", "DEFAULT")
# An index is only named, not with its table; who may do what is of another server.
IGNORED = ("INDEX", "DEFAULT ACL", "ACL", "SCHEMA")
KINDS = (*TABLE_KINDS, *SEQUENCE_KINDS, *PARTS_OF_TABLES, *IGNORED, "EXTENSION", "COMMENT")

LISTED = re.compile(r"\d+; \d+ \d+ (?P<entry>.+)")
COPY = re.compile(r"COPY public\.(?P<table>\w+) \((?P<columns>[\w\", ]+)\) FROM stdin;")
NUMBERED = re.compile(
    r"SELECT pg_catalog\.setval\('public\.(?P<sequence>\w+)', "
    r"(?P<given>\d+), (?P<called>true|false)\);"
)
# Blank lines, comments, and how pg_restore begins: nothing of the file's own.
HARMLESS = re.compile(
    r"|--.*|SET \w+ = [\w' ]*;|\\(un)?restrict \w+"
    r"|SELECT pg_catalog\.set_config\('search_path', '', false\);"
)
# PostgreSQL takes no longer value; a row of ours has a few.
MAX_LINE_BYTES = 256 * 1024 * 1024
END = b"\\.\n"


class DumpRows:
    """The rows of a dump; each pass over them runs pg_restore once."""

    def __init__(self, reader: Reader, schema: Schema, loaded: set[str]) -> None:
        self._reader, self._schema, self._loaded = reader, schema, loaded
        self.sequences: dict[str, int] = {}

    def check(self) -> None:
        """Read the list, then the whole text. Raises BackupError."""
        with self._printed("--list") as lines:
            for line in _decoded(lines):
                if line and not line.startswith(";"):
                    self._require_ours(line)
        counts = Counter(table for rows in self.tables() for table in _repeated(rows))
        for table in sorted(self._loaded):
            if counts[table] != self._reader.manifest.rows(table):
                raise BackupError(
                    f"The backup is damaged: it holds {counts[table]:,} rows of {table}, which is "
                    "not what was written. Nothing was restored; use another copy."
                )

    def tables(self) -> Generator[TableRows, None, None]:
        with self._printed("--data-only", "--file=-") as lines:
            for line in _decoded(lines):
                if found := COPY.fullmatch(line):
                    yield from self._table(found, lines)
                elif found := NUMBERED.fullmatch(line):
                    self._remember(found)
                elif not HARMLESS.fullmatch(line):
                    raise refusal(f"the line {line[:100]!r}", "which no backup of ours has")

    def _table(self, found: re.Match[str], lines: IO[bytes]) -> Iterator[TableRows]:
        table = found["table"]
        self._require_table(table, "TABLE DATA")
        rows = _rows(table, lines)
        if table in self._loaded:
            columns = tuple(column.strip('"') for column in found["columns"].split(", "))
            require_columns(table, columns, self._schema)
            yield TableRows(table, columns, rows)
        for _ in rows:
            pass

    def _remember(self, found: re.Match[str]) -> None:
        table = self._table_of(found["sequence"], "SEQUENCE SET")
        self.sequences[table] = int(found["given"]) - (found["called"] == "false")

    def _require_ours(self, line: str) -> None:
        """Raise BackupError for an entry of the list that none of our dumps has."""
        found = LISTED.fullmatch(line)
        entry = found["entry"] if found else line
        kind = next((kind for kind in KINDS if entry.startswith(f"{kind} ")), None)
        schema, _, rest = entry.removeprefix(kind or "").strip().partition(" ")
        name = rest.split(" ")[0]
        if kind in TABLE_KINDS or kind in PARTS_OF_TABLES:
            self._require_table(name, kind)
        elif kind in SEQUENCE_KINDS:
            self._table_of(name, kind)
        elif kind == "EXTENSION" and name not in EXTENSIONS:
            kind = None
        if kind is None or (schema not in ("public", "-")):
            raise refusal(entry.rpartition(" ")[0] or entry, "which is not part of Commonplace")

    def _require_table(self, table: str, kind: str) -> None:
        if not (table in self._schema.tables or _is_of_format_1(table)):
            raise refusal(f"{kind} {table}", "which is not part of Commonplace")

    def _table_of(self, sequence: str, kind: str) -> str:
        """Return the table whose rows a sequence numbers. Raises BackupError if it is not ours."""
        for table, columns in self._schema.tables.items():
            if sequence in {f"{table}_{column}_seq" for column in columns}:
                return table
        if not _is_of_format_1(sequence):
            raise refusal(f"{kind} {sequence}", "which is not part of Commonplace")
        return sequence

    @contextmanager
    def _printed(self, *options: str) -> Iterator[IO[bytes]]:
        """Run pg_restore on the dump and give what it prints. Raises BackupError."""
        try:
            program = installation() / "bin" / "pg_restore"
        except PostgresError as error:
            raise BackupError(str(error)) from error
        with self._reader.open(DUMP) as dump, tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [str(program), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment(),
            )
            assert process.stdin is not None and process.stdout is not None
            feeder = threading.Thread(target=_feed, args=(dump, process.stdin))
            feeder.start()
            try:
                yield process.stdout
                code = process.wait()
            finally:
                process.kill()
                process.stdout.close()
                feeder.join()
                process.wait()
            if code:
                said.seek(0)
                raise BackupError(_reason(said.read().decode(errors="replace")))


def _feed(dump: IO[bytes], program: IO[bytes]) -> None:
    """Write the dump to a program, which may end before it has read all."""
    with suppress(OSError, ValueError):
        while chunk := dump.read(CHUNK_BYTES):
            program.write(chunk)
    with suppress(OSError):
        program.close()


def _decoded(lines: IO[bytes]) -> Iterator[str]:
    """Yield the following lines, without their ends."""
    while line := lines.readline(MAX_LINE_BYTES):
        yield line.decode(errors="replace").rstrip("\n")


def _rows(table: str, lines: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows of a table up to the line that ends them."""
    while (line := lines.readline(MAX_LINE_BYTES)) != END:
        if not line.endswith(b"\n"):
            raise BackupError(
                f"The backup is damaged: the rows of {table} do not end. Nothing was restored; "
                "use another copy."
            )
        yield line


def _repeated(rows: TableRows) -> Iterator[str]:
    """Yield the name of the table once for each of its rows."""
    return (rows.table for _ in rows.chunks)


def _is_of_format_1(name: str) -> bool:
    return name in (MIGRATIONS, f"{MIGRATIONS}_id_seq") or name.startswith(DERIVED_IN_FORMAT_1)


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if "error" in line] or ["it gave no reason"]
    reason = lines[0].removeprefix("pg_restore: ").rstrip(".")
    return (
        f"pg_restore could not read the backup: {reason}. Nothing was restored; use another copy."
    )
