"""What an importer reads out of a file: items, their states, and notices about them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any


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
    FAULT = "fault"  # a mistake in this program; the log says more
    PUBLIC_HERE = "public-here"  # everyone may read the note, and the entry is for its owner alone
    TOO_LONG = "too-long"  # the text is longer than a note's may be
    NOT_FOLLOWED = "not-followed"  # a symbolic link: what it leads to may be anything
    NOT_READ = "not-read"  # the system does not let the file be read
    # What to know about an imported one.
    EARLIER_UNKNOWN = "earlier-unknown"  # there were earlier revisions; the file lacks their texts
    TOO_MANY_REVISIONS = "too-many-revisions"  # the file names more earlier ones than it can have
    FORMULA_UNCLEAR = "formula-unclear"  # looks like TeX, but where it begins and ends is unclear
    TITLE_MADE = "title-made"  # the entry has no line that can be its title
    LIST_LEVEL = "list-level"  # a bullet stood deeper than the list around it allows
    LEFT_OUT = "left-out"  # lines that belong to the page and not to an entry
    MERGED = "merged"  # the note had been edited here; both changes were joined
    PID_TAKEN = "pid-taken"  # another note has this number; kept as legacy number if that is free
    PID_TOO_HIGH = "pid-too-high"  # no note here has so high a number; kept like one that is taken
    UNKNOWN_PERSON = "unknown-person"  # there is no account of this name
    DIFFERS_HERE = "differs-here"  # same revisions, but other tags or trash; ours stay
    FRONT_MATTER = "front-matter"  # it cannot be read as YAML, TOML or JSON; it stays in the text
    DATE_UNCLEAR = "date-unclear"  # a date in the front matter that names no day
    ENCODING = "encoding"  # not UTF-8: read as another encoding, which may be a wrong guess
    NO_TEXT = "no-text"  # a sign that no text can hold was replaced
    LINE_ENDS = "line-ends"  # line ends became those of all notes
    TAG_JOINED = "tag-joined"  # a tag with spaces: its words were joined by _
    TAG_CUT = "tag-cut"  # a tag was too long, or there were too many
    SAME_TITLE = "same-title"  # another note has the title, and links lead to the older one
    SAME_FILE = "same-file"  # another file's path differs only in upper and lower case
    TOO_COMPLEX = "too-complex"  # the text could not be looked at in time, so links are missing
    KEPT_PRIVATE = "kept-private"  # the file says it is not to be published
    ATTACHMENT_MISSING = "attachment-missing"  # the text names a file that is not there
    ATTACHMENT_REFUSED = "attachment-refused"  # the file is not of a kind that notes can have
    ATTACHMENT_ALTERED = "attachment-altered"  # an SVG is shown without what runs, or not at all
    # About what is no note.
    FILE_UNUSED = "file-unused"  # no note names this file, so it was left behind
    FOLDER_LEFT_OUT = "folder-left-out"  # a folder of the tool that wrote the notes, or hidden
    HISTORY_UNREAD = "history-unread"  # git could not tell when the files were written


# The highest number a note may bring along: new notes are numbered after it, for ever.
MAX_PID = 2**31 - 1


@dataclass(frozen=True)
class Options:
    """What whoever imports may say about how a source is read.

    name: what later imports know the source by; "": what its folder or file is called.
    folder_tags: the folders a note is in become tags. may_publish: a note is public where the
    source says so of it. has_history: git may be asked for the dates of files. keeps_numbers:
    notes keep the numbers they have in the source; else these only name them for later imports.
    """

    name: str = ""
    folder_tags: bool = False
    may_publish: bool = True
    has_history: bool = True
    keeps_numbers: bool = True


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
    sha256: set where the file has one. files: the numbers of the files it shows, by what its
    text calls them; None where nobody says.
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
    files: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Attached:
    """A file that an archive keeps with a note; path is where its bytes are."""

    key: str
    name: str
    number: int
    sha256: str
    created: datetime
    path: Path
    uploader: str = ""
    removed: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """Return what is left of one that was removed."""
        names = ("key", "name", "number", "sha256", "created", "removed")
        return {name: getattr(self, name) for name in names}


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
    attachments: tuple[Attached, ...] = ()


@dataclass(frozen=True)
class Item:
    """One note in a file: its states from revision 0 to the head.

    path: where it stands, as the report shows it. keys: names by which a later import knows
    the note again, best first. is_named_by_title: without a number, title and ref are all
    that names it, also if an earlier file gave it a number. record: set when the file holds
    the whole history of the note, exactly as saved; without it the head is a text that may
    go on changing at its source. An unreadable item has no states and says why in notices;
    is_left_out tells that nobody would expect it to come.

    What files of other tools have besides: fingerprint, a hash of what the file says, where
    the states hold more than that (dates that only the disk knows). extra: see Note.
    names: further names for links, by key, each with its kind. folder: that of the file, at
    which its relative links start. has_hashtags: `#words` in
    the text are tags as well. find_file: where the file lies that the text calls so.
    """

    path: str
    states: tuple[State, ...] = ()
    pid: int | None = None
    keys: tuple[str, ...] = ()
    is_named_by_title: bool = False
    created: datetime | None = None
    record: Record | None = None
    notices: tuple[Notice, ...] = ()
    is_left_out: bool = False
    fingerprint: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    has_hashtags: bool = False
    find_file: Callable[[str], Path | None] | None = None

    @property
    def head(self) -> State:
        return self.states[-1]

    def sha256(self) -> str:
        """Return a hash of what the entry says, by which a change at its source shows."""
        if self.fingerprint:
            return self.fingerprint
        head = self.head
        said = [head.title, head.body, head.ref, list(head.tags), head.created.isoformat()]
        return hashlib.sha256(json.dumps([*said, head.number]).encode()).hexdigest()


@dataclass(frozen=True)
class Remark:
    """A line of the report about something that is no note: a file nobody uses, a folder."""

    path: str
    notice: Notice


class Unreadable(Exception):
    """The whole file cannot be imported; the text says what to change."""


def unreadable(path: str, code: Code, message: str, pid: int | None = None) -> Item:
    """Return an item that only says why it cannot be imported."""
    return Item(path=path, pid=pid, notices=(Notice(code, message),))
