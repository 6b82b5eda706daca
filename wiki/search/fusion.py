"""Fusion of the lexical and the semantic ranking into one order. Pure.

The scores of each ranking become shares of its best FUSION_DEPTH hits, 0 for the last and 1 for
the first; notes are ordered by the weighted sum of their shares. Whoever reads the shares and
ranks can compute the order again.
"""

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from wiki.extensions import Hit

# How many hits of a ranking have a share; those further down have a share of 0.
FUSION_DEPTH = 100
# A rare term keeps its notes within these first ranks, whatever their similarity.
PINNED_RANKS = 3
# Shares are rounded, so that everybody who adds them up gets the same sum.
SHARE_DIGITS, SUM_DIGITS = 4, 6


class Mode(StrEnum):
    """Which ranking orders the notes; the values are those of `?by=` in addresses."""

    HYBRID = "both"
    LEXICAL = "words"
    SEMANTIC = "meaning"


class Weights(NamedTuple):
    """How much the lexical and the semantic share count."""

    lexical: float
    semantic: float


WEIGHTS = {
    Mode.HYBRID: Weights(0.55, 0.45),
    Mode.LEXICAL: Weights(1.0, 0.0),
    Mode.SEMANTIC: Weights(0.0, 1.0),
}


@dataclass(frozen=True)
class RankedHit:
    """A hit of one ranking, with its rank, from 1, and its share, 0 to 1."""

    rank: int
    share: float
    hit: Hit

    @property
    def score(self) -> float:
        """Return the score that its ranking gave it."""
        return self.hit.score


@dataclass(frozen=True)
class FusedHit:
    """A note in the order that is shown.

    share: the weighted sum of its shares, 0 to 1. pinned_by: why it is further up than its share
    puts it: "title", "rare word", or "".
    """

    pid: int
    share: float = 0.0
    lexical: RankedHit | None = None
    semantic: RankedHit | None = None
    pinned_by: str = ""


@dataclass(frozen=True)
class RareTerm:
    """A term of the query that very few notes have. is_name: it is typed to find one thing."""

    pids: frozenset[int]
    is_name: bool


@dataclass(frozen=True)
class Pinned:
    """Notes that outrank similarity: first of all, or among the first PINNED_RANKS."""

    first: frozenset[int] = frozenset()
    in_front: frozenset[int] = frozenset()


def fuse(
    lexical: Sequence[Hit],
    semantic: Sequence[Hit],
    mode: Mode,
    *,
    titles: Collection[int] = (),
    pinned: Pinned | None = None,
) -> list[FusedHit]:
    """Return every note of the rankings that count, best first.

    lexical, semantic: best first. titles: notes whose title is the query; they come first, even
    if no ranking has them, unless the mode is semantic. Equal shares are ordered by pid.
    """
    by_words, by_meaning = _ranked(lexical), _ranked(semantic)
    rankings = {
        Mode.HYBRID: {**by_words, **by_meaning},
        Mode.LEXICAL: by_words,
        Mode.SEMANTIC: by_meaning,
    }
    pids = dict.fromkeys([*rankings[mode], *(() if mode is Mode.SEMANTIC else titles)])
    fused = sorted(
        (_fused(pid, by_words.get(pid), by_meaning.get(pid), mode) for pid in pids),
        key=lambda hit: _sort_key(hit, mode),
    )
    if mode is Mode.SEMANTIC:
        return fused
    titled = [replace(hit, pinned_by="title") for hit in fused if hit.pid in titles]
    rest = [hit for hit in fused if hit.pid not in titles]
    if mode is Mode.HYBRID and pinned is not None:
        rest = _with_pinned(rest, pinned, max(0, PINNED_RANKS - len(titled)))
    return [*titled, *rest]


def pin_rare_terms(rare: Iterable[RareTerm], lexical: Sequence[Hit], *, is_all: bool) -> Pinned:
    """Return which notes the rare terms of a query pin.

    is_all: the one rare term is the whole query; then all its notes come first. Otherwise notes
    among the first PINNED_RANKS of the lexical ranking: all that have a name, and the best one
    that has another rare term, which may be in a long question by chance.
    """
    rare = list(rare)
    if is_all:
        return Pinned(first=frozenset().union(*(term.pids for term in rare)))
    front = [hit.pid for hit in lexical[:PINNED_RANKS]]
    in_front: set[int] = set()
    for term in rare:
        having = [hit.pid for hit in lexical if hit.pid in term.pids]
        in_front.update(having if term.is_name else having[:1])
    return Pinned(in_front=frozenset(in_front.intersection(front)))


def _ranked(hits: Sequence[Hit]) -> dict[int, RankedHit]:
    scores = [hit.score for hit in hits[:FUSION_DEPTH]]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return {
        hit.pid: RankedHit(rank, _share(hit.score, low, high) if rank <= FUSION_DEPTH else 0.0, hit)
        for rank, hit in enumerate(hits, 1)
    }


def _share(score: float, low: float, high: float) -> float:
    return round((score - low) / (high - low), SHARE_DIGITS) if high > low else 1.0


def _fused(pid: int, lexical: RankedHit | None, semantic: RankedHit | None, mode: Mode) -> FusedHit:
    weights = WEIGHTS[mode]
    share = weights.lexical * (lexical.share if lexical else 0)
    share += weights.semantic * (semantic.share if semantic else 0)
    return FusedHit(pid, round(share, SUM_DIGITS), lexical, semantic)


def _sort_key(hit: FusedHit, mode: Mode) -> tuple[float, int, int]:
    """Return what to sort by. One ranking keeps its own order, and so do words beyond its depth."""
    rank = hit.lexical.rank if hit.lexical else 0
    if mode is Mode.HYBRID:
        return -hit.share, max(0, rank - FUSION_DEPTH), hit.pid
    ranked = hit.lexical if mode is Mode.LEXICAL else hit.semantic
    return 0, ranked.rank if ranked else sys.maxsize, hit.pid


def _with_pinned(hits: Sequence[FusedHit], pinned: Pinned, room: int) -> list[FusedHit]:
    """Move pinned notes up as far as they must go, and mark those that move."""
    first = [hit for hit in hits if hit.pid in pinned.first]
    rest = [hit for hit in hits if hit.pid not in pinned.first]
    in_front = [hit for hit in rest if hit.pid in pinned.in_front][: max(0, room - len(first))]
    others = [hit for hit in rest if hit.pid not in pinned.in_front]
    free = max(0, room - len(first) - len(in_front))
    front = {hit.pid for hit in (*in_front, *others[:free])}
    ordered = [
        *first,
        *(hit for hit in rest if hit.pid in front),
        *(hit for hit in rest if hit.pid not in front),
    ]
    before = {hit.pid: rank for rank, hit in enumerate(hits)}
    return [
        replace(hit, pinned_by="rare word") if rank < before[hit.pid] else hit
        for rank, hit in enumerate(ordered)
    ]
