"""What was read of notes into an index, and what is gone out of it.

In a transaction that holds the notes' rows, so that nothing is stored of a text that is not the
note's any more.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models.functions import Now

from mlhooks import gateway, jobs
from mlhooks.gateway import Head
from mlhooks.indexes.boilerplate import note_blocks
from mlhooks.indexes.requests import request
from mlhooks.models import EncoderIndex, IndexedNote, Passage, SplitNote, UnreadNote
from mlhooks.passages import split

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Read

STORE = "COPY {table} (passage, note, vector, sentences) FROM STDIN"


@dataclass
class Stored:
    """What indexing did: notes that are current now, that are gone, and that were saved meanwhile.

    passages: embedded now, and those whose vector was there already.
    """

    current: int = 0
    gone: int = 0
    overtaken: int = 0
    embedded: int = 0
    reused: int = 0

    def add(self, other: "Stored") -> None:
        """Count what was done in another step."""
        self.current += other.current
        self.gone += other.gone
        self.overtaken += other.overtaken
        self.embedded += other.embedded
        self.reused += other.reused


@dataclass
class NotePassages:
    """A note's head in passages, and which of them an index has (by sha256)."""

    head: Head
    passages: Sequence[split.Passage]
    have: frozenset[str]
    read: dict[str, "Read"] = field(default_factory=dict)


@transaction.atomic
def store(index: EncoderIndex, cuts: Sequence[NotePassages]) -> Stored:
    """Make these the passages of their notes, and write the vectors that the index lacks.

    Holds the notes' rows. Raises Transient where another worker has cut one of them meanwhile.
    """
    done = Stored()
    current = _hold_current(cuts, done)
    indexes = EncoderIndex.objects.held()
    if index not in indexes:
        raise EncoderIndex.DoesNotExist(f"{index} was dropped.")
    rows, anew = _store_passages(current, indexes)
    _mark_incomplete(index, anew)
    done.current = len(current)
    done.embedded = _store_vectors(index, rows)
    done.reused = len(rows) - done.embedded
    _record_indexed(index, current)
    UnreadNote.objects.filter(index=index, note__in=[one.head.pid for one in current]).delete()
    return done


def _hold_current(cuts: Sequence[NotePassages], done: Stored) -> list[NotePassages]:
    """Hold the notes' rows; return those whose head is still the one that was split.

    Counts the others in done.
    """
    numbers = gateway.hold([one.head.pid for one in cuts])
    current = []
    for one in cuts:
        number = numbers.get(one.head.pid)
        if number is None:
            # Whoever removed it meanwhile has requested the job that forgets it.
            done.gone += 1
        elif number != one.head.number:
            done.overtaken += 1
        else:
            current.append(one)
    return current


def _record_indexed(index: EncoderIndex, current: Sequence[NotePassages]) -> None:
    IndexedNote.objects.bulk_create(
        [
            IndexedNote(
                index=index,
                note=one.head.pid,
                revision=one.head.number,
                is_whole=True,
                indexed_at=Now(),
            )
            for one in current
        ],
        update_conflicts=True,
        unique_fields=["note", "index"],
        update_fields=["revision", "is_whole", "indexed_at"],
    )


def forget(pid: int) -> None:
    """Let nobody find a note by meaning any more, in the caller's transaction.

    A worker forgets the rest: other notes may have to be cut again.
    """
    with connection.cursor() as cursor:
        for index in EncoderIndex.objects.held():
            cursor.execute(f"DELETE FROM {index.table} WHERE note = %s", [pid])
    for model in (Passage, SplitNote, IndexedNote, UnreadNote):
        model.objects.filter(note=pid).delete()


@transaction.atomic
def forget_gone(pid: int) -> None:
    """Forget a note that is in the trash or gone, unless it has just come back."""
    if pid not in gateway.hold([pid]):
        forget(pid)
        note_blocks({pid: set()})


def invalidate_earlier_splits() -> None:
    """Let no index count as whole what an earlier splitter has cut, so that it is read anew."""
    earlier = SplitNote.objects.exclude(splitter=split.SPLITTER_VERSION)
    held = IndexedNote.objects.filter(note__in=earlier.values("note"), is_whole=True)
    held.update(is_whole=False)


def vector_literal(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it."""
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"


def _store_passages(
    cuts: Sequence[NotePassages], indexes: Sequence[EncoderIndex]
) -> tuple[list[tuple[Passage, "Read | None"]], set[int]]:
    """Make these the passages of the notes, keeping the rows of equal ones.

    indexes: all there are, held. Returns all rows, each with its embedding if it was just made,
    and the notes of which some are new.
    """
    pids = [one.head.pid for one in cuts]
    rows: dict[tuple[int, str], list[Passage]] = defaultdict(list)
    for row in Passage.objects.filter(note__in=pids).order_by("-start"):
        rows[row.note, row.sha256].append(row)
    kept: list[Passage] = []
    new: list[Passage] = []
    placed: list[tuple[Passage, Read | None]] = []
    for one in cuts:
        for passage in one.passages:
            same = rows[one.head.pid, passage.sha256]
            row = same.pop() if same else Passage(note=one.head.pid, sha256=passage.sha256)
            is_moved = (row.start, row.end) != (passage.start, passage.end)
            row.start, row.end = passage.start, passage.end
            row.heading, row.is_code = passage.heading, passage.is_code
            placed.append((row, one.read.get(passage.sha256)))
            if row.pk is None:
                new.append(row)
            elif is_moved:
                kept.append(row)
    _delete_passages([row.pk for same in rows.values() for row in same], indexes)
    if kept:
        Passage.objects.bulk_update(kept, ["start", "end", "heading", "is_code"])
    Passage.objects.bulk_create(new)
    SplitNote.objects.bulk_create(
        [
            SplitNote(note=one.head.pid, revision=one.head.number, splitter=split.SPLITTER_VERSION)
            for one in cuts
        ],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["revision", "splitter"],
    )
    return placed, {row.note for row in new}


def _delete_passages(pks: list[int], indexes: Sequence[EncoderIndex]) -> None:
    if pks:
        Passage.objects.filter(pk__in=pks).delete()
        with connection.cursor() as cursor:
            for index in indexes:
                cursor.execute(f"DELETE FROM {index.table} WHERE passage = ANY(%s)", [pks])


def _mark_incomplete(index: EncoderIndex, pids: Collection[int]) -> None:
    """Note that the other indexes lack new passages of notes, though their texts are no others.

    That happens where boilerplate became, or ceased to be, boilerplate.
    """
    missing = IndexedNote.objects.filter(note__in=pids).exclude(index=index)
    answering = missing.filter(index__active__isnull=False)
    request(list(answering.values_list("note", flat=True)))
    missing.update(is_whole=False)


def _store_vectors(index: EncoderIndex, placed: Sequence[tuple[Passage, "Read | None"]]) -> int:
    """Write the vectors of the passages that have none; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT passage FROM {index.table} WHERE passage = ANY(%s)",
            [[row.pk for row, _ in placed]],
        )
        have = {passage for (passage,) in cursor.fetchall()}
        missing = [(row, made) for row, made in placed if row.pk not in have]
        if not missing:
            return 0
        with cursor.copy(STORE.format(table=index.table)) as rows:
            for row, made in missing:
                if made is None:
                    # It was there when the note was cut; another worker took it away.
                    raise jobs.Transient("Another worker has cut this note meanwhile.")
                vector = vector_literal(made.vector.tolist())
                rows.write_row((row.pk, row.note, vector, made.sentences))
    return len(missing)
