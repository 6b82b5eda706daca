"""How far an index is: what people are shown, and what `reembed` prints."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from mlhooks import gateway
from mlhooks.embeddings import registry
from mlhooks.jobs.kinds import BUILD_INDEX
from mlhooks.models import ActiveIndex, EncoderIndex, Job, UnreadNote
from mlhooks.passages.split import MAX_PIECES
from wiki.reader import Reader

# kind of the job that builds an index; its key is the name of the encoder
REASONS_SHOWN = 20

# Passages of notes that could not be read, as far as these were cut.
UNREAD_PASSAGES = """
    SELECT count(*) FROM mlhooks_passage AS passage
      JOIN mlhooks_unreadnote AS unread ON unread.note = passage.note AND unread.index_id = %s
     WHERE NOT EXISTS (SELECT FROM {table} AS kept WHERE kept.passage = passage.id)
"""


@dataclass(frozen=True)
class IndexProgress:
    """An index and what it holds.

    job: the last one that built it. current, failed: of all `total` notes, those whose newest
    revision it holds, and those it could not read. size: in bytes.
    """

    index: EncoderIndex
    job: Job | None
    is_active: bool
    is_before: bool
    total: int
    current: int
    failed: int
    passages: int
    size: int

    @property
    def is_worked_on(self) -> bool:
        """Whether a job builds it, or waits to."""
        return self.job is not None and not self.job.is_finished

    @property
    def missing(self) -> int:
        """Return how many notes it does not hold as they are now."""
        return self.total - self.current

    @property
    def state(self) -> str:
        """Return "queued", "building", "ready", "failed" or "stopped"."""
        if self.job is not None and not self.job.is_finished:
            begun = self.job.state == Job.State.RUNNING or self.passages
            return "building" if begun else "queued"
        if self.index.state == EncoderIndex.State.READY:
            return "ready"
        return "failed" if self.job and self.job.state == Job.State.FAILED else "stopped"

    @property
    def shortcoming(self) -> str:
        """Return what the encoder passes over, as a sentence, or ""."""
        return falls_short(self.index.longest)

    @property
    def language(self) -> str:
        """Return which language the encoder reads; "" where that is not known here."""
        return registry.language(self.index.encoder)

    def unread(self, reader: Reader) -> list[UnreadNote]:
        """Return why notes could not be read that reader may read, the first REASONS_SHOWN."""
        return gateway.failed_notes(self.index, REASONS_SHOWN, reader) if self.failed else []

    def as_json(self, embedded: int, seconds: float) -> dict[str, Any]:
        """Return the object that `reembed` prints; embedded: how many passages were, just now."""
        with connection.cursor() as cursor:
            cursor.execute(UNREAD_PASSAGES.format(table=self.index.table), [self.index.pk])
            (failed,) = cursor.fetchone()
        return {
            "index": self.index.pk,
            "encoder": self.index.encoder,
            "dimensions": self.index.dimensions,
            "state": self.state,
            "notes": {"total": self.total, "current": self.current, "failed": self.failed},
            "passages": {
                "total": self.passages,
                "embedded": embedded,
                "reused": max(0, self.passages - embedded),
                "failed": failed,
            },
            "seconds": round(seconds, 1),
        }


def progress_of(index: EncoderIndex) -> IndexProgress:
    """Find out how far an index is; counts its passages."""
    answering = ActiveIndex.objects.first()
    built = Job.objects.filter(kind=BUILD_INDEX, key=index.encoder).order_by("-pk")
    # Of two with one name the job is about the newer one.
    is_newest = not EncoderIndex.objects.filter(encoder=index.encoder, pk__gt=index.pk).exists()
    return IndexProgress(
        index=index,
        job=built.first() if is_newest else None,
        is_active=answering is not None and answering.index_id == index.pk,
        is_before=answering is not None and answering.before_id == index.pk,
        total=gateway.count(),
        current=gateway.count_current(index),
        failed=gateway.count_failed(index),
        passages=index.count_passages(),
        size=index.bytes_on_disk(),
    )


def falls_short(longest: int | None) -> str:
    """Return what an encoder that reads so many tokens passes over, as a sentence, or ""."""
    if longest is None or longest >= MAX_PIECES:
        return ""
    return f"It reads at most {longest} tokens of a passage."
