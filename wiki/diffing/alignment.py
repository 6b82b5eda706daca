"""Find what two sequences share, within a bound.

Aligned by rapidfuzz's LCS, whose cost is known before it is called: rows x columns / 64 words of
8 bytes. A stretch that costs more is first cut at the items both sides hold exactly once; what is
still too much is left unmatched. The bound is a count, not a clock: the same two sequences always
give the same matches.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

MATRIX_WORDS = 8_000_000  # of 8 bytes: one call of LCS takes 64 MB at most
WORDS_PER_SECOND = 100_000_000  # measured, and rounded down
# What else takes time, counted in matrix words: for each unit or word to align, for each of them
# looked at for an anchor, for each character to cut into words.
UNIT_COST, ANCHOR_COST, CHARACTER_COST = 60, 100, 30


class Match(NamedTuple):
    """The units old[old:old + size] and new[new:new + size] are the same."""

    old: int
    new: int
    size: int


class Edit(NamedTuple):
    """The units old[old_start:old_end] became new[new_start:new_end]; one may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass
class Budget:
    """Matrix words that may still be computed; refused tells that something cost too much."""

    words: int
    refused: bool = False

    @classmethod
    def of_seconds(cls, seconds: float) -> "Budget":
        return cls(int(seconds * WORDS_PER_SECOND))

    def take(self, words: int) -> bool:
        """Spend words if that many are left."""
        if words > self.words:
            return False
        self.words -= words
        return True


def align(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[Match]:
    """Find what two sequences share: matches in order, none touching the next on both sides.

    Takes at most 64 MB and what the budget allows; a stretch beyond that is left unmatched and
    budget.refused set. A pure insertion or deletion stands as far down as it can.
    """
    matches: list[Match] = []
    middle = _trim(old, new, Edit(0, len(old), 0, len(new)), matches)
    i1, i2, j1, j2 = middle
    if i1 < i2 and j1 < j2:
        if budget.take((i2 - i1 + j2 - j1) * UNIT_COST):
            numbers: dict[str, int] = {}
            first = [numbers.setdefault(unit, len(numbers)) for unit in old[i1:i2]]
            second = [numbers.setdefault(unit, len(numbers)) for unit in new[j1:j2]]
            matches += [Match(i1 + i, j1 + j, size) for i, j, size in _align(first, second, budget)]
        else:
            budget.refused = True
    return _settle(old, new, sorted(matches))


def _align(first: list[int], second: list[int], budget: Budget) -> list[Match]:
    matches: list[Match] = []
    gaps = [Edit(0, len(first), 0, len(second))]
    while gaps:
        gap = _trim(first, second, gaps.pop(), matches)
        rows, columns = gap.old_end - gap.old_start, gap.new_end - gap.new_start
        if not rows or not columns:
            continue
        words = max(rows * (columns // 64 + 1), columns * (rows // 64 + 1))
        if words <= MATRIX_WORDS and budget.take(words):
            matches += _longest(first, second, gap)
        elif budget.take((rows + columns) * ANCHOR_COST) and (
            anchors := _anchors(first, second, gap)
        ):
            matches += anchors
            gaps += edits_between(anchors, gap)
        else:
            budget.refused = True
    return matches


def edits_between(matches: Sequence[Match], whole: Edit) -> Iterator[Edit]:
    """Yield what lies before, between and behind the matches inside whole."""
    i, j = whole.old_start, whole.new_start
    for match in (*matches, Match(whole.old_end, whole.new_end, 0)):
        if i < match.old or j < match.new:
            yield Edit(i, match.old, j, match.new)
        i, j = match.old + match.size, match.new + match.size


def _trim(
    first: Sequence[object], second: Sequence[object], gap: Edit, matches: list[Match]
) -> Edit:
    """Match what is the same at both ends of a gap and return the rest."""
    i1, i2, j1, j2 = gap
    most = min(i2 - i1, j2 - j1)
    head = 0
    while head < most and first[i1 + head] == second[j1 + head]:
        head += 1
    tail, most = 0, most - head
    while tail < most and first[i2 - 1 - tail] == second[j2 - 1 - tail]:
        tail += 1
    if head:
        matches.append(Match(i1, j1, head))
    if tail:
        matches.append(Match(i2 - tail, j2 - tail, tail))
    return Edit(i1 + head, i2 - tail, j1 + head, j2 - tail)


def _longest(first: list[int], second: list[int], gap: Edit) -> Iterator[Match]:
    i1, i2, j1, j2 = gap
    for step in LCSseq.opcodes(first[i1:i2], second[j1:j2]):
        if step.tag == "equal":
            yield Match(i1 + step.src_start, j1 + step.dest_start, step.src_end - step.src_start)


def _anchors(first: list[int], second: list[int], gap: Edit) -> list[Match]:
    """Match units that stand exactly once on each side, as many as keep their order."""
    i1, i2, j1, j2 = gap
    old_counts, new_counts = Counter(first[i1:i2]), Counter(second[j1:j2])
    once = {unit for unit, count in old_counts.items() if count == 1 == new_counts[unit]}
    place = {unit: j for j, unit in enumerate(second[j1:j2], j1) if unit in once}
    pairs = [(i, place[unit]) for i, unit in enumerate(first[i1:i2], i1) if unit in once]
    ends: list[int] = []  # ends[k]: the least new position at which a run of k + 1 pairs ends
    run: list[int] = []  # for each pair, how long the best run ending there is, less one
    for _, j in pairs:
        k = bisect_left(ends, j)
        ends[k : k + 1] = [j]
        run.append(k)
    chosen: list[Match] = []
    wanted = len(ends) - 1
    for (i, j), k in zip(reversed(pairs), reversed(run), strict=True):
        if k == wanted:
            chosen.append(Match(i, j, 1))
            wanted -= 1
    return chosen[::-1]


def _settle(first: Sequence[str], second: Sequence[str], matches: list[Match]) -> list[Match]:
    """Join touching matches and slide insertions and deletions down, where readers expect them."""
    settled = [Match(0, 0, 0)]
    for i, j, size in matches:
        last = settled[-1]
        old_end, new_end = last.old + last.size, last.new + last.size
        slid = 0
        if (i, j) == (old_end, new_end):
            slid = size
        elif i == old_end:
            while slid < size and second[new_end + slid] == second[j + slid]:
                slid += 1
        elif j == new_end:
            while slid < size and first[old_end + slid] == first[i + slid]:
                slid += 1
        settled[-1] = last._replace(size=last.size + slid)
        if slid < size:
            settled.append(Match(i + slid, j + slid, size - slid))
    return [match for match in settled if match.size]
