"""The places of a draft that still hold two versions, as the conflict page marks them.

Pure. A mark names the place, the revision it was merged with, and a checksum over these and the
note: a text about git may hold `<<<<<<<` lines, and only lines that were written for this note
count. Nothing else remembers a place, so a draft, another tab or a printout may carry it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from wiki.diffing.compare import Piece, diff_lines
from wiki.diffing.merge import Marks, plain_marks

CONTEXT = 2  # lines shown above and below a place
LIMIT_S = 0.4  # for comparing the versions of all places of a text

MARK = re.compile(
    r"(<{7} mine|={7}|>{7} saved in the meantime)"
    r" \(place ([1-9][0-9]{0,4}), revision ([0-9]{1,9}), ([0-9a-f]{8})\)[ \t]*"
)
KINDS = {"<": "mine", "=": "between", ">": "theirs"}

Side = Literal["mine", "theirs"]


class Stretch(NamedTuple):
    """Lines of one version, each in pieces; `skipped` lines above are the same in both."""

    skipped: int
    lines: list[tuple[Piece, ...]]


class _Mark(NamedTuple):
    line: int  # from 0
    kind: str
    key: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A place that still stands; lines count from 0.

    start and end: of its first mark and behind its last. between: of the mark between the two
    versions, None where somebody deleted one of the three marks, so that what belongs to which
    version is no longer known.
    """

    start: int
    end: int
    between: int | None

    @property
    def is_whole(self) -> bool:
        return self.between is not None

    @property
    def line(self) -> int:
        """Its first line, as people count."""
        return self.start + 1


def marks(pid: int, revision: int, number: int) -> Marks:
    """Return the three marks of a place, counted from 1, of a note merged with this revision."""
    named = f"(place {number}, revision {revision}, {_checksum(pid, revision, number)})"
    return Marks(*(f"{mark} {named}" for mark in plain_marks(number)))


def undecided(pid: int, text: str) -> list[Place]:
    """List the places of this note's draft of which at least one mark still stands."""
    found = list(_marks(pid, text))
    places: list[Place] = []
    while found:
        three = found[:3]
        kinds = [mark.kind for mark in three]
        is_whole = kinds == ["mine", "between", "theirs"] and len({m.key for m in three}) == 1
        if is_whole:
            places.append(Place(three[0].line, three[2].line + 1, three[1].line))
        else:
            places.append(Place(three[0].line, three[0].line + 1, None))
        del found[: 3 if is_whole else 1]
    return places


def take(text: str, place: Place, side: Side) -> str:
    """Put one of its versions in the place of a whole place."""
    assert place.between is not None
    lines = text.split("\n")
    lines[place.start : place.end] = _version(lines, place, side)
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """What a page shows of a place: its versions with what differs marked, a little context.

    skipped: how many lines are folded above. marks: its three marks as they stand in the text,
    or the one that is left of a place that is not whole.
    """

    place: Place
    skipped: int
    above: list[str]
    mine: list[Stretch]
    theirs: list[Stretch]
    below: list[str]
    marks: list[str]


def shown_places(text: str, places: list[Place]) -> list[ShownPlace]:
    """Describe the places of a text in their order; the context of two never overlaps."""
    lines = text.split("\n")
    stops = [*(place.start for place in places), len(lines)][1:]
    shown: list[ShownPlace] = []
    done = 0
    for place, stop in zip(places, stops, strict=True):
        above = max(done, place.start - CONTEXT)
        below = min(stop, place.end + CONTEXT)
        shown.append(
            ShownPlace(
                place,
                above - done,
                lines[above : place.start],
                *_compared(lines, place, LIMIT_S / len(places)),
                lines[place.end : below],
                _marks_of(lines, place),
            )
        )
        done = below
    return shown


def _marks_of(lines: list[str], place: Place) -> list[str]:
    if place.between is None:
        return [lines[place.start]]
    return [lines[place.start], lines[place.between], lines[place.end - 1]]


def _compared(
    lines: list[str], place: Place, limit_s: float
) -> tuple[list[Stretch], list[Stretch]]:
    if not place.is_whole:
        return [], []
    mine, theirs = _version(lines, place, "mine"), _version(lines, place, "theirs")
    if not mine or not theirs:
        return _all_marked(mine), _all_marked(theirs)
    diff = diff_lines("\n".join(theirs), "\n".join(mine), limit_s=limit_s)
    sides: tuple[list[Stretch], list[Stretch]] = [], []
    for hunk in diff.hunks:
        sides[0].append(Stretch(hunk.skipped, [r.new_pieces for r in hunk.rows if r.new_pieces]))
        sides[1].append(Stretch(hunk.skipped, [r.old_pieces for r in hunk.rows if r.old_pieces]))
    for side in sides:
        side.append(Stretch(diff.skipped, []))
    return sides


def _all_marked(lines: list[str]) -> list[Stretch]:
    return [Stretch(0, [(Piece(line, True),) for line in lines])] if lines else []


def _version(lines: list[str], place: Place, side: Side) -> list[str]:
    assert place.between is not None
    if side == "mine":
        return lines[place.start + 1 : place.between]
    return lines[place.between + 1 : place.end - 1]


def _marks(pid: int, text: str) -> Iterator[_Mark]:
    for k, line in enumerate(text.split("\n")):
        said = MARK.fullmatch(line) if line[:7] in ("<" * 7, "=" * 7, ">" * 7) else None
        if said and said[4] == _checksum(pid, int(said[3]), int(said[2])):
            yield _Mark(k, KINDS[line[0]], (said[2], said[3]))


def _checksum(pid: int, revision: int, number: int) -> str:
    return hashlib.sha256(f"{pid} {revision} {number}".encode()).hexdigest()[:8]
