"""Which encoders have read the notes, and which one answers searches.

Each encoder has an index of its own: a table of vectors, `passage_vector_<id>`, that is made
with its row and dropped with it. One row names the active index, so changing over to a new
one, and back, is one UPDATE that every search sees at once or not at all.
"""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, models, transaction
from django.db.models.functions import Now

# How long a process remembers which index is active. The old one goes on answering meanwhile.
REMEMBERED_S, REMEMBERED = 2, "mlhooks:active-index"

MAKE = """
    CREATE TABLE {table} (
        passage bigint PRIMARY KEY,
        note bigint NOT NULL,
        vector halfvec({dimensions}) NOT NULL,
        -- embeddings/telling.py; beside the row, which scans then need not step over
        sentences bytea NOT NULL
    );
    ALTER TABLE {table} ALTER COLUMN sentences SET STORAGE EXTERNAL;
    CREATE INDEX ON {table} (note)
"""


class EncoderIndexQuerySet(models.QuerySet["EncoderIndex"]):
    @transaction.atomic
    def make(self, encoder: str, weights_sha256: str, dimensions: int) -> "EncoderIndex":
        """Make an empty index for an encoder."""
        index = self.create(encoder=encoder, weights_sha256=weights_sha256, dimensions=dimensions)
        with connection.cursor() as cursor:
            # A backup leaves the rows that name such tables, and a restore may find one.
            cursor.execute(f"DROP TABLE IF EXISTS {index.table}")
            cursor.execute(MAKE.format(table=index.table, dimensions=dimensions))
        return index

    def active(self) -> "EncoderIndex | None":
        """Return the index that answers searches; None before the first is made."""
        return self.filter(active__isnull=False).first()

    def remembered_active(self) -> "EncoderIndex | None":
        """Return active() as it was at most REMEMBERED_S seconds ago; mostly no query."""
        found: tuple[EncoderIndex | None] | None = cache.get(REMEMBERED)
        if found is None:
            found = (self.active(),)
            cache.set(REMEMBERED, found, REMEMBERED_S)
        return found[0]


class EncoderIndex(models.Model):
    """The vectors of all passages by one encoder.

    encoder: its name as WIKI_ENCODER or `reembed --encoder` gave it; weights_sha256 tells two
    of one name apart. closeness: what calibration found, which tells close from unrelated.
    """

    class State(models.TextChoices):
        BUILDING = "building"
        READY = "ready"

    encoder = models.CharField(max_length=200)
    weights_sha256 = models.CharField(max_length=64)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State, default=State.BUILDING)
    closeness = models.JSONField(default=dict)
    # Whether its table has an HNSW graph; a small one is read whole.
    has_graph = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = EncoderIndexQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="encoder_index_once", fields=["encoder", "weights_sha256"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.encoder} ({self.dimensions} dimensions)"

    @property
    def table(self) -> str:
        """Return the name of the table with its vectors."""
        return f"passage_vector_{self.pk:d}"

    @transaction.atomic
    def activate(self) -> None:
        """Let this index answer searches from now on; the one before is kept for going back."""
        chosen = {"index": self, "configured": settings.WIKI_ENCODER}
        ActiveIndex.objects.update_or_create(pk=1, defaults=chosen)
        cache.delete(REMEMBERED)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Drop the index with its vectors. Raises ProtectedError for the active one."""
        table = self.table
        with transaction.atomic(), connection.cursor() as cursor:
            deleted = super().delete(*args, **kwargs)
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        return deleted


class ActiveIndex(models.Model):
    """The one row that names the index which answers searches."""

    index = models.OneToOneField(EncoderIndex, on_delete=models.PROTECT, related_name="active")
    # WIKI_ENCODER as it was when the index was chosen: another one asks for another index.
    configured = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(name="active_index_is_one", condition=models.Q(id=1)),
        ]

    def __str__(self) -> str:
        return str(self.index)
