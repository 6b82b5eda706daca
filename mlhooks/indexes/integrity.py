"""Looking for anything about passages and vectors that does not fit the notes.

Notes whose job waits or runs are looked at when it is done. Everything is read some notes at a
time; texts are cut again as they were when they were read, by the tokenizer alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from mlhooks import gateway
from mlhooks.gateway import Head
from mlhooks.indexes import embedder
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.models import EncoderIndex, Job, NoteBlocks, Passage, SplitNote
from mlhooks.models.passage import BOILERPLATE_FROM
from mlhooks.passages import split

# Texts have up to 1 MiB: so many are in memory at once.
AT_A_TIME = 50
REMEDY = "Save it once more."

STRAY = """
    SELECT kept.note, count(*) FROM {table} AS kept
     WHERE NOT EXISTS (SELECT FROM mlhooks_passage AS passage
                        WHERE passage.id = kept.passage AND passage.note = kept.note)
     GROUP BY kept.note ORDER BY kept.note
"""
UNREAD = """
    SELECT passage.note, count(*) FROM mlhooks_passage AS passage
     WHERE passage.note = ANY(%s)
       AND NOT EXISTS (SELECT FROM {table} AS kept WHERE kept.passage = passage.id)
     GROUP BY passage.note ORDER BY passage.note
"""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a note's passages; message is a sentence."""

    check: str
    message: str
    pid: int
    revision: int | None = None


def findings() -> Iterator[Finding]:
    """Look at every passage and vector. Writes nothing. Raises NoSuchModel."""
    for index in EncoderIndex.objects.order_by("pk"):
        yield from _stray_vectors(index)
    yield from _passages_of_no_note()
    active = EncoderIndex.objects.active()
    for pids in gateway.pids_in_order(gateway.live(), AT_A_TIME):
        asked = Job.objects.unfinished().filter(kind=EMBED_NOTE, key__in=[str(pid) for pid in pids])
        settled = set(pids).difference(map(int, asked.values_list("key", flat=True)))
        if active is not None:
            yield from _unread_passages(active, settled)
        yield from _misplaced(settled)


def count() -> int:
    """Return how many passages there are."""
    return Passage.objects.count()


def _stray_vectors(index: EncoderIndex) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(STRAY.format(table=index.table))
        for pid, number in cursor.fetchall():
            message = f"Index {index.pk} has vectors of no passage of note {pid}: {number} of them."
            yield Finding("vector_of_no_passage", message, pid)


def _passages_of_no_note() -> Iterator[Finding]:
    gone = Passage.objects.exclude(note__in=gateway.live().values("pid"))
    counted = gone.values_list("note").annotate(number=Count("pk")).order_by("note")
    for pid, number in counted:
        message = f"Note {pid} is gone, and passages of it are not: {number} of them."
        yield Finding("passage_of_no_note", message, pid)


def _unread_passages(index: EncoderIndex, pids: set[int]) -> Iterator[Finding]:
    """Find the passages that an index lacks although their note is current."""
    current = pids - gateway.missing_from(index, pids)
    with connection.cursor() as cursor:
        cursor.execute(UNREAD.format(table=index.table), [list(current)])
        for pid, number in cursor.fetchall():
            message = f"Note {pid} has passages without a vector: {number} of them. {REMEDY}"
            yield Finding("passage_unread", message, pid)


def _misplaced(pids: set[int]) -> Iterator[Finding]:
    """Compare the passages of notes with their texts, where they were cut from these."""
    cut = dict(
        SplitNote.objects.filter(note__in=pids, splitter=split.SPLITTER_VERSION).values_list(
            "note", "revision"
        )
    )
    found = gateway.heads(cut).values()
    heads = [head for head in found if head.number == cut[head.pid]]
    rows: dict[int, list[Passage]] = defaultdict(list)
    for row in Passage.objects.filter(note__in=[head.pid for head in heads]).order_by("start"):
        rows[row.note].append(row)
    blocks = {head.pid: split.block_keys(head.body) for head in heads}
    keys = {key for found in blocks.values() for key in found}
    having = NoteBlocks.objects.having(keys, BOILERPLATE_FROM)
    boilerplate = {key for key, pids in having.items() if len(pids) >= BOILERPLATE_FROM}
    for head in heads:
        wrong = _wrong(head, rows[head.pid], boilerplate)
        if wrong is not None:
            yield wrong


def _wrong(head: Head, rows: Sequence[Passage], boilerplate: set[int]) -> Finding | None:
    places = [(row.start, row.end) for row in rows]
    ends = [0, *(end for _, end in places)]
    if any(not before <= start <= end for before, (start, end) in zip(ends, places, strict=False)):
        what, check = "that overlap", "passage_place"
    elif ends[-1] > len(head.body):
        what, check = "beyond the end of its text", "passage_place"
    else:
        fresh = split.split(
            head.title,
            head.body,
            embedder.count_pieces,
            earlier=split.Earlier(head.body, places),
            boilerplate=boilerplate,
        )
        same = [(p.start, p.end, p.heading, p.is_code, p.sha256) for p in fresh]
        if same == [(r.start, r.end, r.heading, r.is_code, r.sha256) for r in rows]:
            return None
        what, check = "that are not what its text says", "passage_text"
    message = f"Note {head.pid} has passages {what}. {REMEDY}"
    return Finding(check, message, head.pid, head.number)
