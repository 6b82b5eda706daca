"""The changes of two sides to one base, woven together: the core of a three-way merge. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from wiki.diffing.alignment import Budget, Edit, align, edits_between

T = TypeVar("T")


class Sides(NamedTuple, Generic[T]):
    """Something of the base and of the two sides that were made from it."""

    base: T
    mine: T
    theirs: T


NOWHERE = Sides(slice(0), slice(0), slice(0))


class Change(NamedTuple):
    """What one side did: base[start:end] became longer by growth.

    reach is the highest place in the base at which a pure insertion might as well stand, since
    it repeats what is above it; for any other change it is start.
    """

    start: int
    end: int
    growth: int
    reach: int
    is_mine: bool


def changes_of_both(sides: Sides[list[str]], budgets: tuple[Budget, Budget]) -> list[Change]:
    """List what both sides changed, in the order of the base.

    Of two changes at one place, that of the side which changed something above comes first, so
    that a merge is the same whoever calls it mine.
    """
    mine = _changes(sides.base, sides.mine, budgets[0], is_mine=True)
    theirs = _changes(sides.base, sides.theirs, budgets[1], is_mine=False)
    changes = sorted([*mine, *theirs])
    for k in range(1, len(changes) - 1):
        above, one, other = changes[k - 1 : k + 2]
        if one[:-1] == other[:-1] and one.is_mine != above.is_mine:
            changes[k : k + 2] = other, one
    return changes


def _changes(
    base: list[str], side: list[str], budget: Budget, *, is_mine: bool
) -> Iterator[Change]:
    whole = Edit(0, len(base), 0, len(side))
    above = 0  # where the change above ends
    for start, end, new_start, new_end in edits_between(align(base, side, budget), whole):
        slid = 0
        if start == end:
            while start - slid > above and base[start - slid - 1] == side[new_end - slid - 1]:
                slid += 1
        yield Change(start, end, new_end - new_start - (end - start), start - slid, is_mine)
        above = end


class Separators(NamedTuple):
    """Places of unchanged units that keep the changes of two sides apart, or two additions."""

    changes: Sequence[int]
    additions: Sequence[int]

    def stand_between(self, start: int, stop: int, both_add: bool) -> bool:
        places = self.additions if both_add else self.changes
        k = bisect_left(places, start)
        return k < len(places) and places[k] < stop


def weave(
    sides: Sides[list[str]], changes: list[Change], separators: Separators
) -> Iterator[tuple[Sides[slice], list[str] | None]]:
    """Yield the merge part by part, with its places; None where both sides changed a part.

    Changes of the two sides that are not apart share a part.
    """
    done = mine_shift = theirs_shift = 0
    for cluster in _clusters(changes, separators):
        start, end = cluster[0].start, max(change.end for change in cluster)
        yield NOWHERE, sides.base[done:start]
        mine_start, theirs_start = start + mine_shift, start + theirs_shift
        mine_shift += sum(change.growth for change in cluster if change.is_mine)
        theirs_shift += sum(change.growth for change in cluster if not change.is_mine)
        places = Sides(
            slice(start, end),
            slice(mine_start, end + mine_shift),
            slice(theirs_start, end + theirs_shift),
        )
        yield places, _agreed(*(side[place] for side, place in zip(sides, places, strict=True)))
        done = end
    yield NOWHERE, sides.base[done:]


def _clusters(changes: list[Change], separators: Separators) -> list[list[Change]]:
    """Group each change with those of the other side that no separator keeps it from.

    Two additions are apart only if they are so wherever the lower one might stand.
    """
    clusters: list[list[Change]] = []
    ends: list[int] = []  # where each cluster ends in the base
    last: dict[bool, tuple[int, Change]] = {}  # of each side: the cluster it is in, the change
    for change in changes:
        joined, end = [change], change.end
        if (not change.is_mine) in last:
            k, above = last[not change.is_mine]
            both_add = above.growth > 0 and change.growth > 0
            stop = change.reach if both_add else change.start
            if not separators.stand_between(ends[k], stop, both_add):
                joined = [*chain.from_iterable(clusters[k:]), change]
                end = max(end, *ends[k:])
                del clusters[k:], ends[k:]
                last[not change.is_mine] = len(clusters), above
        last[change.is_mine] = len(clusters), change
        clusters.append(joined)
        ends.append(end)
    return clusters


def _agreed(base: list[str], mine: list[str], theirs: list[str]) -> list[str] | None:
    if mine == base:
        return theirs
    return mine if theirs in (base, mine) else None
