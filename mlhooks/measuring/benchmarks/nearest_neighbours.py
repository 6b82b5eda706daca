"""How fast and how complete the nearest notes are found, whatever part of all is readable.

They are compared with an exact scan: all vectors as float32 in memory, multiplied by one thread.
What is readable goes by the topics of notes, as it does in a notebook: what is hidden lies
together, and may be all that is near.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
from django.core.cache import cache
from django.db import connection

from mlhooks.indexes.nearest import NEAREST, Near, nearest
from mlhooks.indexes.store import vector_literal
from mlhooks.measuring.benchmarks.binary_copy import read_vectors
from mlhooks.models import EncoderIndex
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import publish_only
from wiki.measuring.evaluations.notebook import readable
from wiki.measuring.evaluations.retrieval import mean
from wiki.search.fusion import FUSION_DEPTH

PARTS = (1.0, 0.1, 0.001)
DEPTH = 10
# A statement may be planned anew after it was run some times.
REPEATED, QUERIES_REPEATED = 7, 10

Vector = Sequence[float]


@dataclass
class Compared:
    """What each query got: seconds of nearest() and of the scan, and how much they share."""

    near_s: list[float] = field(default_factory=list)
    exact_s: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


def figures(
    index: EncoderIndex, topics: Mapping[int, str], queries: Sequence[Vector], machine: Machine
) -> dict[str, Any]:
    """Ask for the nearest notes where everything, a tenth, a thousandth is readable.

    recall_at_10: the share of the DEPTH notes of the exact scan that are among the first DEPTH.
    ratio_to_exact: p95 of nearest() to that of the scan, all readable. nearest: per part, how
    many notes are readable, by which way they were found ("graph" or "compared"), times, and how
    long the first and the seventh time took, the median of some queries.
    """
    scan, compared, told = Scan(index), {}, {}
    for part in PARTS:
        pids = part_of(topics, part)
        publish_only(pids)
        cache.clear()
        compared[part] = compare(index, scan, pids, queries)
        told[str(part)] = {
            "readable": len(pids),
            "way": way(index, queries[0]),
            "p50_ms": machine.milliseconds(compared[part].near_s, 0.50),
            "p95_ms": machine.milliseconds(compared[part].near_s, 0.95),
            **_again(index, queries[:QUERIES_REPEATED], machine),
        }
    whole = compared[PARTS[0]]
    return {
        "ratio_to_exact": round(_p95(whole.near_s) / _p95(whole.exact_s), 3),
        "exact": {
            "p50_ms": machine.milliseconds(whole.exact_s, 0.50),
            "p95_ms": machine.milliseconds(whole.exact_s, 0.95),
        },
        "recall_at_10": {str(part): round(mean(one.shares), 4) for part, one in compared.items()},
        "nearest": told,
    }


def compare(
    index: EncoderIndex, scan: "Scan", pids: Collection[int], queries: Sequence[Vector]
) -> Compared:
    """Ask each query both ways, after one that does not count. pids: what is readable."""
    among, compared = scan.among(pids), Compared()
    ask(index, queries[0])
    for vector in queries:
        begin = perf_counter()
        near = ask(index, vector)
        middle = perf_counter()
        best = scan.best(vector, among)
        compared.exact_s.append(perf_counter() - middle)
        compared.near_s.append(middle - begin)
        compared.shares.append(shared(near, best))
    return compared


class Scan:
    """All passages in memory: their notes int64[n], and their vectors float32[n, d]."""

    def __init__(self, index: EncoderIndex) -> None:
        _, notes, vectors = read_vectors(index.table, index.dimensions)
        self.notes, self.vectors = torch.from_numpy(notes), torch.from_numpy(vectors)

    def among(self, pids: Collection[int]) -> torch.Tensor:
        """Return which passages are of these notes: bool[n]."""
        return torch.isin(self.notes, torch.tensor(sorted(pids)))

    def best(self, query: Vector, among: torch.Tensor) -> list[int]:
        """Return the notes of the nearest passages, best first; one thread."""
        with one_thread():
            cosines = torch.mv(self.vectors, torch.tensor(query))
            if not bool(among.all()):
                cosines = cosines.masked_fill(~among, -torch.inf)
            found = cosines.topk(min(NEAREST, int(among.sum())))
        return list(dict.fromkeys(self.notes[found.indices].tolist()))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute with one thread for the length of a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def part_of(topics: Mapping[int, str], part: float) -> list[int]:
    """Return such a part of all notes, those on as few topics as fit, large ones first.

    The rest, if they do not fill it, are notes on the rarest topic of the others.
    """
    by_topic: dict[str, list[int]] = {}
    for pid, topic in topics.items():
        by_topic.setdefault(topic, []).append(pid)
    wanted = max(1, round(part * len(topics)))
    chosen: list[int] = []
    others: list[list[int]] = []
    for pids in sorted(by_topic.values(), key=len, reverse=True):
        if len(chosen) + len(pids) <= wanted:
            chosen += pids
        else:
            others.append(pids)
    return [*chosen, *(others[-1] if others else [])][:wanted]


def ask(index: EncoderIndex, vector: Vector) -> list[Near]:
    """Return the nearest notes as a reader without an account gets them."""
    notes = readable()
    return nearest(index, vector_literal(vector), notes, FUSION_DEPTH, scope=str(notes.scope))


def shared(near: Sequence[Near], best: Sequence[int]) -> float:
    """Return which share of the best DEPTH notes is among the nearest DEPTH."""
    return len({one.pid for one in near[:DEPTH]} & set(best[:DEPTH])) / len(best[:DEPTH])


def way(index: EncoderIndex, vector: Vector) -> str:
    """Tell whether PostgreSQL walks the graph for a query, or compares all that is readable."""
    plans: list[str] = []

    def explained(
        execute: Callable[..., Any], sql: str, params: object, many: bool, context: object
    ) -> Any:
        if "WITH nearest" in sql:
            with connection.cursor() as cursor:
                # The cursor beneath, which no wrapper hears.
                cursor.cursor.execute(f"EXPLAIN (COSTS OFF) {sql}", params)
                plans.extend(line for (line,) in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        ask(index, vector)
    return "graph" if any(f"{index.table}_graph" in line for line in plans) else "compared"


def _again(index: EncoderIndex, queries: Sequence[Vector], machine: Machine) -> dict[str, Any]:
    """Ask each query REPEATED times on a new connection; tell of the first and the last time."""
    connection.close()
    ask(index, queries[0])
    first_s, last_s = [], []
    for vector in queries:
        times_s = []
        for _ in range(REPEATED):
            begin = perf_counter()
            ask(index, vector)
            times_s.append(perf_counter() - begin)
        first_s.append(times_s[0])
        last_s.append(times_s[-1])
    return {
        "first_ms": machine.milliseconds(first_s, 0.50),
        "seventh_ms": machine.milliseconds(last_s, 0.50),
    }


def _p95(times_s: Sequence[float]) -> float:
    return sorted(times_s)[max(0, int(0.95 * len(times_s)) - 1)]
