"""Which stretches of a text are still there in a later version of it. Pure and bounded."""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from wiki.diffing.alignment import Budget, Edit, Match, align, edits_between

_PIECE = re.compile(r"[^\n.!?]*+(?:[.!?]++(?!\s)[^\n.!?]*+)*+[.!?]*+\s*+")
LIMIT_S = 0.25


class Stretch(NamedTuple):
    """Characters that are the same in both texts."""

    old: int
    new: int
    length: int

    @property
    def end(self) -> tuple[int, int]:
        return self.old + self.length, self.new + self.length


def unchanged(old: str, new: str) -> list[Stretch]:
    """Return the stretches that two texts share, in order, each as long as it can be.

    One change leaves exactly what is before and after it. Of several, what is between is found by
    aligning lines and sentences, and each stretch grows into the gaps around it.

    >>> unchanged("one. Two. three.", "one. Two and a half. three.")
    [Stretch(old=0, new=0, length=8), Stretch(old=8, new=19, length=8)]
    """
    before = _shared_start(old, new)
    after = _shared_end(old[before:], new[before:])
    found = [Match(0, 0, before)]
    found += _aligned(old, new, Edit(before, len(old) - after, before, len(new) - after))
    found.append(Match(len(old) - after, len(new) - after, after))
    grown = [*found, *_grown(old, new, [one for one in found if one.size])]
    joined: list[Stretch] = []
    for match in sorted(one for one in grown if one.size):
        stretch = Stretch(*match)
        if joined and joined[-1].end == stretch[:2]:
            stretch = Stretch(*joined[-1][:2], joined.pop().length + stretch.length)
        joined.append(stretch)
    return joined


def _aligned(old: str, new: str, gap: Edit) -> Iterator[Match]:
    a = _PIECE.findall(old[gap.old_start : gap.old_end])
    b = _PIECE.findall(new[gap.new_start : gap.new_end])
    a_at = list(accumulate(map(len, a), initial=gap.old_start))
    b_at = list(accumulate(map(len, b), initial=gap.new_start))
    for match in align(a, b, Budget.of_seconds(LIMIT_S)):
        start = a_at[match.old]
        yield Match(start, b_at[match.new], a_at[match.old + match.size] - start)


def _grown(old: str, new: str, found: list[Match]) -> Iterator[Match]:
    """Yield what the texts share at both ends of each gap."""
    for gap in edits_between(found, Edit(0, len(old), 0, len(new))):
        a, b = old[gap.old_start : gap.old_end], new[gap.new_start : gap.new_end]
        head = _shared_start(a, b)
        tail = _shared_end(a[head:], b[head:])
        yield Match(gap.old_start, gap.new_start, head)
        yield Match(gap.old_end - tail, gap.new_end - tail, tail)


def _shared_start(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _shared_end(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low
