"""The report of an import: a line of JSON per item, and the counts."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from wiki.importers import Format
from wiki.importers.counts import Tally
from wiki.importers.item import Item, Notice
from wiki.importers.outcome import Outcome, Result
from wiki.importers.owners import People
from wiki.rendering.survey import Survey

Progress = Callable[[int, int], None]


class Report:
    """Writes what became of each item, and counts it.

    placed: the pid each item has here, by its pid in the file; after a dry run, which numbers
    nothing, that one again.
    """

    def __init__(self, lines: IO[str], progress: Progress) -> None:
        self.lines, self.progress = lines, progress
        self.tally = Tally()
        self.placed: dict[int, int] = {}

    def add(
        self, items: Sequence[Item], results: Sequence[Result], surveys: Sequence[Survey]
    ) -> None:
        """Tell of a batch."""
        for item, result, survey in zip(items, results, surveys, strict=True):
            self.tally.add(item, result, survey)
            self._line(item.path, result.outcome, result.pid, result.notices)
            if item.pid is not None and result.outcome not in (Outcome.FAILED, Outcome.SKIPPED):
                self.placed[item.pid] = result.pid or item.pid

    def add_failures(self, kind: Format, path: Path, people: People) -> None:
        """Finish the import as its format does, and tell what failed."""
        for item in kind.finish(path, self.placed, people) if kind.finish else ():
            self.add([item], [Result(Outcome.FAILED, item.notices)], [Survey()])

    def add_remarks(self, kind: Format, source: object) -> None:
        """Tell what of the source is no item."""
        for remark in kind.remarks(source) if kind.remarks else ():
            self._line(remark.path, None, None, [remark.notice])

    def _line(
        self, path: str, outcome: Outcome | None, pid: int | None, notices: Sequence[Notice]
    ) -> None:
        told = [{"code": notice.code, "message": notice.message} for notice in notices]
        said = {"path": path, "outcome": outcome, "pid": pid, "notices": told}
        self.lines.write(json.dumps(said, ensure_ascii=False) + "\n")
