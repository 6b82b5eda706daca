"""Going through a text once for what its writer hid: from left to right, the first wins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from wiki.markup.block_lines import State, read_line, stays_within
from wiki.markup.comment_ends import Ends

SIGN = re.compile(r"\\\\?[(\[]|\\.|`+|\$\$?|%%|<!--", re.DOTALL)
# Behind a digit it is a figure, unless words follow at once.
FIGURE = re.compile(r"""\d%%(?:[\s.,;:!?)\]}>|'"”’…/–—-]|$)""")
SETS_FORMULA = re.compile(r"\$\$|\\\[|\\begin\{(\w+\*?)\}")
BLANK_LINE = re.compile(r"\n[ \t>]*(?=\n|\Z)")
# No list marker: without its words such a line says nothing.
BARE = re.compile(r"[\s>#]*")
DELIMITER_ROW = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
CELL_END = re.compile(r"(?<!\\)\|")
BLANKS = " \t\r"
LINE_END = re.compile(r"[ \t\r]*+(?=\n|\Z)")
# So many times a line is looked at anew because a comment stood before its words.
MAX_LINE_RESCANS = 50


class Span(NamedTuple):
    """Characters of a text from start to end that only those see who may edit it."""

    start: int
    end: int


@dataclass
class _Current:
    """The line that is read: from `at` on, what stands before being only its prefix.

    first: where it begins in the text; prefix: its containers' marks, where a comment stood
    between them and `at`. before: what was open above it. readings: how often it was read.
    """

    first: int
    at: int
    end: int
    before: State
    prefix: str = ""
    readings: int = 0

    def text(self, body: str) -> str:
        return self.prefix + body[self.at : self.end]


