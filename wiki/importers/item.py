"""What an importer reads out of a file: items, their states, and notices about them."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Code(StrEnum):
    """Everything an import may have to say about an item; the list is closed."""

    # Why an item was not imported.
    BAD_ENTRY = "bad-entry"  # it cannot be read as its format says
    BAD_FIELD = "bad-field"  # a field breaks a rule of notes: too long, unknown, not text
    BAD_HASH = "bad-hash"  # a revision does not say what its sha256 was taken of
    BAD_ARCHIVE = "bad-archive"  # the file is not the one that was exported: cut, or changed
    REPEATED = "repeated"  # the file has an entry of this number already
    CONFLICT = "conflict"  # entry and note both changed at the same place
    DIVERGED = "diverged"  # the note has other revisions than the entry, not only more or fewer
    IN_TRASH = "in-trash"  # the note was deleted here
    NOT_SAVED = "not-saved"  # the database refused it
    # What to know about an imported one.
    EARLIER_UNKNOWN = "earlier-unknown"  # there were earlier revisions; the file lacks their texts
    FORMULA_UNCLEAR = "formula-unclear"  # looks like TeX, but where it begins and ends is unclear
    TITLE_MADE = "title-made"  # the entry has no line that can be its title
    LIST_LEVEL = "list-level"  # a bullet stood deeper than the list around it allows
    LEFT_OUT = "left-out"  # lines that belong to the page and not to an entry
    MERGED = "merged"  # the note had been edited here; both changes were joined
    PID_TAKEN = "pid-taken"  # another note has this number; kept as legacy number if that is free
    UNKNOWN_PERSON = "unknown-person"  # there is no account of this name
    DIFFERS_HERE = "differs-here"  # same revisions, but other tags or trash; ours stay


@dataclass(frozen=True)
class Notice:
    """One remark for the report; message is a sentence."""

    code: Code
    message: str


@dataclass(frozen=True)
class State:
    """One revision as a file tells it.

    body None: this revision existed, its text is not known. visibility None: as the import
    is told. author: a username; "" when nobody is named, None for whoever imports.
    sha256: set where the file has one.
    """

    number: int
    title: str
    body: str | None
    ref: str
    type: str
    tags: tuple[str, ...]
    created: datetime
    visibility: str | None = None
    author: str | None = None
    author_name: str = ""
    summary: str = ""
    source: str = "import"
    base: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Record:
    """What an archive keeps of a note besides its revisions."""

    owner: str
    tags: tuple[str, ...]
    legacy_pid: int | None
    deleted: datetime | None
    deleted_by: str
    import_key: str | None
    import_sha256: str


@dataclass(frozen=True)
class Item:
    """One note in a file: its states from revision 0 to the head.

    path: where it stands, as the report shows it. keys: names by which a later import knows
    the note again, best first. is_named_by_title: without a number, title and ref are all
    that names it, also if an earlier file gave it a number. record: set when the file holds
    the whole history of the note, exactly as saved; without it the head is a text that may
    go on changing at its source. An unreadable item has no states and says why in notices.
    """

    path: str
    states: tuple[State, ...] = ()
    pid: int | None = None
    keys: tuple[str, ...] = ()
    is_named_by_title: bool = False
    created: datetime | None = None
    record: Record | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def head(self) -> State:
        return self.states[-1]

    def sha256(self) -> str:
        """Return a hash of what the entry says, by which a change at its source shows."""
        head = self.head
        said = [head.title, head.body, head.ref, list(head.tags), head.created.isoformat()]
        return hashlib.sha256(json.dumps([*said, head.number]).encode()).hexdigest()


class Unreadable(Exception):
    """The whole file cannot be imported; the text says what to change."""


def unreadable(path: str, code: Code, message: str, pid: int | None = None) -> Item:
    """Return an item that only says why it cannot be imported."""
    return Item(path=path, pid=pid, notices=(Notice(code, message),))
