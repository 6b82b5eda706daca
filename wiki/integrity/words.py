"""The full-text index must be what analysing each head gives."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.db import connection

from wiki.analysis.terms import analyse
from wiki.extensions import Problem
from wiki.models import Note, NoteWords, index_rebuild, search_index
from wiki.models.visibility import Visibility

POSTINGS = "SELECT note_id, term, tf, length, audience FROM wiki_posting WHERE note_id = ANY(%s)"
REMEDY = "Run `python manage.py migrate`: it indexes what is missing."


def problems_of(notes: Sequence[Note]) -> Iterator[Problem]:
    """Analyse these sound heads afresh, a few milliseconds each, and compare. Two queries."""
    pids = [note.pid for note in notes]
    rows = NoteWords.objects.filter(note__in=pids).values_list("note_id", "length", "shown")
    words = {pid: (length, shown) for pid, length, shown in rows}
    found: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(POSTINGS, [pids])
        for pid, *row in cursor.fetchall():
            found[pid].add(tuple(row))
    for note in notes:
        wanted, text = _wanted(note)
        if text is not None and note.pid not in words:
            yield Problem("index_missing", f"Note {note.pid} cannot be found. {REMEDY}", note.pid)
        elif wanted != found[note.pid] or text != words.get(note.pid):
            message = f"Note {note.pid} is found by other words than it has. Save it once more."
            yield Problem("index", message, note.pid)


def version_problem() -> Problem | None:
    """Say if the index was made in another way: then none of its rows need fit."""
    if not index_rebuild.is_of_another_analysis():
        return None
    message = f"The full-text index was made by another version or language. {REMEDY}"
    return Problem("index_version", message)


def _wanted(note: Note) -> tuple[set[tuple[int, ...]], tuple[int, str | None] | None]:
    """Return the postings the note should have, and what is kept of its text.

    That is its length, and itself where a part is hidden; None for a note in the trash.
    """
    if note.deleted is not None or note.head is None:
        return set(), None
    analysis = analyse(note.head.title, note.head.body or "")
    is_public = note.head.visibility == Visibility.PUBLIC
    reader = search_index.EVERYONE if is_public else note.owner_id
    rows: set[tuple[int, ...]] = {
        (term, tf, analysis.length, reader) for term, tf in analysis.terms.items()
    }
    return rows, (analysis.length, analysis.shown)
