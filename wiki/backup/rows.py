"""The rows of a backup, whatever its format: checked by name, then given table by table."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from wiki.backup.archive import CHUNK_BYTES, table_member
from wiki.backup.errors import BackupError
from wiki.backup.kept_tables import is_kept
from wiki.backup.reader import Reader
from wiki.backup.schema import Schema

# The ML app as it was then had nothing but such tables; one that was switched off left them in.
DERIVED_IN_FORMAT_1 = ("mlhooks_", "passage_vector_")


@dataclass(frozen=True)
class TableRows:
    """The rows of one table as COPY reads them; columns: in the order of their values."""

    table: str
    columns: tuple[str, ...]
    chunks: Iterator[bytes]


class Rows(Protocol):
    """Where a backup's rows come from.

    sequences: the last number given to a row of a table; whole when tables() has ended.
    """

    sequences: dict[str, int]

    def check(self) -> None:
        """Raise BackupError if anything but rows of our tables is in there."""

    def tables(self) -> Generator[TableRows, None, None]:
        """Yield each table; its chunks are read before the next one is asked for. Close it."""


def refusal(name: str, why: str) -> BackupError:
    """Return the error for what no restore takes; name: what it is called in the file."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:200])
    return BackupError(
        f"The backup was refused: it holds {shown}, {why}. A restore takes rows of our own "
        "tables and nothing else. Nothing was restored. If the backup is your own, make a new one "
        "with this version where the notes are."
    )


def tables_to_load(reader: Reader, schema: Schema) -> set[str]:
    """Return the tables whose rows are restored; raise BackupError if one of them is not ours."""
    said = reader.manifest.tables
    loaded = {table for table in said if is_kept(table)}
    if reader.manifest.format == 1:
        loaded = {table for table in loaded if not table.startswith(DERIVED_IN_FORMAT_1)}
    for table in sorted(loaded - schema.tables.keys()):
        app = next((app for app in schema.absent_apps if table.startswith(f"{app}_")), None)
        if app is None:
            raise refusal(f"the table {table}", "which is none of this version's")
        if said[table].rows:
            raise BackupError(
                f"The backup holds rows of {table} ({said[table].rows:,}), and {app} is switched "
                "off here, so that they would be lost. Nothing was restored. Install "
                "requirements.txt and restore with WIKI_ML=1; after that the site runs with "
                "WIKI_ML=0 and keeps them."
            )
    return loaded & schema.tables.keys()


def require_columns(table: str, columns: tuple[str, ...], schema: Schema) -> None:
    """Raise BackupError unless a table's values are those of our columns, each once."""
    ours = schema.tables[table]
    for column in sorted(ours.symmetric_difference(columns)):
        what = "which this version's has not" if column not in ours else "which is missing"
        raise refusal(f"{table} with the column {column}", what)
    if len(ours) != len(columns):
        raise refusal(f"{table} with a column twice", "which no table has")


class MemberRows:
    """Rows that lie in members of the zip, a table each: since format 2."""

    def __init__(self, reader: Reader, schema: Schema, loaded: set[str]) -> None:
        self._reader, self._schema, self._loaded = reader, schema, loaded
        self.sequences = dict(reader.manifest.sequences)

    def check(self) -> None:
        said = self._reader.manifest
        for table in sorted(self._loaded):
            require_columns(table, said.tables[table].columns, self._schema)
            if table_member(table) not in said.members:
                raise BackupError(
                    f"The backup is not whole: the rows of {table} are missing. Nothing was "
                    "restored; use another copy."
                )

    def tables(self) -> Generator[TableRows, None, None]:
        for table in sorted(self._loaded):
            with self._reader.open(table_member(table)) as member:
                yield TableRows(table, self._reader.manifest.tables[table].columns, _chunks(member))


def _chunks(member: IO[bytes]) -> Iterator[bytes]:
    while chunk := member.read(CHUNK_BYTES):
        yield chunk
