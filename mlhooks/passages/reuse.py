"""Which stretches of a text are still there in a later version of it. Pure, n log n at most."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

_PIECE = re.compile(r"[^\n.!?]*+(?:[.!?]++(?!\s)[^\n.!?]*+)*+[.!?]*+\s*+")
_DEEPEST = 4


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
    the lines and sentences that each text holds once (Cohen's patience diff), then by what
    surrounds these.

    >>> unchanged("one. Two. three.", "one. Two and a half. three.")
    [Stretch(old=0, new=0, length=8), Stretch(old=8, new=19, length=8)]
    """
    found: list[Stretch] = []
    _compare(old, new, (0, len(old)), (0, len(new)), found, _DEEPEST)
    joined: list[Stretch] = []
    for stretch in sorted(found):
        if joined and joined[-1].end == stretch[:2]:
            stretch = Stretch(*joined[-1][:2], joined.pop().length + stretch.length)
        joined.append(stretch)
    return joined


def _compare(
    old: str,
    new: str,
    in_old: tuple[int, int],
    in_new: tuple[int, int],
    found: list[Stretch],
    depth: int,
) -> None:
    a, b = old[slice(*in_old)], new[slice(*in_new)]
    before = _shared_start(a, b)
    after = _shared_end(a[before:], b[before:])
    if before:
        found.append(Stretch(in_old[0], in_new[0], before))
    if after:
        found.append(Stretch(in_old[1] - after, in_new[1] - after, after))
    old_at, new_at = in_old[0] + before, in_new[0] + before
    old_end, new_end = in_old[1] - after, in_new[1] - after
    if depth == 0 or old_at == old_end or new_at == new_end:
        return
    anchors = _anchors(old[old_at:old_end], new[new_at:new_end])
    if not anchors:
        return
    for anchor in [*anchors, Stretch(old_end - old_at, new_end - new_at, 0)]:
        old_to, new_to = in_old[0] + before + anchor.old, in_new[0] + before + anchor.new
        _compare(old, new, (old_at, old_to), (new_at, new_to), found, depth - 1)
        if anchor.length:
            found.append(Stretch(old_to, new_to, anchor.length))
        old_at, new_at = old_to + anchor.length, new_to + anchor.length


def _anchors(a: str, b: str) -> list[Stretch]:
    """Return the pieces that both texts hold once, as many as follow each other in both."""
    there = _once(b)
    pairs = [
        (start, there[piece], len(piece)) for piece, start in _once(a).items() if piece in there
    ]
    return [Stretch(*pairs[k]) for k in _longest_rising([new for _, new, _ in pairs])]


def _once(text: str) -> dict[str, int]:
    pieces = [(piece[0], piece.start()) for piece in _PIECE.finditer(text) if piece[0]]
    count = Counter(piece for piece, _ in pieces)
    return {piece: start for piece, start in pieces if count[piece] == 1 and not piece.isspace()}


def _longest_rising(numbers: list[int]) -> Iterator[int]:
    """Yield the positions of the longest rising subsequence."""
    tops: list[int] = []  # the smallest last number of a subsequence of each length
    last: list[int] = []
    before: list[int] = []
    for k, number in enumerate(numbers):
        length = bisect_left(tops, number)
        before.append(last[length - 1] if length else -1)
        tops[length : length + 1] = [number]
        last[length : length + 1] = [k]
    k = last[-1] if last else -1
    chain = []
    while k >= 0:
        chain.append(k)
        k = before[k]
    return reversed(chain)


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
