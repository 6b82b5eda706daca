"""Compare two texts by lines, and inside changed lines by words.

Pure and bounded: what costs too much to align, or to show line by line, is shown whole, old
beside new. The same two texts always give the same diff.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise
from typing import Literal, NamedTuple

from wiki.diffing.alignment import CHARACTER_COST, Budget, Edit, Match, align, edits_between
from wiki.diffing.segments import is_solid, split_units, split_words

CONTEXT = 3  # unchanged units shown on each side of a change
ROOM = 20_000  # pieces a page can carry; an edit beyond that is shown as one block
MAX_EDITS = 2_000  # edits a page can carry; the rest is shown as one

Kind = Literal["equal", "removed", "added", "changed"]


class Piece(NamedTuple):
    """A part of a line; changed when it has no counterpart on the other side."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the old text beside a line of the new; numbers count from 1.

    Where a diff is bounded, a removed or added row may hold many lines, joined by line feeds.
    """

    kind: Kind
    old_number: int | None
    new_number: int | None
    old_pieces: tuple[Piece, ...]
    new_pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed rows and their context; skipped equal lines are folded above it."""

    skipped: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two texts; skipped equal lines are folded below the last hunk.

    added and removed count lines, a changed line in both. bounded is True when some part cost
    too much to compare, or to show line by line, and stands as removed beside added.
    """

    hunks: tuple[Hunk, ...]
    skipped: int
    added: int
    removed: int
    bounded: bool


def diff_lines(old: str, new: str, *, limit_s: float = 0.5) -> Diff:
    r"""Compare two texts; limit_s is about what the alignment may take, in seconds.

    Lines are what stands between line feeds, so a text ending in a line feed has an empty last
    line, and from "a" to "a\n" one line is added. Raises nothing: where a bound is hit the diff
    is coarser, still exact, and says so in bounded.

    >>> diff = diff_lines("one\nlet $x$ be", "one\nlet $y$ be")
    >>> diff.hunks[0].rows[1].new_pieces
    (Piece(text='let ', changed=False), Piece(text='$y$', changed=True),
     Piece(text=' be', changed=False))
    """
    table = _Table(old, new, Budget.of_seconds(limit_s))
    hunks = tuple(table.hunks())
    changed = [row for hunk in hunks for row in hunk.rows if row.kind != "equal"]
    added = sum(_count_lines(row.new_pieces) for row in changed)
    removed = sum(_count_lines(row.old_pieces) for row in changed)
    return Diff(hunks, table.folded_lines(), added, removed, table.bounded or table.budget.refused)


def _count_lines(pieces: tuple[Piece, ...]) -> int:
    return sum(piece.text.count("\n") for piece in pieces) + 1 if pieces else 0


class _Table:
    """Writes the rows of a diff, as many as a page can carry."""

    def __init__(self, old: str, new: str, budget: Budget) -> None:
        self.old, self.new = split_units(old).units, split_units(new).units
        self.old_line, self.new_line = _line_numbers(self.old, old), _line_numbers(self.new, new)
        matches = align(self.old, self.new, budget)
        self.edits = list(edits_between(matches, Edit(0, len(self.old), 0, len(self.new))))
        self.budget = budget
        self.room = ROOM
        self.bounded = False
        self.shown = 0  # old units before this one are in a hunk or were folded

    def hunks(self) -> Iterator[Hunk]:
        for group in _groups(self._shown_edits()):
            i = max(0, group[0].old_start - CONTEXT)
            j = group[0].new_start - (group[0].old_start - i)
            skipped = self.old_line[i] - self.old_line[self.shown]
            rows: list[Row] = []
            for edit in group:
                rows += self._equal(i, edit.old_start, j)
                rows += self._changed(edit)
                i, j = edit.old_end, edit.new_end
            self.shown = min(len(self.old), i + CONTEXT)
            rows += self._equal(i, self.shown, j)
            yield Hunk(skipped, tuple(rows))

    def folded_lines(self) -> int:
        """Count the lines below the last hunk."""
        return self.old_line[len(self.old)] - self.old_line[self.shown]

    def _shown_edits(self) -> list[Edit]:
        if len(self.edits) <= MAX_EDITS:
            return self.edits
        self.bounded = True
        shown, rest = self.edits[: MAX_EDITS - 1], self.edits[MAX_EDITS - 1 :]
        start, end = rest[0], rest[-1]
        return [*shown, Edit(start.old_start, end.old_end, start.new_start, end.new_end)]

    def _equal(self, i1: int, i2: int, j1: int) -> Iterator[Row]:
        for i, j in zip(range(i1, i2), range(j1, j1 + i2 - i1), strict=True):
            for k, line in enumerate(self.old[i].split("\n")):
                yield _equal(self.old_line[i] + k, self.new_line[j] + k, line)

    def _changed(self, edit: Edit) -> list[Row]:
        old_number, new_number = self.old_line[edit.old_start], self.new_line[edit.new_start]
        old_lines = _lines(self.old[edit.old_start : edit.old_end])
        new_lines = _lines(self.new[edit.new_start : edit.new_end])
        if len(old_lines) + len(new_lines) <= self.room:
            rows = list(_compare(old_lines, new_lines, old_number, new_number, self.budget))
            pieces = sum(len(row.old_pieces) + len(row.new_pieces) for row in rows)
            if pieces <= self.room:
                self.room -= pieces
                return rows
        self.bounded = True
        blocks = [_removed(old_number, "\n".join(old_lines))] if old_lines else []
        return blocks + ([_added(new_number, "\n".join(new_lines))] if new_lines else [])


def _line_numbers(units: list[str], text: str) -> Sequence[int]:
    """Number the line at which each unit begins, from 1, and the line behind the last."""
    if len(units) == text.count("\n") + 1:
        return range(1, len(units) + 2)
    return list(accumulate((unit.count("\n") + 1 for unit in units), initial=1))


def _groups(edits: list[Edit]) -> Iterator[list[Edit]]:
    """Group the edits that share a hunk, because their context would touch."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _lines(units: list[str]) -> list[str]:
    return "\n".join(units).split("\n") if units else []


