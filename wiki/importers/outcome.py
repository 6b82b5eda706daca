"""What became of an item."""

from dataclasses import dataclass
from enum import StrEnum

from wiki.importers.item import Notice


class Outcome(StrEnum):
    """Every item has one; skipped and failed ones say why in their notices."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """pid: the note it is here, where there is one; revisions: how many rows it brought.

    attachments: how many files it has, brought now or before.
    """

    outcome: Outcome
    notices: tuple[Notice, ...] = ()
    pid: int | None = None
    revisions: int = 0
    attachments: int = 0
