"""Importers: one module per format, each with `recognises(path)` and `read(path)`.

A reader only parses: it yields items (wiki.importers.item) and knows no database. What an
item becomes is decided in one place, wiki.importers.writer, and wiki.importers.batch runs
over a whole file. A new format is a module and a line in FORMATS.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiki.importers.formats import json_archive, m8ta, markdown
from wiki.importers.item import Item, Options, Remark
from wiki.importers.owners import People
from wiki.models.visibility import Visibility


@dataclass(frozen=True)
class Format:
    """How a kind of file is imported.

    read: gives the items; where it has a length, that is how many. last_pid: the highest
    number a note has in the file. visibility: who may read what it brings unless the import
    is told; None where the file itself says so for each note. finish: called when all items
    are written, with the pid each one has here by its pid in the file; yields what failed.
    remarks: tells, at the end, what of a source is no note.
    """

    recognises: Callable[[Path], bool]
    read: Callable[[Path, Options], Iterable[Item]]
    last_pid: Callable[[Path], int]
    visibility: str | None
    finish: Callable[[Path, dict[int, int], People], Iterator[Item]] | None = None
    remarks: Callable[[Any], Iterator[Remark]] | None = None


def _without_options(read: Callable[[Path], Iterable[Item]]) -> Callable[..., Iterable[Item]]:
    return lambda path, options: read(path)


FORMATS = {
    # These pages were public where they come from.
    "m8ta": Format(m8ta.recognises, _without_options(m8ta.read), m8ta.last_pid, Visibility.PUBLIC),
    "json": Format(
        json_archive.recognises,
        _without_options(json_archive.read),
        json_archive.last_pid,
        None,
        json_archive.write_tag_changes,
    ),
    "markdown": Format(
        markdown.recognises,
        markdown.read,
        markdown.last_pid,
        Visibility.PRIVATE,
        remarks=markdown.remarks,
    ),
}


def recognise(path: Path) -> str | None:
    """Return the name of the format this path has, by its content; None if it has none."""
    return next((name for name, kind in FORMATS.items() if kind.recognises(path)), None)