@dataclass
class CommentReader:
    """Finds the comments of one text. Linear in its length."""

    body: str
    spans: list[Span] = field(default_factory=list)
    state: State = State()
    line: _Current = field(init=False)
    in_table: bool = False
    paragraph_end: int = -1
    blank: int = -1

    def __post_init__(self) -> None:
        self.ends = Ends(self.body)
        # Lines that are looked at ahead; beyond that no span goes over the end of its line.
        self.budget = 4 * self.body.count("\n") + 64

    def read(self) -> list[Span]:
        """Return what is hidden, in order."""
        at = 0
        while at <= len(self.body):
            self.line = _Current(at, at, self._line_end(at), self.state)
            self._read_line()
            at = self.line.end + 1
        return self.spans

    def _read_line(self) -> None:
        """Read the current line; it may end lines below, with a comment or a formula."""
        while True:
            line = self.line
            heads_table = self._heads_table()
            words = line.text(self.body)
            self.state, what = read_line(line.before, words, heads_table=heads_table)
            if what.kind != "text":
                self.in_table = False
                return
            if what.begins:
                self.in_table, self.paragraph_end = False, -1
            self.in_table = self.in_table or heads_table
            start = line.at + what.start - len(line.prefix)
            if not self._read_words(max(start, line.at)):
                return

    def _read_words(self, start: int) -> bool:
        """Read the words of a line; True if a comment stood before them: what are they?"""
        at = self._behind_formula(start)
        while sign := SIGN.search(self.body, at, self.line.end):
            mark, at = sign[0], sign.end()
            if mark in ("%%", "<!--"):
                opening = sign.start()
                end = self._comment_end(mark, opening, is_first=opening == start)
                if end >= 0:
                    if opening == start and self.line.readings < MAX_LINE_RESCANS:
                        return self._hide_first(start, end)
                    at = self._hide(opening, end)
            elif mark[0] == "`" or mark[0] == "$" or mark[-1] in "([":
                end = self._span_end(mark, sign.start())
                # `$$` may be two that stand alone, and `\\(` an escape before a bracket.
                at = end if end >= 0 else sign.start() + (len(mark) if mark[0] == "`" else 1)
                at += mark[0] == "\\" and end < 0
                self._go_on_to(at)
        return False

    def _comment_end(self, mark: str, at: int, *, is_first: bool) -> int:
        """Return where a comment ends that would begin here; -1 if none does."""
        if mark == "%%" and at and FIGURE.match(self.body, at - 1):
            return -1
        end = self.ends.of(mark, at)
        return len(self.body) if end < 0 and is_first else end

    def _hide_first(self, start: int, end: int) -> bool:
        """Hide what begins a line; True if words follow, which may be anything."""
        line = self.line
        prefix = line.prefix or self.body[line.first : start]
        line.end = self._line_end(end)
        while end < line.end and self.body[end] in BLANKS:
            end += 1
        if end < line.end:
            self._add(start, end)
            line.at, line.prefix, line.readings = end, prefix, line.readings + 1
            return True
        if BARE.fullmatch(prefix):
            self._drop_lines(line.first, min(line.end + 1, len(self.body)))
            self.state = line.before
        else:
            self._add(start, line.end)
        return False

    def _drop_lines(self, start: int, end: int) -> None:
        """Hide whole lines, and of the blank lines around them one side."""
        if self._is_blank_above(start):
            while end < len(self.body) and not self.body[end : self._line_end(end)].strip(BLANKS):
                end = min(self._line_end(end) + 1, len(self.body))
        if end == len(self.body):
            while start and self._is_blank_above(start):
                start = self._line_above(start)
        self._add(start, end)
        self.line.end = max(self.line.end, end - 1)

    def _is_blank_above(self, start: int) -> bool:
        return not self.body[self._line_above(start) : start].strip(BLANKS + "\n")

    def _line_above(self, start: int) -> int:
        return self.body.rfind("\n", 0, max(0, start - 1)) + 1

    def _hide(self, start: int, end: int) -> int:
        """Hide what stands amid a line, with one of the blanks around it; return its end."""
        self._go_on_to(end)
        line = self.line
        if ends := LINE_END.match(self.body, end):
            end = ends.end()
            while self.body[start - 1] in BLANKS and start > line.first:
                start -= 1
        elif self.body[start - 1] in BLANKS and self.body[end] in BLANKS:
            end += 1
        self._add(start, end)
        return end

    def _add(self, start: int, end: int) -> None:
        while self.spans and self.spans[-1].end >= start:
            start = min(start, self.spans.pop().start)
        self.spans.append(Span(start, end))

    def _go_on_to(self, at: int) -> None:
        """Let the current line reach over the lines that end before this place."""
        if at > self.line.end:
            self.line.end = self._line_end(at)

    def _line_end(self, at: int) -> int:
        end = self.body.find("\n", at)
        return len(self.body) if end < 0 else end

    def _behind_formula(self, start: int) -> int:
        """Return where a formula ends that fills lines of its own, or where the words begin."""
        opening = SETS_FORMULA.match(self.body, start, self.line.end)
        if opening is None:
            return start
        closing = {"$$": "$$", r"\[": r"\]"}.get(opening[0], rf"\end{{{opening[1]}}}")
        if self.blank < start:
            blank = BLANK_LINE.search(self.body, start)
            self.blank = blank.start() if blank else len(self.body)
        end = self.ends.next(closing, opening.end(), self.blank)
        if end < 0 or self.body[end : self._line_end(end)].strip(BLANKS):
            return start
        for below, line in self._lines_below(self.line.end):
            if below - len(line) > end:
                break
            self.budget -= 1
            if self.budget < 0 or not stays_within(self.state.containers, line):
                return start
        self._go_on_to(end)
        return end

    def _heads_table(self) -> bool:
        """Tell whether the line is the first row of a table; no code span leaves its cell."""
        if self.body.find("|", self.line.at, self.line.end) < 0:
            return False
        below = self.body[self.line.end + 1 : self._line_end(self.line.end + 1)]
        return "|" in below and DELIMITER_ROW.fullmatch(below) is not None

    def _span_end(self, mark: str, at: int) -> int:
        """Return where code or a formula ends that begins here; -1 if none does."""
        if self.in_table:
            cell = CELL_END.search(self.body, at, self.line.end)
            return self.ends.of_span(mark, at, cell.start() if cell else self.line.end)
        end = self.ends.of_span(mark, at, self.line.end)
        if end < 0 and self._is_open_below():
            end = self.ends.of_span(mark, at, self.paragraph_end)
        return end

    def _is_open_below(self) -> bool:
        """Find where the paragraph ends; tell whether that is below the current line."""
        if self.paragraph_end < 0:
            end, state = self.line.end, self.state
            for below, line in self._lines_below(end):
                state, what = read_line(state, line)
                if what.kind != "text" or what.begins or self.budget < 0:
                    break
                self.budget -= 1
                end = below
            self.paragraph_end = end
        return self.paragraph_end > self.line.end

    def _lines_below(self, end: int) -> Iterator[tuple[int, str]]:
        """Yield the lines below one, each with where it ends."""
        while end < len(self.body):
            start, end = end + 1, self._line_end(end + 1)
            yield end, self.body[start:end]
