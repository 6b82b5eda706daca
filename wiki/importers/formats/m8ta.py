"""m8ta pages: the plain text of a listing as the seed's wiki shows it.

    hide / / print                         (or hide / edit[4] / print, after a line {1163})
    ref: Finch-1998.05 tags: leaves Ada_Moss date: 12-31-1999 23:59 gmt revision:2 [1] [0] [head]

    The title

      • a list
        • that nests

`revision:2` says that revisions 0 and 1 exist; the page does not hold their texts, so they
become placeholders without one. All that is known of their time is that they are not younger
than the head, whose date they carry; they have no title, ref, tags or author. A page names
about as many as wrote it: an entry that goes beyond that begins with revision 0 here.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from django.core.exceptions import ValidationError

from wiki.importers.faults import read_one
from wiki.importers.formats.m8ta_body import read_body
from wiki.importers.item import MAX_PID, Code, Item, Notice, State, Unreadable, unreadable
from wiki.markup import link_key
from wiki.models.tag import parse_tags
from wiki.models.visibility import NoteType

MARKER = re.compile(r"hide / (?:edit\[\d+\])? ?/ print *")
PID_LINE = re.compile(r"\{(\d{1,18})\} *")
NUMBER = re.compile(r" ?(\d{1,9})(?: \[\w+\])* *")
DATE = "%m-%d-%Y %H:%M"
# The notice and the form at the head of a page belong to nobody's note.
FORM = re.compile(r"(m8ta|.*login\..*|text: sort by|tags: modified|type: chronology|) *")
MAX_REVISIONS = 10_000
# Earlier revisions of a whole page: so many, and one more for each so many bytes of it.
MAX_EARLIER, BYTES_PER_EARLIER = 1_000, 100


@dataclass(frozen=True)
class Header:
    """An entry's header line, as typed; number is the head's."""

    ref: str
    tags: str
    date: str
    number: int


@dataclass
class _Entry:
    """The lines of one entry; line is the number of its first, counted from 1."""

    line: int
    pid: int | None
    lines: list[str] = field(default_factory=list)


def recognises(path: Path) -> bool:
    """Tell whether this is such a page: a marker line with a header line after it."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as page:
        lines = [line.rstrip("\n") for line, _ in zip(page, range(2_000), strict=False)]
    return any(
        MARKER.fullmatch(marker) and read_header(header)
        for marker, header in zip(lines, lines[1:], strict=False)
    )


def read(path: Path) -> Iterator[Item]:
    """Yield the page's entries from top to bottom. Raises Unreadable."""
    above, entries = _entries(path)
    if not entries:
        raise Unreadable(
            f"{path} has no entry: no line says `hide / / print`. "
            "Save the page's text as the browser shows it, from its first line on."
        )
    seen: Counter[str] = Counter()
    left = MAX_EARLIER + path.stat().st_size // BYTES_PER_EARLIER
    for entry in entries:
        where = f"{path.name}:{entry.line}"
        item = read_one(where, entry.pid, _item, where, entry, seen, left)
        left -= max(0, len(item.states) - 1)
        yield _with_notices(item, above) if entry is entries[0] else item


def read_header(line: str) -> Header | None:
    """Read `ref: … tags: … date: … gmt revision:N [N-1] … [head]`; None if it is not one."""
    front, _, back = line.rpartition(" gmt revision:")
    said, is_dated, date = front.rpartition("date: ")
    ref, is_tagged, tags = said.partition("tags:")
    number = NUMBER.fullmatch(back)
    if not (line.startswith("ref:") and is_dated and is_tagged and number):
        return None
    return Header(ref.removeprefix("ref:").strip(), tags.strip(), date, int(number[1]))


def last_pid(path: Path) -> int:
    """Return the highest number on the page that a note may keep, or 0. Raises Unreadable."""
    numbers = [entry.pid or 0 for entry in _entries(path)[1]]
    return max((number for number in numbers if number <= MAX_PID), default=0)


