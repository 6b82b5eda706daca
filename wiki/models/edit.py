"""An edit of a note, as it is sent to be saved."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from wiki.fields import Fields
from wiki.models.attachment import Attachment
from wiki.models.revision import Revision


@dataclass(frozen=True)
class Edit:
    """What somebody saves, and how it came about.

    base: the revision that the edit began from. submission: of the form it was sent in. files:
    which file a key means in this revision, where it is not the head's. is_always_saved: the
    summary is worth a revision, though nothing changed.
    """

    fields: Fields
    author: User
    base: int = 0
    summary: str = ""
    submission: uuid.UUID | None = None
    source: str = Revision.Source.PERSON
    files: Mapping[str, Attachment] | None = None
    is_always_saved: bool = False

    def columns(self) -> dict[str, Any]:
        """Return the columns of its revision besides the fields."""
        return {
            "author": self.author,
            "summary": self.summary,
            "submission": self.submission,
            "source": self.source,
        }
