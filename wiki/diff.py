"""Compare two texts by lines, and inside changed lines by words.

Pure and bounded. Texts are cut into units (a line, or a display formula over several lines) and
words (a formula, a fence marker, a wikilink or an address is one word), and aligned by
rapidfuzz's LCS, whose cost is known before it is called: rows x columns / 64 words of 8 bytes.
A stretch that costs more is first cut at the units both sides hold exactly once; what is still
too much is shown whole, old beside new. The bound is a count, not a clock: the same two texts
always give the same diff.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise
from typing import Literal, NamedTuple

from rapidfuzz.distance import LCSseq

CONTEXT = 3  # unchanged units shown on each side of a change
ROOM = 20_000  # pieces a page can carry; an edit beyond that is shown as one block
MOST_EDITS = 2_000  # edits a page can carry; the rest is shown as one
MATRIX_WORDS = 8_000_000  # of 8 bytes: one call of LCS takes 64 MB at most
WORDS_PER_SECOND = 100_000_000  # measured, and rounded down
# What else takes time, counted in matrix words: for each unit or word to align, for each of them
# looked at for an anchor, for each character to cut into words.
UNIT_COST, ANCHOR_COST, CHARACTER_COST = 60, 100, 30

# Marks, joiners and emoji belong to the word they stand in, though Python's \w leaves them out.
_LETTER = r"[\w\u0300-\u036f\u0483-\u0489\u0590-\u109f\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d" + (
    r"\u20d0-\u20ff\ufe00-\ufe2f\U0001f1e6-\U0001faff]"
)
# Every repetition is possessive and every formula ends at the next opener of its kind, so that a
# text of nothing but openers is still read in linear time.
_WORD = re.compile(
    rf"""
      https?://[^\s<>()\[\]]++
    | {_LETTER}++(?:[-'’./:@]{_LETTER}++)*+
    | [^\S\n]++ | \n
    | ^[ \t]*+(?:`{{3}}|~{{3}})[^\n]*+
    | \$\$(?:[^$\\\n]++ | \\. | \$(?!\$) | \n(?![ \t]*\n))++\$\$
    | \$(?![\s$])(?:[^$\\\n]++ | \\. | \n(?![ \t]*\n))++(?<!\s)\$(?!\d)
    | \\\((?:[^\\]++ | \\[^()])*+\\\)
    | \\\[(?:[^\\]++ | \\[^\[\]])*+\\\]
    | \\[^\w\s]
    | \[\[[^\[\]\n]++\]\]
    | \]\([^()\s]*+\)
    | .
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_SOLID = re.compile(r"[\w\U0001f1e6-\U0001faff]")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_CLOSER = {"$$": "$$", "\\[": "\\]"}
_OPENERS = ("```", "~~~", *_CLOSER)


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


class Units(NamedTuple):
    """A text in units; `"\\n".join(units)` is the text. fenced[k] is 1 inside a code fence."""

    units: list[str]
    fenced: bytearray


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


def split_units(text: str) -> Units:
    r"""Cut a text at line ends, keeping a display formula over several lines in one unit.

    A formula starts and ends on its own lines and holds no blank line, so that a stray `$$`
    never swallows the text below it.

    >>> split_units("a\n$$\nx\n$$\n").units
    ['a', '$$\nx\n$$', '']
    >>> split_units("").units, split_units("\n").units
    ([], ['', ''])
    """
    lines = text.split("\n") if text else []
    if not any(opener in text for opener in _OPENERS):
        return Units(lines, bytearray(len(lines)))
    units: list[str] = []
    fenced = bytearray()
    fence = closer = ""
    formula_start = 0
    for line in lines:
        head = line.lstrip()[:2] if line else ""
        marker = _FENCE.fullmatch(line) if head in ("``", "~~") else None
        if fence or (marker and not _is_code_span(marker)):
            closer = ""
            fenced.append(1)
            fence = _fence_after(fence, marker)
        else:
            fenced.append(0)
            if closer and closer in line:
                units[formula_start:] = ["\n".join([*units[formula_start:], line])]
                del fenced[formula_start + 1 :]
                closer = ""
                continue
            if head in _CLOSER and _CLOSER[head] not in line.lstrip()[2:]:
                closer, formula_start = _CLOSER[head], len(units)
            elif not line or line.isspace():
                closer = ""
        units.append(line)
    return Units(units, fenced)


def _is_code_span(marker: re.Match[str]) -> bool:
    return marker[1][0] == "`" and "`" in marker[2]


def _fence_after(fence: str, marker: re.Match[str] | None) -> str:
    """Say which fence is open after a line: CommonMark closes with as long a marker or longer."""
    if not fence:
        return marker[1] if marker else ""
    closes = marker and marker[1].startswith(fence) and not marker[2].strip()
    return "" if closes else fence


def split_words(text: str) -> list[str]:
    r"""Cut a text into words, runs of blanks and single signs; joined they are the text.

    >>> split_words(r"Let $x + y$, see [[Norm]].")
    ['Let', ' ', '$x + y$', ',', ' ', 'see', ' ', '[[Norm]]', '.']
    >>> split_words("$50 to $100")
    ['$', '50', ' ', 'to', ' ', '$', '100']
    """
    return _WORD.findall(text)


def is_solid(word: str) -> bool:
    """Tell a word, number or formula from blanks and punctuation."""
    return _SOLID.search(word) is not None


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
        if len(self.edits) <= MOST_EDITS:
            return self.edits
        self.bounded = True
        shown, rest = self.edits[: MOST_EDITS - 1], self.edits[MOST_EDITS - 1 :]
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