def _entries(path: Path) -> tuple[list[Notice], list[_Entry]]:
    """Cut the page at its marker lines; returns also what to say about the lines above."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(
            f"{path} cannot be read as UTF-8 text ({error}). Save the page as a UTF-8 text file."
        ) from error
    entries: list[_Entry] = []
    above = 0
    pid: int | None = None
    for number, line in enumerate(lines, 1):
        follows = next((other for other in lines[number : number + 2] if other.strip()), "")
        if (found := PID_LINE.fullmatch(line)) and MARKER.fullmatch(follows):
            pid = int(found[1])
        elif MARKER.fullmatch(line):
            entries.append(_Entry(number, pid))
            pid = None
        elif entries:
            entries[-1].lines.append(line)
        else:
            above += not FORM.fullmatch(line)
    message = f"Lines above the first entry, which belong to the page and were left out: {above}."
    return [Notice(Code.LEFT_OUT, message)] if above else [], entries


def _item(where: str, entry: _Entry, seen: Counter[str], left: int) -> Item:
    """Read one entry.

    seen: how often a title and ref occurred on the page. left: how many earlier revisions may
    still be named.
    """
    try:
        head, notices = _head(entry)
    except ValidationError as error:
        return unreadable(where, Code.BAD_FIELD, " ".join(error.messages), entry.pid)
    except ValueError as error:
        return unreadable(where, Code.BAD_ENTRY, str(error), entry.pid)
    key = _key(head.ref, head.title, seen)
    about_earlier = _about_earlier(head, left)
    if head.number > left:
        head = replace(head, number=0)
    item = Item(
        path=where,
        states=(*_placeholders(head), head),
        pid=entry.pid,
        is_named_by_title=True,
        keys=(key,) if entry.pid is None else (f"m8ta:{{{entry.pid}}}", key),
        created=head.created,
        notices=notices,
    )
    return _with_notices(item, about_earlier)


def _head(entry: _Entry) -> tuple[State, tuple[Notice, ...]]:
    """Read the revision the entry shows. Raises ValueError, and ValidationError for its tags."""
    header = read_header(entry.lines[0]) if entry.lines else None
    if header is None:
        raise ValueError("The line after `hide / / print` is no header.")
    if header.number > MAX_REVISIONS:
        raise ValueError(f"revision:{header.number} is more than {MAX_REVISIONS:,}.")
    try:
        date = datetime.strptime(header.date, DATE).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{header.date} is no date of the form MM-DD-YYYY HH:MM.") from error
    body = read_body(entry.lines[1:])
    head = State(
        number=header.number,
        title=body.title,
        body=body.markdown,
        ref=header.ref,
        type=NoteType.PAPER if header.ref else NoteType.NOTE,
        tags=tuple(parse_tags(header.tags)),
        created=date,
    )
    return head, body.notices


def _key(ref: str, title: str, seen: Counter[str]) -> str:
    """Name an entry that has no number by what stays when it is edited."""
    said = f"{ref}\n{link_key(title)}"
    seen[said] += 1
    digest = hashlib.sha256(f"{said}\n{seen[said]}".encode()).hexdigest()
    return f"m8ta:{digest}"


def _placeholders(head: State) -> Iterator[State]:
    """Make the revisions before the head: they existed, nothing more is known."""
    for number in range(head.number):
        yield State(
            number=number,
            title="",
            body=None,
            ref="",
            type=head.type,
            tags=(),
            created=head.created,
            author="",
        )


def _about_earlier(head: State, left: int) -> list[Notice]:
    if not head.number:
        return []
    if head.number > left:
        message = (
            f"revision:{head.number} says that there are more earlier revisions than a page of "
            "this size can have, so the note begins with revision 0 here."
        )
        return [Notice(Code.TOO_MANY_REVISIONS, message)]
    message = f"Earlier revisions whose texts are not in the file: {head.number}."
    return [Notice(Code.EARLIER_UNKNOWN, message)]


def _with_notices(item: Item, more: list[Notice]) -> Item:
    return replace(item, notices=(*item.notices, *more))
