r"""Formulas that a page's plain text holds twice: once flattened, once as TeX.

A browser that copies MathML as text writes what each symbol shows, then the TeX of the
formula's annotation: `Z 1Z_1` for Z with an index, `σ\sigma` for a Greek letter. This module
finds such pairs by reading the TeX and comparing what it would show with the text before it.
"""

import re
from dataclasses import dataclass

from wiki.importers.formats.tex_shown import Differs, Reading, as_shown

# How far back a formula's flattened half may reach, in characters without spaces.
MAX_LENGTH = 300
# Characters and tokens looked at in one item before the search gives up: about a second.
MAX_EFFORT = 1_000_000

# Where a formula shows that it is TeX: a command, an index, an exponent.
PLACE = re.compile(r"\\[A-Za-z]+|[_^](?=[A-Za-z0-9{\\])")
WORD = re.compile(r"[A-Za-z]{3,}")


@dataclass(frozen=True)
class Piece:
    """A part of a line; tex is set for a formula and is what stands between its dollars."""

    text: str
    tex: str = ""


class Recovery:
    """The search through one item's lines.

    unclear collects commands that fit nothing; effort is what may still be spent.
    """

    def __init__(self) -> None:
        self.unclear: list[str] = []
        self.effort = MAX_EFFORT

    def pieces(self, line: str) -> list[Piece]:
        r"""Cut a line into words and formulas.

        >>> Recovery().pieces(r"the norm σ\sigma of x 1x_1.")
        [Piece(text='the norm ', tex=''), Piece(text='σ\\sigma', tex='\\sigma'),
         Piece(text=' of ', tex=''), Piece(text='x 1x_1', tex='x_1'), Piece(text='.', tex='')]
        """
        found: list[Piece] = []
        done = 0
        for place in PLACE.finditer(line):
            if place.start() < done:
                continue
            pair = self._pair(line, place.start(), done) if self.effort > 0 else None
            if pair is not None:
                start, middle, end = pair
                found += [Piece(line[done:start]), Piece(line[start:end], line[middle:end])]
                done = end
            elif place[0].startswith("\\"):
                self.unclear.append(place[0])
        found.append(Piece(line[done:]))
        return [piece for piece in found if piece.text]

    def _pair(self, line: str, place: int, done: int) -> tuple[int, int, int] | None:
        """Find the longest pair whose first sign of TeX is at `place`: start, middle, end.

        Let u be the part of the TeX before the place. It shows as it is typed, so the
        flattened half begins with u, and what precedes the place, spaces aside, is
        u · rest · u. For every division the TeX from the place on must show exactly rest.
        """
        nearby = range(max(done, place - 3 * MAX_LENGTH), place)
        self.effort -= len(nearby)
        shown = [i for i in nearby if not line[i].isspace()]
        before = as_shown("".join(line[i] for i in shown))
        best: tuple[int, int, int] | None = None
        for q in range(max(0, len(before) - MAX_LENGTH), len(before)):
            if self.effort <= 0:
                break
            most = _shared_ending(before, q)
            self.effort -= most
            for end, j in self._endings(line, place, before, q):
                size = len(before) - j
                if size > most or (size == 0 and line[place] in "_^"):
                    continue
                middle = shown[j] if size else place
                pair = (shown[q - size], middle, end)
                if _is_plausible(line, *pair) and (best is None or end > best[2]):
                    best = pair
        return best

    def _endings(self, line: str, place: int, before: str, q: int) -> list[tuple[int, int]]:
        """Read TeX from the place while it shows what is at before[q]; return each stop."""
        reading = Reading(line, before)
        stops: list[tuple[int, int]] = []
        i, j = place, q
        try:
            while j < len(before):
                i, j = reading.token(i, j)
                if j > q and not line[i - 1].isspace():
                    stops.append((i, j))
        except Differs:
            pass
        self.effort -= 3 * reading.tokens
        return stops


def _shared_ending(before: str, q: int) -> int:
    """Return how many characters before q equal those at the end, without overlap."""
    size = 0
    most = min(q, len(before) - q)
    while size < most and before[q - 1 - size] == before[-1 - size]:
        size += 1
    return size


def _is_plausible(line: str, start: int, middle: int, end: int) -> bool:
    """Refuse pairs that cut a word, and words that merely stand there twice."""
    if start and line[start - 1].isalpha() and line[start].isalpha():
        return False
    return "\\" in line[middle:end] or not WORD.search(line[middle:end])
