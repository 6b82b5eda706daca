"""Sets of documents, queries, and which documents answer which query; and how to score.

A set is a folder: docs.jsonl(.gz) {"id", "title", "text"} per line, queries.jsonl {"id",
"text", "exclude"?}, qrels.tsv (query, document, relevance). Gains are binary.
"""

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

DEPTH = 10
RESAMPLES = 2_000


@dataclass(frozen=True)
class Query:
    """A query; exclude is a document that does not count, such as the one it was taken from."""

    id: str
    text: str
    exclude: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class Scores:
    """What each query of a set got, in the same order for every system."""

    ndcg: Sequence[float]
    recall: Sequence[float]
    reciprocal_rank: Sequence[float]
    seconds: Sequence[float]


class RetrievalSet:
    """One folder. Raises OSError, ValueError and KeyError when it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._docs = next(folder.glob("docs.jsonl*"))
        relevant: dict[str, set[str]] = defaultdict(set)
        for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
            query, document, relevance = line.split("\t")
            if float(relevance) > 0:
                relevant[query].add(document)
        self.queries = [
            Query(
                said["id"], said["text"], said.get("exclude", ""), frozenset(relevant[said["id"]])
            )
            for said in _json_lines(folder / "queries.jsonl")
            if relevant.get(said["id"])
        ]

    def documents(self) -> Iterator[tuple[str, str, str]]:
        """Yield id, title and text of each document."""
        for said in _json_lines(self._docs):
            yield said["id"], said["title"], said["text"]


def sets_in(folder: Path) -> list[RetrievalSet]:
    """Return the set this folder is, or the sets in it by name."""
    if list(folder.glob("docs.jsonl*")):
        return [RetrievalSet(folder)]
    return [RetrievalSet(docs.parent) for docs in sorted(folder.glob("*/docs.jsonl*"))]


def ndcg(found: Sequence[str], relevant: frozenset[str]) -> float:
    """Return the normalised discounted cumulative gain of the first DEPTH.

    >>> round(ndcg(["a", "b", "c"], frozenset({"a", "c"})), 3)
    0.92
    """
    gained = sum(1 / math.log2(i + 2) for i, one in enumerate(found[:DEPTH]) if one in relevant)
    return gained / sum(1 / math.log2(i + 2) for i in range(min(DEPTH, len(relevant))))


def recall(found: Sequence[str], relevant: frozenset[str]) -> float:
    """Return the part of the relevant documents among the first DEPTH."""
    return len(relevant & set(found[:DEPTH])) / len(relevant)


def reciprocal_rank(found: Sequence[str], relevant: frozenset[str]) -> float:
    """Return 1 over the rank of the first relevant document among all found; 0 without one."""
    return next((1 / i for i, one in enumerate(found, 1) if one in relevant), 0.0)


def mean(values: Sequence[float]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def difference(one: Mapping[str, Scores], other: Mapping[str, Scores]) -> dict[str, Any]:
    """Return how much better `one` is in macro nDCG, with a paired bootstrap interval."""
    pairs = [[a - b for a, b in zip(one[name].ndcg, other[name].ndcg, strict=True)] for name in one]
    random = Random(1)
    drawn = sorted(
        mean([mean(random.choices(deltas, k=len(deltas))) for deltas in pairs])
        for _ in range(RESAMPLES)
    )
    low, high = drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES) - 1]
    middle = mean([mean(deltas) for deltas in pairs])
    return {"ndcg_at_10": round(middle, 4), "ci95": [round(low, 4), round(high, 4)]}


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    else:
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
