"""Looking for anything in the database that is not as it was saved.

tables.py holds what whole tables must obey, heads.py what is derived from a note's head, and
words.py what the full-text index has of it. Everything is read from one snapshot, so people
may go on writing, and a piece at a time, so memory does not grow with the notes. What follows
from a problem is not named beside it.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from wiki import extensions
from wiki.extensions import Problem
from wiki.integrity import files, heads, tables
from wiki.models import Attachment, Note, Posting, Revision, Tag
from wiki.snapshot import snapshot

__all__ = ["Problem", "Report", "verify"]

MAX_PER_CHECK = 1000


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found; of each check MAX_PER_CHECK, then a count.

    unused_files: how many files are kept that no note has.
    """

    checked: dict[str, int]
    problems: list[Problem]
    seconds: float
    unused_files: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the object that --json prints."""
        return {"ok": self.ok, **asdict(self)}


def verify() -> Report:
    """Check the whole database, also by what extensions.checks add. Writes nothing."""
    started = time.monotonic()
    # Closed while the snapshot lasts: a database cursor closed later would disturb whatever
    # transaction is open then.
    with (
        snapshot(),
        closing(tables.problems()) as whole,
        closing(heads.problems()) as derived,
        closing(files.problems()) as kept,
    ):
        problems = chain(
            whole,
            derived,
            kept,
            chain.from_iterable(check() for check in extensions.checks),
        )
        found = list(_limited(problems))
        checked = {
            "notes": Note._base_manager.count(),
            "revisions": Revision._base_manager.count(),
            "tags": Tag._base_manager.count(),
            "postings": Posting.objects.count(),
            "attachments": Attachment.objects.count(),
            "passages": 0,
            **{name: count() for name, count in extensions.counted.items()},
        }
    unused = files.unreferenced()
    return Report(
        problems=[*found, *_limited(files.unreferenced_problems(unused))],
        checked=checked,
        seconds=round(time.monotonic() - started, 3),
        unused_files=len(unused),
    )


def _limited(problems: Iterable[Problem]) -> Iterator[Problem]:
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.check] = found.get(problem.check, 0) + 1
        if found[problem.check] <= MAX_PER_CHECK:
            yield problem
    for check, count in found.items():
        if count > MAX_PER_CHECK:
            yield Problem(check, f"There are {count - MAX_PER_CHECK} more problems of this kind.")
