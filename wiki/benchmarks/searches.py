"""What ranking costs, beside PostgreSQL's ts_rank on the same notes in the same run.

A tenth of the notes is public, chosen by what they are about; the others are their owner's.
`lexical` is asked by a superuser, who reads everything; `lexical_of_owner` by the owner, who
also does but needs no privilege for it; `lexical_tenth` by an anonymous reader. ts_rank finds
any word, as BM25 does, and knows nothing of readers. Half of the queries are two to five words
of one sentence, half are whole sentences; the systems take turns, so that all meet the same
machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from wiki.benchmarks.corpus import Corpus
from wiki.benchmarks.machine import Machine
from wiki.benchmarks.population import settle, write_many
from wiki.evaluations import ts_rank
from wiki.merge import Fields
from wiki.models import Note
from wiki.models.visibility import Visibility
from wiki.search.finding import find
from wiki.search.fuse import By
from wiki.search.query import parse

NOTES = 10_000
QUERIES, FOUND = 100, 20
PUBLIC_PART = 0.1

BYTES = {
    "postings": "SELECT pg_total_relation_size('wiki_posting')",
    "tsvector": "SELECT pg_total_relation_size('wiki_notewords')",
}


@dataclass
class Times:
    """What each query took one system."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, ask: Callable[[str], Any], text: str) -> None:
        """Ask once."""
        begin, begin_cpu = perf_counter(), process_time()
        ask(text)
        self.cpu_s.append(process_time() - begin_cpu)
        self.wall_s.append(perf_counter() - begin)

    def as_json(self, machine: Machine) -> dict[str, Any]:
        """Return the figures; web_cpu_ms is the median of this process."""
        return {
            "p50_ms": machine.milliseconds(self.wall_s, 0.50),
            "p95_ms": machine.milliseconds(self.wall_s, 0.95),
            "web_cpu_ms": machine.milliseconds(self.cpu_s, 0.50),
        }


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Build a notebook of options["notes"] notes and search it.

    ratio_to_ts_rank: p95 of `lexical` to that of ts_rank. There are no vectors here; their
    fields are null.
    """
    machine = Machine.now()
    count = options.get("notes") or NOTES
    corpus = Corpus()
    begin = perf_counter()
    owner = get_user_model().objects.create_user("owner")
    write_many(_partly_public(corpus, count), owner)
    settle()
    build_s = round(perf_counter() - begin, 1)
    with ts_rank.built():
        times = measure(corpus, owner)
    own, peer = times["lexical"].wall_s, times["ts_rank"].wall_s
    p95_s = [sorted(seconds)[int(0.95 * len(seconds)) - 1] for seconds in (own, peer)]
    return {
        "notes": count,
        "build_s": build_s,
        "public": Note.objects.visible_to(AnonymousUser()).count(),
        "passages": None,
        "vectors": None,
        "sigma": None,
        **{name: one.as_json(machine) for name, one in times.items()},
        "ratio_to_ts_rank": round(p95_s[0] / p95_s[1], 3),
        "ratio_to_exact": None,
        "recall_at_10": None,
        "bytes": {**_sizes(), "vectors": None},
        **machine.as_json(),
    }


def measure(corpus: Corpus, owner: Any) -> dict[str, Times]:
    """Ask every query of every system, after one that does not count."""
    root = get_user_model().objects.create_superuser("root")
    systems: dict[str, Callable[[str], Any]] = {
        "lexical": _searching_as(root),
        "lexical_of_owner": _searching_as(owner),
        "lexical_tenth": _searching_as(AnonymousUser()),
        "ts_rank": lambda text: ts_rank.any_word(text, FOUND),
    }
    times = {name: Times() for name in systems}
    for ask in systems.values():
        ask("a first query")
    for text in (*corpus.queries(QUERIES // 2), *corpus.questions(QUERIES // 2)):
        for name, ask in systems.items():
            times[name].add(ask, text)
    return times


def _searching_as(reader: Any) -> Callable[[str], Any]:
    return lambda text: find(parse(text), Note.objects.visible_to(reader), FOUND, By.WORDS)


def _partly_public(corpus: Corpus, count: int) -> Iterator[Fields]:
    """Make the notes about a few things public: about PUBLIC_PART of all."""
    folders = [source.folder for source in corpus.sources]
    shares = sorted({folder: folders.count(folder) / len(folders) for folder in folders}.items())
    public, share = set(), 0.0
    for folder, part in shares:
        if share + part <= PUBLIC_PART * 1.1:
            public.add(folder)
            share += part
    for fields in corpus.notes(count):
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
