"""What a saver is told when a merge cannot decide."""

from typing import TYPE_CHECKING

from wiki.diffing.conflict_places import Place
from wiki.diffing.merge import FieldsMerge
from wiki.fields import Fields

if TYPE_CHECKING:
    from wiki.models.note import Note
    from wiki.models.revision import Revision


class SubmissionUsed(Exception):
    """A form that was saved already was sent with something else; nothing was saved.

    note: what it made, if whoever sent it may know.
    """

    def __init__(self, note: "Note | None") -> None:
        super().__init__("This form was saved already, with another text.")
        self.note = note


class EditConflict(Exception):
    """Two people changed the same place; nothing was saved.

    note is at head; mine is what was sent, merge what could be joined, with both texts at
    every place that overlaps.
    """

    def __init__(self, note: "Note", head: "Revision", mine: Fields, merge: FieldsMerge) -> None:
        super().__init__(
            f"Note {note.pid} was saved by somebody else in the meantime, at the same place. "
            "Both texts are shown: finish the merged one and save it."
        )
        self.note = note
        self.head = head
        self.mine = mine
        self.merge = merge


class UndecidedPlaces(Exception):
    """A text still holds both versions of places where two people met; nothing was saved."""

    def __init__(self, places: list[Place]) -> None:
        many = len(places) != 1
        super().__init__(
            f"{len(places)} place{'s' if many else ''} in the text still hold{'' if many else 's'} "
            "both versions. Take one of them, or write a third in their place, then save."
        )
        self.places = places
