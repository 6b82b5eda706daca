"""What ranking costs, beside PostgreSQL's ts_rank on the same notes in the same run.

A tenth of the notes is public, chosen by what they are about; the others are their owner's.
`lexical` is asked by a superuser, who reads everything; `lexical_of_owner` by the owner, who
also does but needs no privilege for it; `lexical_tenth` by an anonymous reader. ts_rank finds
any word, as BM25 does, and knows nothing of readers. `semantic` is asked by meaning alone,
`hybrid` by both, as a superuser; `hybrid` by words that nobody asked before, `hybrid_cached` and
`semantic` right afterwards by the same ones. Half of the queries are two to five words of one
sentence, half are whole sentences; the systems take turns, so that all meet the same machine.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time, sleep
from typing import Any, Protocol

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection

from wiki.fields import Fields
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import settle, write_many
from wiki.measuring.evaluations import ts_rank
from wiki.measuring.subject import Options, Subject, add_notes
from wiki.models import Note
from wiki.models.visibility import Visibility
from wiki.reader import Reader
from wiki.search.fusion import Mode
from wiki.search.query import parse
from wiki.search.retrieval import retrieve

NOTES = 10_000
QUERIES, FOUND = 100, 20
PUBLIC_PART = 0.1
# Whoever asked by meaning and got words only asks again, for so long.
ANSWER_LIMIT_S, PAUSE_S = 180.0, 0.1

BYTES = {
    "postings": "SELECT pg_total_relation_size('wiki_posting')",
    "tsvector": "SELECT pg_total_relation_size('wiki_notewords')",
}
NOT_MEASURED = {
    "passages": None,
    "vectors": None,
    "sigma": None,
    "semantic": None,
    "hybrid": None,
    "hybrid_cached": None,
    "ratio_to_exact": None,
    "recall_at_10": None,
}


class Meaning(Protocol):
    """Who brings meaning into the benchmark."""

    def fill(self, topics: Mapping[int, str]) -> dict[str, Any]:
        """Let all notes be read; topics: by pid, what each is about.

        Returns the fields "passages", "vectors" and "sigma", and others.
        """

    def answering(self) -> AbstractContextManager[Any]:
        """Run what encodes queries, for the length of a block."""

    def figures(self, topics: Mapping[int, str], machine: Machine) -> dict[str, Any]:
        """Return "ratio_to_exact" and "recall_at_10", and others; may hide and publish notes."""

    def bytes(self) -> int:
        """Return how much the vectors take on disk, with their indexes."""


@dataclass
class Times:
    """What each query took one system."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, ask: Callable[[str], Any], text: str) -> Any:
        """Ask once; return the answer."""
        begin, begin_cpu = perf_counter(), process_time()
        answer = ask(text)
        self.cpu_s.append(process_time() - begin_cpu)
        self.wall_s.append(perf_counter() - begin)
        return answer

    @property
    def p95_s(self) -> float:
        """Return the time that 95 of 100 queries do not exceed."""
        return sorted(self.wall_s)[int(0.95 * len(self.wall_s)) - 1]

    def as_json(self, machine: Machine) -> dict[str, Any]:
        """Return the figures; web_cpu_ms is the median of this process."""
        return {
            "p50_ms": machine.milliseconds(self.wall_s, 0.50),
            "p95_ms": machine.milliseconds(self.wall_s, 0.95),
            "web_cpu_ms": machine.milliseconds(self.cpu_s, 0.50),
        }


