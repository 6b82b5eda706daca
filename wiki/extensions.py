"""Extension points: lists and dicts with which other apps register.

They are filled once, when the apps are ready (mlhooks.extensions.connect), and only read after
that. The wiki app works with all of them empty.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wiki.reader import Reader


@dataclass(frozen=True)
class Passage:
    """The passage of a note that is closest by meaning.

    start, end: characters of the indexed revision's body. heading: the path of headings it
    stands under, " > " between; may be "". revision: the number of the revision that was
    indexed, at indexed_at.
    """

    id: int
    start: int
    end: int
    heading: str
    revision: int
    indexed_at: datetime


@dataclass(frozen=True)
class Hit:
    """A note that was found.

    score: by words, BM25, which only means something beside the others of its query; by
    meaning, the cosine similarity, -1 to 1. is_close: False if it is no closer to the query
    than unrelated notes usually are.
    """

    pid: int
    score: float
    passage: Passage | None = None
    is_close: bool = True


class Away(Exception):
    """Raised by a ranker that cannot answer now; the text is a sentence for the reader."""


@dataclass(frozen=True)
class Slot:
    """A place in a note's HTML that is filled when somebody reads it.

    kind names who fills it ("wikilink", or a fence); payload is JSON-able and holds what
    the text said, never anything about a reader.
    """

    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Fence:
    """What a fenced block with a known first word becomes.

    slot(block) is called when the note is saved; render(slots, reader) once per page, with
    every slot of this fence on the page, and returns HTML by slot number.
    """

    slot: Callable[[str], Slot]
    render: "Callable[[Mapping[int, Slot], Reader], dict[int, str]]"


@dataclass(frozen=True)
class Process:
    """A child that `manage.py up` keeps running.

    ready() tells whether it serves; needs_schema says that the database must be migrated
    before it starts. env is added to the environment of `up`.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    needs_schema: bool = True


@dataclass(frozen=True)
class Problem:
    """One thing verify_integrity found wrong; message is a sentence."""

    check: str
    message: str
    pid: int | None = None
    revision: int | None = None


fences: dict[str, Fence] = {}
# panel(note, reader): HTML for the margin of a note's page, or None.
panels: "list[Callable[[Any, Reader], str | None]]" = []
# entry(reader): HTML for the end of the top line, or None.
top_line: "list[Callable[[Reader], str | None]]" = []
# rank(query, readable, limit): the notes of a queryset that are closest to a ParsedQuery by
# meaning, best first. The queryset holds only what the reader may read and the operators leave.
# A ranker that cannot answer now raises Away; then the next one is asked.
rankers: list[Callable[[Any, Any, int], list[Hit]]] = []
# prepare(query): what a ranker is going to be asked, before words are looked up: it may let
# somebody else begin with its part. Must not wait, nor fail.
preparers: list[Callable[[Any], None]] = []
# explain(query, hits): for hits of a page, by pid, the sentence of their passage that is closest
# to the query, as characters (start, end) of the indexed body. Hits without one are left out.
explainers: list[Callable[[Any, Sequence[Hit]], dict[int, tuple[int, int]]]] = []
# note(): a sentence for "how to search" about what a ranker understands.
about_rankers: list[Callable[[], str]] = []
processes: list[Process] = []
checks: list[Callable[[], Iterable[Problem]]] = []
# What else verify_integrity looks at, by name: how many there are.
counted: dict[str, Callable[[], int]] = {}
# What else readyz tells, by name: JSON-able, and one cheap query at most.
vitals: dict[str, Callable[[], Any]] = {}
# Every table of a registered app, by name; wiki/backup/kept_tables.py names those of the wiki.
kept_tables: list[str] = []  # what people did there: rows that every backup holds
# Rows that are made again, left out of backups; a pattern only for tables that come and go.
derived_tables: list[str] = []
# What `evaluate` and `bench` can measure, by name: dotted paths of wiki.measuring.subject.Subject.
evaluations: dict[str, str] = {}
benchmarks: dict[str, str] = {}
