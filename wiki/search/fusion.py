"""One order out of two: by words and by meaning. Pure.

Each leg's scores become shares of its best TOP hits, 0 for the last and 1 for the first; a note
stands where the weighted sum of its shares puts it. Whoever reads the shares and ranks can
put the notes in this order again.
"""

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from wiki.extensions import Hit

# What scores are compared within; what stands further down has a share of 0.
TOP = 100
# A rare word keeps its notes among the first so many, whatever they mean.
FRONT = 3
# So that sums are the same for everybody who adds them up.
SHARE_DIGITS, SUM_DIGITS = 4, 6


class By(StrEnum):
    """What the order of the notes is made of."""

    BOTH = "both"
    WORDS = "words"
    MEANING = "meaning"


class Weights(NamedTuple):
    """How much the share by words counts, and that by meaning."""

    words: float
    meaning: float


WEIGHTS = {
    By.BOTH: Weights(0.55, 0.45),
    By.WORDS: Weights(1.0, 0.0),
    By.MEANING: Weights(0.0, 1.0),
}


@dataclass(frozen=True)
class Standing:
    """How a note stands in one leg: its rank, from 1, and its share, 0 to 1."""

    rank: int
    share: float
    hit: Hit

    @property
    def score(self) -> float:
        """Return the score of the leg's own ranking."""
        return self.hit.score


@dataclass(frozen=True)
class Placed:
    """A note in the order that is shown.

    share: the weighted sum of its shares, 0 to 1. placed: why it stands where its share does
    not put it: "title", "rare word", or "".
    """

    pid: int
    share: float = 0.0
    words: Standing | None = None
    meaning: Standing | None = None
    placed: str = ""


@dataclass(frozen=True)
class RareWord:
    """A word of the query that very few notes have. is_name: it is typed to find one thing."""

    pids: frozenset[int]
    is_name: bool


@dataclass(frozen=True)
class Guarded:
    """Notes that meaning may not push back: first of all, or at least among the first FRONT."""

    first: frozenset[int] = frozenset()
    in_front: frozenset[int] = frozenset()


def fuse(
    words: Sequence[Hit],
    meaning: Sequence[Hit],
    by: By,
    *,
    titles: Collection[int] = (),
    guarded: Guarded | None = None,
) -> list[Placed]:
    """Return every note of the legs that count, best first.

    words, meaning: best first. titles: notes called like the query, which stand first unless
    meaning alone counts; also if no leg has them. Equal shares: by number.
    """
    by_words, by_meaning = _standings(words), _standings(meaning)
    legs = {By.BOTH: {**by_words, **by_meaning}, By.WORDS: by_words, By.MEANING: by_meaning}
    found = dict.fromkeys([*legs[by], *(() if by is By.MEANING else titles)])
    placed = sorted(
        (_placed(pid, by_words.get(pid), by_meaning.get(pid), by) for pid in found),
        key=lambda one: _place(one, by),
    )
    if by is By.MEANING:
        return placed
    called = [replace(one, placed="title") for one in placed if one.pid in titles]
    rest = [one for one in placed if one.pid not in titles]
    if by is By.BOTH and guarded is not None:
        rest = _guard(rest, guarded, max(0, FRONT - len(called)))
    return [*called, *rest]


def guard(rare: Iterable[RareWord], words: Sequence[Hit], *, is_all: bool) -> Guarded:
    """Return which notes are guarded for the rare words of a query.

    is_all: the one rare word is the whole query; then all its notes stand first. Else those
    that words alone put in front: all notes of a name, the best one of any other word, which
    may stand in a long question by chance.
    """
    rare = list(rare)
    if is_all:
        return Guarded(first=frozenset().union(*(word.pids for word in rare)))
    front = [hit.pid for hit in words[:FRONT]]
    in_front: set[int] = set()
    for word in rare:
        having = [hit.pid for hit in words if hit.pid in word.pids]
        in_front.update(having if word.is_name else having[:1])
    return Guarded(in_front=frozenset(in_front.intersection(front)))


def _standings(hits: Sequence[Hit]) -> dict[int, Standing]:
    scores = [hit.score for hit in hits[:TOP]]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return {
        hit.pid: Standing(rank, _share(hit.score, low, high) if rank <= TOP else 0.0, hit)
        for rank, hit in enumerate(hits, 1)
    }


def _share(score: float, low: float, high: float) -> float:
    return round((score - low) / (high - low), SHARE_DIGITS) if high > low else 1.0


def _placed(pid: int, words: Standing | None, meaning: Standing | None, by: By) -> Placed:
    told, meant = WEIGHTS[by]
    share = told * (words.share if words else 0) + meant * (meaning.share if meaning else 0)
    return Placed(pid, round(share, SUM_DIGITS), words, meaning)


def _place(one: Placed, by: By) -> tuple[float, int, int]:
    """Return what to sort by. One leg keeps its own order; so do words beyond the TOP."""
    words = one.words.rank if one.words else 0
    if by is By.BOTH:
        return -one.share, max(0, words - TOP), one.pid
    standing = one.words if by is By.WORDS else one.meaning
    return 0, standing.rank if standing else sys.maxsize, one.pid


def _guard(placed: Sequence[Placed], guarded: Guarded, room: int) -> list[Placed]:
    """Move guarded notes up as far as they must, and say so of those that move."""
    first = [one for one in placed if one.pid in guarded.first]
    rest = [one for one in placed if one.pid not in guarded.first]
    kept = [one for one in rest if one.pid in guarded.in_front][: max(0, room - len(first))]
    others = [one for one in rest if one.pid not in guarded.in_front]
    free = max(0, room - len(first) - len(kept))
    front = {one.pid for one in (*kept, *others[:free])}
    ordered = [
        *first,
        *(one for one in rest if one.pid in front),
        *(one for one in rest if one.pid not in front),
    ]
    before = {one.pid: rank for rank, one in enumerate(placed)}
    return [
        replace(one, placed="rare word") if rank < before[one.pid] else one
        for rank, one in enumerate(ordered)
    ]
