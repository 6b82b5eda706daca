"""What is derived from a note's head must fit it: columns, tags, links, cached HTML."""

import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Subquery

from wiki.extensions import Problem
from wiki.integrity import words
from wiki.markup import Rendered, link_key
from wiki.models import Link, Note, NoteHtml, NoteTag, Revision, TagChange
from wiki.rendering import sandbox

# Texts have up to 1 MiB: so many are in memory at once.
CHUNK = 50

# What tag changes did to each note, in the order of time.
STEPS = """
    SELECT step.key::bigint, jsonb_build_object(step.key, step.value)::text
      FROM wiki_tagchange CROSS JOIN LATERAL jsonb_each(steps) AS step
     ORDER BY 1, id
"""


def problems() -> Generator[Problem, None, None]:
    """Look at every note once; what is derived, only where the head itself is sound.

    Renders every head afresh, some milliseconds each. The caller holds a transaction.
    """
    revisions = Revision._base_manager.filter(note=OuterRef("pid")).order_by("-number")
    newest = Subquery(revisions.values("number")[:1])
    notes = Note._base_manager.select_related("head").annotate(newest=newest).order_by("pid")
    chunks = notes.iterator(chunk_size=CHUNK)
    version = words.version_problem()
    yield from filter(None, [version])
    with closing(_TagChanges()) as changes:
        while chunk := list(islice(chunks, CHUNK)):
            found = [_head_problem(note) for note in chunk]
            yield from filter(None, found)
            sound = [note for note, wrong in zip(chunk, found, strict=True) if not wrong]
            sound = list(filter(_has_head_as_saved, sound))
            yield from filter(None, map(_column_problem, sound))
            yield from _tag_problems(sound, changes)
            yield from _text_problems(sound)
            if version is None:
                yield from words.problems_of(sound)


def _head_problem(note: Any) -> Problem | None:
    """Say what is wrong with the head itself; note.newest is the highest revision's number."""
    head = note.head
    if head is None:
        return Problem("head_missing", f"Note {note.pid} has no head, so it has no text.", note.pid)
    if head.note_id != note.pid:
        return Problem(
            "head_foreign",
            f"The head of note {note.pid} is a revision of note {head.note_id}.",
            note.pid,
        )
    if head.number != note.newest:
        return Problem(
            "head_not_newest",
            f"The head of note {note.pid} is revision {head.number}, its last is {note.newest}.",
            note.pid,
            head.number,
        )
    return None


def _has_head_as_saved(note: Note) -> bool:
    return note.head_revision.sha256 == note.head_revision.digest()


def _column_problem(note: Note) -> Problem | None:
    head = note.head_revision
    said = {
        "title": head.title,
        "title_key": link_key(head.title),
        "ref": head.ref,
        "type": head.type,
        "visibility": head.visibility,
        "modified": _placed(note, head),
    }
    differing = [name for name, value in said.items() if getattr(note, name) != value]
    if not differing:
        return None
    return _problem("note_columns", note, f"does not repeat its head's {', '.join(differing)}")


def _placed(note: Note, head: Revision) -> datetime:
    """Return what `modified` has to be: of an import that was dated ahead, when it came."""
    was_ahead = head.source == Revision.Source.IMPORT and note.modified < head.created
    return note.modified if was_ahead else head.created


class _TagChanges:
    """The tag changes, each cut down to its step on one note; read along with the notes."""

    def __init__(self) -> None:
        self._by_note = self._read()
        self._next = next(self._by_note, None)

    def of(self, pid: int) -> Sequence[TagChange]:
        """Return the changes on a note; asked for in the order of pid."""
        while self._next is not None and self._next[0] < pid:
            self._next = next(self._by_note, None)
        return self._next[1] if self._next is not None and self._next[0] == pid else ()

    def close(self) -> None:
        """Stop reading."""
        self._by_note.close()

    def _read(self) -> Generator[tuple[int, list[TagChange]], None, None]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(STEPS)
            for pid, rows in groupby(cursor, key=itemgetter(0)):
                yield pid, [TagChange(steps=json.loads(steps)) for _, steps in rows]


def _tag_problems(notes: Sequence[Note], changes: _TagChanges) -> Iterator[Problem]:
    rows = NoteTag._base_manager.filter(content_object__in=notes)
    shown = _grouped(rows.values_list("content_object_id", "tag__slug"))
    for note in notes:
        should = TagChange.replayed(note, changes.of(note.pid))
        if shown[note.pid] != should:
            yield _problem("tags", note, _difference("tags", shown[note.pid], should))


def _text_problems(notes: Sequence[Note]) -> Iterator[Problem]:
    """Compare links and cached HTML with what rendering the head gives now."""
    links = _grouped(Link._base_manager.filter(note__in=notes).values_list("note_id", "key"))
    rows = NoteHtml._base_manager.select_related("revision").in_bulk([note.pid for note in notes])
    for note in notes:
        fresh = sandbox.render(note.head_revision.body or "")
        row = rows.get(note.pid)
        # A text at the limit of time is set on one day and shown as typed on another.
        if {fresh.notice, _notice(row)} & sandbox.TRANSIENT_NOTICES:
            continue
        keys = fresh.link_keys(note.folder)
        if links[note.pid] != keys:
            difference = _difference("links", links[note.pid], keys)
            yield _problem("links", note, difference)
        if row is not None and _is_wrong(row, note, fresh):
            yield _problem("html", note, "is shown with HTML that is not made from its head")


def _is_wrong(row: NoteHtml, note: Note, fresh: Rendered) -> bool:
    """Tell whether cached HTML is, or would be taken for, what the head does not say."""
    if row.revision.note_id != note.pid:
        return True
    # Of an older revision or renderer: nobody is shown that.
    if not row.is_current(note):
        return False
    return bool(row.rendered != json.loads(json.dumps(fresh.as_json())))


def _notice(row: NoteHtml | None) -> str:
    return row.rendered.get("notice", "") if row and isinstance(row.rendered, dict) else ""


def _grouped(pairs: Iterable[tuple[int, str]]) -> defaultdict[int, set[str]]:
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for key, value in pairs:
        groups[key].add(value)
    return groups


def _difference(what: str, have: set[str], should: set[str]) -> str:
    missing, surplus = sorted(should - have), sorted(have - should)
    parts = [f"lacks the {what} {', '.join(missing)}"] if missing else []
    parts += [f"has the {what} {', '.join(map(str, surplus))} too many"] if surplus else []
    return " and ".join(parts)


def _problem(check: str, note: Note, what: str) -> Problem:
    return Problem(check, f"Note {note.pid} {what}.", note.pid, note.head_revision.number)
