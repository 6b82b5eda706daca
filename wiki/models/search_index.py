"""Keeping the full-text index: the rows of a note are made from its head, in its transaction.

No counter is kept beside them: two savers of different notes never touch the same row, so
they cannot wait for each other. What ranking needs to count, it counts when it is asked.
"""

from collections.abc import Sequence

from django.db import connection

from wiki.analysis.terms import Analysis
from wiki.models.note_row import NoteRow
from wiki.models.visibility import Visibility

EVERYONE = 0
POSTINGS = "COPY wiki_posting (note_id, term, audience, tf, length) FROM STDIN"
WORDS = "COPY wiki_notewords (note_id, audience, length, words, shown) FROM STDIN"


def audience(note: NoteRow) -> int:
    """Return whom a reader has to be to find the note: EVERYONE, or the number of its owner.

    A superuser is both.
    """
    return EVERYONE if note.visibility == Visibility.PUBLIC else note.owner_id


def index(note: NoteRow, analysis: Analysis) -> None:
    """Make these the words of the note; one in the trash has none. The caller holds its row."""
    remove(note)
    if note.deleted is None:
        index_many([(note, analysis)])


def readdress(pids: Sequence[int]) -> None:
    """Let those find these notes who may read them by now. The caller holds their rows."""
    with connection.cursor() as cursor:
        for table in ("wiki_posting", "wiki_notewords"):
            cursor.execute(
                f"UPDATE {table} AS found SET audience ="
                " CASE WHEN note.visibility = %s THEN %s ELSE note.owner_id END"
                " FROM wiki_note AS note"
                " WHERE note.pid = found.note_id AND found.note_id = ANY(%s)",
                [Visibility.PUBLIC, EVERYONE, list(pids)],
            )


def remove(note: NoteRow) -> None:
    """Let nobody find the note. The caller holds the note row."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM wiki_posting WHERE note_id = %s", [note.pid])
        cursor.execute("DELETE FROM wiki_notewords WHERE note_id = %s", [note.pid])


def index_many(analysed: Sequence[tuple[NoteRow, Analysis]]) -> None:
    """Write the rows of notes that have none yet, in a transaction of the caller."""
    with connection.cursor() as cursor:
        with cursor.copy(POSTINGS) as rows:
            for note, analysis in analysed:
                # In the order of the index, whose pages are then written once. As text and not
                # by write_row, which takes four times as long.
                kept = f"{audience(note)}\t%d\t{analysis.length}\n"
                lines = [
                    f"{note.pid}\t{term}\t{kept % tf}"
                    for term, tf in sorted(analysis.terms.items())
                ]
                rows.write("".join(lines))
        with cursor.copy(WORDS) as rows:
            for note, analysis in analysed:
                row = (note.pid, audience(note), analysis.length, analysis.vector, analysis.shown)
                rows.write_row(row)
