"""How current the index is: what it holds of one note, and of how many."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import connection
from django.db.models import Min
from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.gateway import Note
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.models import EncoderIndex, Job, Queue, Worker
from mlhooks.models.worker import ALIVE_S

REMEMBERED, REMEMBERED_S = "mlhooks:coverage", 10

OF_NOTE = """
    SELECT indexed.revision, indexed.indexed_at, indexed.is_whole, job.state,
           CASE WHEN job.error <> '' THEN job.error ELSE unread.reason END, unread.revision,
           background.seen_at,
           coalesce(background.seen_at > statement_timestamp() - %(alive)s * interval '1 s', false)
      FROM (SELECT max(seen_at) AS seen_at FROM mlhooks_worker WHERE queues ? %(queue)s)
        AS background
      LEFT JOIN mlhooks_indexednote AS indexed
        ON indexed.note = %(note)s AND indexed.index_id = %(index)s
      LEFT JOIN mlhooks_unreadnote AS unread
        ON unread.note = %(note)s AND unread.index_id = %(index)s
      LEFT JOIN LATERAL (
          SELECT state, error FROM mlhooks_job
           WHERE kind = %(kind)s AND key = %(key)s ORDER BY id DESC LIMIT 1
      ) AS job ON true
"""


@dataclass(frozen=True)
class NoteStatus:
    """What the active index holds of a note, and what comes next.

    head: the number of the revision it should hold; revision: of the one that it holds, if any,
    is_whole: all of it. job_state: of the last job that was to read it; error: why that one, or
    the reading of revision `unread`, failed. heard_at: when a worker that reads notes was last
    heard of, if ever.
    """

    head: int
    revision: int | None
    indexed_at: datetime | None
    is_whole: bool | None
    job_state: str | None
    error: str | None
    unread: int | None
    heard_at: datetime | None
    is_worker_there: bool

    @property
    def state(self) -> str:
        """Return "current", "reading", "failed", "away" or "queued"."""
        if self.revision == self.head and self.is_whole:
            return "current"
        if self.has_failed:
            return "failed"
        if not self.is_worker_there:
            return "away"
        return "reading" if self.job_state == Job.State.RUNNING else "queued"

    @property
    def has_failed(self) -> bool:
        """Whether it could not be read, and nobody has asked for it again since."""
        return not self.is_asked_for and (
            self.job_state == Job.State.FAILED or self.unread == self.head
        )

    @property
    def is_asked_for(self) -> bool:
        """Whether a job waits or runs; if none does, one is asked for within a minute."""
        return self.job_state in Job.UNFINISHED


@dataclass(frozen=True)
class Coverage:
    """Of how many notes the active index holds what they say now.

    unread: which of the others could not be read. is_worker_there: whether anybody reads; not
    asked where there is nothing to read.
    """

    total: int
    current: int
    unread: frozenset[int] = frozenset()
    is_worker_there: bool = True

    def __str__(self) -> str:
        return f"{self.current:,} of {self.total:,}"

    @property
    def state(self) -> str:
        """Return "current", "failed", "away" or "queued"."""
        if self.current == self.total:
            return "current"
        if self.unread:
            return "failed"
        return "queued" if self.is_worker_there else "away"

    @property
    def share(self) -> float:
        """Return 0 to 1, and 1 only if every note is current."""
        share = self.current / self.total if self.total else 1.0
        return share if share == 1 else min(round(share, 4), 0.9999)


def of_note(note: Note) -> NoteStatus:
    """Return the status of a note, which comes with its head. One query."""
    index = EncoderIndex.objects.remembered_active()
    values = {
        "note": note.pid,
        "index": None if index is None else index.pk,
        "kind": EMBED_NOTE,
        "key": str(note.pid),
        "queue": Queue.BACKGROUND.value,
        "alive": ALIVE_S,
    }
    with connection.cursor() as cursor:
        cursor.execute(OF_NOTE, values)
        return NoteStatus(note.head_revision.number, *cursor.fetchone())


def share() -> float:
    """Return of which part of all notes the index is current. One query, and one for the index."""
    found: Coverage | None = cache.get(REMEMBERED)
    if found is None:
        found = Coverage(*gateway.coverage(EncoderIndex.objects.remembered_active()))
    return found.share


def coverage() -> Coverage:
    """Return how much is indexed, as it was REMEMBERED_S seconds ago at most."""
    found: Coverage | None = cache.get(REMEMBERED)
    if found is None:
        found = count()
        cache.set(REMEMBERED, found, REMEMBERED_S)
    return found


def count() -> Coverage:
    """Count how much is indexed now: one query, and a few where something lacks."""
    total, current = gateway.coverage(EncoderIndex.objects.remembered_active())
    if current == total:
        return Coverage(total, current)
    is_worker_there = Worker.objects.serving(Queue.BACKGROUND).exists()
    return Coverage(total, current, frozenset(unread()), is_worker_there)


def backlog_age_s() -> float:
    """Return for how long the job waits that has been due for longest; 0 if none is."""
    due = Job.objects.filter(state=Job.State.WAITING, run_after__lte=Now())
    oldest = due.aggregate(age=Now() - Min("run_after"))["age"]
    return round(oldest.total_seconds(), 1) if oldest else 0.0


def unread() -> set[int]:
    """Return the numbers of the notes that could not be read, and are not current still."""
    index = EncoderIndex.objects.remembered_active()
    failed = Job.objects.failed_for_good().filter(kind=EMBED_NOTE)
    pids = {int(key) for key in failed.values_list("key", flat=True)}
    if index is not None:
        pids.update(index.unread.values_list("note", flat=True))
    asked = Job.objects.unfinished().filter(kind=EMBED_NOTE, key__in=map(str, pids))
    pids.difference_update(map(int, asked.values_list("key", flat=True)))
    return gateway.missing_from(index, pids) if pids else set()