def run(options: Options, meaning: Meaning | None = None) -> dict[str, Any]:
    """Build a notebook of options["notes"] notes and search it.

    ratio_to_ts_rank: p95 of `lexical` to that of ts_rank. Without meaning its fields are null.
    """
    machine = Machine.now()
    corpus = Corpus()
    begin = perf_counter()
    owner = get_user_model().objects.create_user("owner")
    written: list[str] = []
    pids = write_many(_partly_public(corpus, options.get("notes") or NOTES, written), owner)
    topics = dict(zip(pids, written, strict=True))
    settle()
    build_s = round(perf_counter() - begin, 1)
    filled = meaning.fill(topics) if meaning else {}
    public = Note.objects.visible_to(AnonymousUser()).count()
    with ts_rank.built(), meaning.answering() if meaning else nullcontext():
        times, away = measure(corpus, owner, by_meaning=meaning is not None)
    sizes = {**_sizes(), "vectors": meaning.bytes() if meaning else None}
    return {
        "notes": len(pids),
        "build_s": build_s,
        "public": public,
        **NOT_MEASURED,
        **filled,
        **{name: one.as_json(machine) for name, one in times.items()},
        "away": away,
        "ratio_to_ts_rank": round(times["lexical"].p95_s / times["ts_rank"].p95_s, 3),
        **(meaning.figures(topics, machine) if meaning else {}),
        "bytes": sizes,
        **machine.as_json(),
    }


def measure(
    corpus: Corpus, owner: User, *, by_meaning: bool
) -> tuple[dict[str, Times], int | None]:
    """Ask every query of every system, after one that does not count.

    Returns besides how often meaning did not answer the first time; None if it was not asked.
    """
    root = get_user_model().objects.create_superuser("root")
    systems: dict[str, Callable[[str], Any]] = {
        "lexical": _searching_as(root),
        "lexical_of_owner": _searching_as(owner),
        "lexical_tenth": _searching_as(AnonymousUser()),
        "ts_rank": lambda text: ts_rank.any_word(text, FOUND),
    }
    both = _searching_as(root, Mode.HYBRID)
    if by_meaning:
        systems["hybrid"] = systems["hybrid_cached"] = both
        systems["semantic"] = _searching_as(root, Mode.SEMANTIC)
    times, away = {name: Times() for name in systems}, 0
    if by_meaning:
        _insist(both, "a first query")
    for ask in systems.values():
        ask("a first query")
    for text in (*corpus.queries(QUERIES // 2), *corpus.questions(QUERIES // 2)):
        for name, ask in systems.items():
            found = times[name].add(ask, text)
            if name == "hybrid" and found.unavailable:
                away += 1
                _insist(ask, text)
    return times, away if by_meaning else None


def _insist(ask: Callable[[str], Any], text: str) -> None:
    """Ask until meaning answers, so that those who ask the same afterwards need not wait."""
    deadline = perf_counter() + ANSWER_LIMIT_S
    while away := ask(text).unavailable:
        if perf_counter() > deadline:
            raise RuntimeError(f"Meaning does not answer. {away}")
        sleep(PAUSE_S)


def _searching_as(reader: Reader, mode: Mode = Mode.LEXICAL) -> Callable[[str], Any]:
    return lambda text: retrieve(parse(text), Note.objects.visible_to(reader), FOUND, mode)


def _partly_public(corpus: Corpus, count: int, topics: list[str]) -> Iterator[Fields]:
    """Make the notes about a few things public: about PUBLIC_PART of all.

    What each note is about is added to topics.
    """
    folders = [source.folder for source in corpus.sources]
    shares = sorted({folder: folders.count(folder) / len(folders) for folder in folders}.items())
    public, share = set(), 0.0
    for folder, part in shares:
        if share + part <= PUBLIC_PART * 1.1:
            public.add(folder)
            share += part
    for fields in corpus.notes(count):
        topics.append(fields.tags[0])
        is_public = fields.tags[0] in public
        visibility = Visibility.PUBLIC if is_public else Visibility.PRIVATE
        yield replace(fields, visibility=visibility)


def _sizes() -> dict[str, int]:
    with connection.cursor() as cursor:
        sizes = {}
        for name, statement in BYTES.items():
            cursor.execute(statement)
            sizes[name] = cursor.fetchone()[0]
    return sizes


SUBJECT = Subject(run, add_notes)
