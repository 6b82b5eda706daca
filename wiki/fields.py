"""What a revision holds of a note, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fields:
    """What a revision holds of a note."""

    title: str
    body: str
    ref: str
    type: str
    tags: tuple[str, ...]
    visibility: str
