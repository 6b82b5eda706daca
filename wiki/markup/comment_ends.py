"""Where a comment, code and a formula end: looked up in lists that are made once per text."""

import re
from bisect import bisect_left
from collections import defaultdict
from functools import cached_property

from wiki.markup.delimiters import is_formula

MARKS = {"%%": "%%", "<!--": "-->"}
# Code within a comment: a fence of its own lines, or ticks; or else the end that is looked for.
INSIDE = {
    closing: re.compile(
        rf"^[ \t>]*(?P<fence>`{{3,}}(?=[^`\n]*$)|~{{3,}})|(?P<ticks>`+)|{closing}", re.MULTILINE
    )
    for closing in MARKS.values()
}
CLOSINGS = {r"\(": r"\)", r"\[": r"\]", r"\\(": r"\\)", r"\\[": r"\\]"}
NEXT_DOLLAR = re.compile(r"(?:[^$\\]++|\\.)*+\$", re.DOTALL)
EMPTY = re.compile(r"<!--(?:-?>)")
MAX_FENCE_LENGTH = 20
# So often a search may find an end within code alone; after that, code no longer counts.
MAX_FAILED_SEARCHES = 8


class Ends:
    """The ends that one text has."""

    def __init__(self, body: str) -> None:
        self.body = body
        self.last = {closing: body.rfind(closing) for closing in MARKS.values()}
        self._failed = 0
        self._vain: dict[str, int] = {}
        self._fences: dict[tuple[str, int], list[int]] = {}

    def of(self, mark: str, at: int) -> int:
        """Return where a comment ends that begins with this mark here; -1 if nowhere."""
        if mark == "<!--" and (empty := EMPTY.match(self.body, at)):
            return empty.end()
        closing = MARKS[mark]
        inside = at + len(mark)
        if self.last[closing] < inside:
            return -1
        if self._failed < MAX_FAILED_SEARCHES:
            found = self._outside_code(closing, inside)
        else:
            found = self.body.find(closing, inside)
        if found < 0:
            self._failed += 1
            return -1
        end = found + len(closing)
        # Of three percent signs the first belongs to a figure.
        is_figure = self.body.startswith("%", end) and not self.body.startswith("%%", end)
        return end + (closing == "%%" and is_figure)

    def of_span(self, mark: str, at: int, limit: int) -> int:
        """Return the end, up to limit, of code or a formula that begins with this mark; or -1."""
        inside = at + len(mark)
        if mark[0] == "`":
            return self.of_ticks(mark, inside, limit)
        if mark in CLOSINGS:
            return self.next(CLOSINGS[mark], inside, limit)
        found = NEXT_DOLLAR.match(self.body, inside, limit)
        if found is None or not self.body.startswith(mark, found.end() - 1):
            return -1
        tex, after = self.body[inside : found.end() - 1], self.body[found.end() : found.end() + 1]
        is_set = bool(tex.strip()) if mark == "$$" else is_formula(tex, after)
        return found.end() - 1 + len(mark) if is_set else -1

    def next(self, closing: str, at: int, limit: int) -> int:
        """Return the end of the next closing mark before limit, -1 if there is none."""
        if self._vain.get(closing, -1) >= limit:
            return -1
        found = self.body.find(closing, at, limit)
        while found >= 0 and closing[0] == "\\" and self._is_escaped(found, at):
            found = self.body.find(closing, found + len(closing), limit)
        if found < 0:
            self._vain[closing] = limit
            return -1
        return found + len(closing)

    def of_ticks(self, ticks: str, at: int, limit: int) -> int:
        """Return the end of the next run of as many ticks that ends before limit, or -1."""
        starts = self._ticks[len(ticks)]
        number = bisect_left(starts, at)
        end = starts[number] + len(ticks) if number < len(starts) else limit + 1
        return end if end <= limit else -1

    def _outside_code(self, closing: str, at: int) -> int:
        """Return where a comment closes outside of the code in it; -1 if only within."""
        while found := INSIDE[closing].search(self.body, at):
            at = found.end()
            if found["fence"]:
                at = max(at, self._fence_end(found["fence"], at))
            elif found["ticks"]:
                line_end = self.body.find("\n", at)
                limit = len(self.body) if line_end < 0 else line_end
                at = max(at, self.of_ticks(found["ticks"], at, limit))
            else:
                return found.start()
            if self.last[closing] < at:
                return -1
        return -1

    def _fence_end(self, fence: str, at: int) -> int:
        """Return where a fence ends that opens before `at`; -1 if it is never closed."""
        size = len(fence)
        if size > MAX_FENCE_LENGTH:
            return -1
        key = fence[0], size
        if key not in self._fences:
            pattern = rf"^[ \t>]*{re.escape(fence[0])}{{{size},}}[ \t]*$"
            found = re.finditer(pattern, self.body, re.MULTILINE)
            self._fences[key] = [closing.end() for closing in found]
        ends = self._fences[key]
        number = bisect_left(ends, at + 1)
        return ends[number] if number < len(ends) else -1

    @cached_property
    def _ticks(self) -> defaultdict[int, list[int]]:
        starts = defaultdict(list)
        for run in re.finditer("`+", self.body):
            starts[run.end() - run.start()].append(run.start())
        return starts

    def _is_escaped(self, at: int, start: int) -> bool:
        first = at
        while first > start and self.body[first - 1] == "\\":
            first -= 1
        return (at - first) % 2 == 1