def _equal(old_number: int, new_number: int, line: str) -> Row:
    pieces = (Piece(line, False),)
    return Row("equal", old_number, new_number, pieces, pieces)


def _removed(number: int, text: str) -> Row:
    return Row("removed", number, None, (Piece(text, True),), ())


def _added(number: int, text: str) -> Row:
    return Row("added", None, number, (), (Piece(text, True),))


def _compare(
    old: list[str], new: list[str], old_number: int, new_number: int, budget: Budget
) -> Iterator[Row]:
    """Write the rows of one edit: lines alike stand side by side with their words compared."""
    matches, old_words, new_words = _align_words("\n".join(old), "\n".join(new), budget)
    old_pieces = _pieces(old_words, [(m.old, m.old + m.size) for m in matches])
    new_pieces = _pieces(new_words, [(m.new, m.new + m.size) for m in matches])
    i = j = 0
    for i_alike, j_alike in [*_alike(old_words, new_words, matches), (len(old), len(new))]:
        pairs = [(i_alike, j_alike)] if i_alike < len(old) else []
        if i_alike - i == 1 == j_alike - j:
            pairs.insert(0, (i, j))
        else:
            yield from (_removed(old_number + k, old[k]) for k in range(i, i_alike))
            yield from (_added(new_number + k, new[k]) for k in range(j, j_alike))
        for i, j in pairs:
            if old[i] == new[j]:
                yield _equal(old_number + i, new_number + j, old[i])
            else:
                numbers = (old_number + i, new_number + j)
                yield Row("changed", *numbers, old_pieces[i], new_pieces[j])
        i, j = i_alike + 1, j_alike + 1


def _align_words(old: str, new: str, budget: Budget) -> tuple[list[Match], list[str], list[str]]:
    """Cut both sides into words and align them; a side too long to cut is one word."""
    if old and new:
        if budget.take((len(old) + len(new)) * CHARACTER_COST):
            old_words, new_words = split_words(old), split_words(new)
            return align(old_words, new_words, budget), old_words, new_words
        budget.refused = True
    return [], [old], [new]


def _pieces(words: list[str], kept: list[tuple[int, int]]) -> list[tuple[Piece, ...]]:
    """Join words into pieces, a tuple for each line."""
    lines: list[list[Piece]] = [[]]
    done = 0
    for start, end in [*_without_lone_blanks(words, kept), (len(words), len(words))]:
        for run, changed in ((words[done:start], True), (words[start:end], False)):
            for k, part in enumerate("".join(run).split("\n")):
                if k:
                    lines.append([])
                if part:
                    lines[-1].append(Piece(part, changed))
        done = end
    return [tuple(line) or (Piece("", True),) for line in lines]


def _without_lone_blanks(
    words: list[str], kept: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Drop kept blanks between changed words: they would cut one change in two."""
    above = 0
    for (start, end), (below, _) in pairwise([*kept, (len(words), 0)]):
        if end - start > 1 or start == above or end == below or not words[start].isspace():
            yield start, end
        above = end


def _alike(
    old_words: list[str], new_words: list[str], matches: list[Match]
) -> list[tuple[int, int]]:
    """Pair the old and new lines that share a third of their words, in order."""
    old_line, new_line = _line_of_word(old_words), _line_of_word(new_words)
    old_count = Counter(compress(old_line, map(is_solid, old_words)))
    new_count = Counter(compress(new_line, map(is_solid, new_words)))
    shared: Counter[tuple[int, int]] = Counter()
    for i, j, size in matches:
        for k in range(size):
            if is_solid(old_words[i + k]):
                for line in range(old_line[i + k + 1] - old_line[i + k] + 1):
                    shared[old_line[i + k] + line, new_line[j + k] + line] += 1
    pairs: list[tuple[int, int]] = []
    for (i, j), count in shared.items():
        if 3 * count < max(old_count[i], new_count[j]):
            continue
        if not pairs or (pairs[-1][0] < i and pairs[-1][1] < j):
            pairs.append((i, j))
        elif shared[pairs[-1]] < count:
            pairs[-1] = (i, j)
    return pairs


def _line_of_word(words: list[str]) -> list[int]:
    return list(accumulate((word.count("\n") for word in words), initial=0))
