"""Changed lines as they are read: written once, with what went and what came marked in it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from wiki.diffing.compare import Hunk, Piece, Row, diff_lines


class Mark(NamedTuple):
    """A stretch of a line that is the same, went, or came."""

    kind: Literal["same", "gone", "come"]
    text: str


class Line(NamedTuple):
    """One line to read. `both` is a line that was changed inside."""

    kind: Literal["same", "gone", "come", "both"]
    marks: tuple[Mark, ...]


class Stretch(NamedTuple):
    """Lines that stand together; skipped equal lines are folded above them."""

    skipped: int
    lines: list[Line]


def stretches(hunks: Iterable[Hunk]) -> list[Stretch]:
    """Write every hunk of a diff as lines."""
    return [
        Stretch(hunk.skipped, [line for row in hunk.rows for line in _lines(row)]) for hunk in hunks
    ]


def marked_line(old: str, new: str) -> tuple[Mark, ...]:
    """Compare two short texts, such as titles.

    >>> [tuple(mark) for mark in marked_line("attention", "attention memory")]
    [('same', 'attention'), ('come', ' memory')]
    """
    lines = [line for each in stretches(diff_lines(old, new).hunks) for line in each.lines]
    return tuple(mark for line in lines for mark in line.marks)


def count_words(found: Iterable[Stretch], kind: str) -> int:
    """Count the words that went (`gone`) or came (`come`)."""
    marks = (mark for each in found for line in each.lines for mark in line.marks)
    return sum(len(mark.text.split()) for mark in marks if mark.kind == kind)


def _lines(row: Row) -> list[Line]:
    if row.kind == "equal":
        return [Line("same", _marks(row.new_pieces, "same"))]
    if row.kind == "changed" and (joined := _joined(row.old_pieces, row.new_pieces)):
        return [Line("both", tuple(joined))]
    gone = [Line("gone", _marks(row.old_pieces, "gone"))] if row.old_pieces else []
    return gone + ([Line("come", _marks(row.new_pieces, "come"))] if row.new_pieces else [])


def _marks(pieces: Iterable[Piece], kind: Literal["same", "gone", "come"]) -> tuple[Mark, ...]:
    return tuple(Mark(kind if piece.changed else "same", piece.text) for piece in pieces)


def _joined(old: Iterable[Piece], new: Iterable[Piece]) -> list[Mark]:
    """Lay two sides over each other; empty if what they keep is not the same text.

    A word may have been kept because it stands in another line of the same change; and a
    blank may count as kept on one side only.
    """
    olds, news = list(old)[::-1], list(new)[::-1]
    marks: list[Mark] = []
    while olds or news:
        if olds and olds[-1].changed:
            marks.append(Mark("gone", olds.pop().text))
        elif news and news[-1].changed:
            marks.append(Mark("come", news.pop().text))
        elif olds and news and (kept := _shared(olds[-1].text, news[-1].text)):
            marks.append(Mark("same", kept))
            for side in (olds, news):
                rest = side.pop().text.removeprefix(kept)
                side.extend([Piece(rest, False)] if rest else [])
        elif olds and olds[-1].text.isspace():
            marks.append(Mark("gone", olds.pop().text))
        elif news and news[-1].text.isspace():
            marks.append(Mark("come", news.pop().text))
        else:
            return []
    return marks


def _shared(one: str, other: str) -> str:
    """Return the shorter text if the longer one begins with it."""
    short, long = sorted((one, other), key=len)
    return short if long.startswith(short) else ""
