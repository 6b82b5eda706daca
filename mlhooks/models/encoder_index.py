"""Which encoders have read the notes, and which one answers searches.

Each encoder has an index of its own: a table of vectors, `passage_vector_<id>`, that is made
with its row and dropped with it. One row names the active index, so changing over to a new
one, and back, is one UPDATE that every search sees at once or not at all.
"""

from datetime import timedelta

from django.core.cache import cache
from django.db import OperationalError, connection, models, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from psycopg.errors import LockNotAvailable

# How long a process remembers which index is active. The old one goes on answering meanwhile.
REMEMBERED_S, REMEMBERED = 2, "mlhooks:active-index"
# Whoever searches has forgotten by then which index answered before the last change.
SURELY_FORGOTTEN_S = 10
# A table that is dropped makes everybody wait who deletes from it.
DROP_TIMEOUT = "2s"

MAKE = """
    CREATE TABLE {table} (
        passage bigint PRIMARY KEY,
        note bigint NOT NULL,
        vector halfvec({dimensions}) NOT NULL,
        -- embeddings/sentence_attribution.py; beside the row, which scans then need not step over
        sentences bytea NOT NULL
    );
    ALTER TABLE {table} ALTER COLUMN sentences SET STORAGE EXTERNAL;
    CREATE INDEX ON {table} (note)
"""
# One that was left behind when its index was dropped.
ORPHANS = r"""
    SELECT relname FROM pg_class
     WHERE relkind = 'r' AND relname ~ '^passage_vector_\d+$' AND pg_table_is_visible(oid)
       AND NOT EXISTS (
            SELECT FROM mlhooks_encoderindex AS index WHERE relname = 'passage_vector_' || index.id)
"""
# As good as counting where there is much to count, and as quick everywhere.
ABOUT = """
    SELECT CASE WHEN reltuples > 50000 THEN reltuples::bigint
                ELSE (SELECT count(*) FROM {table}) END
      FROM pg_class WHERE oid = '{table}'::regclass
"""


class IndexInUse(Exception):
    """An index cannot be dropped now; the text is a sentence."""


class EncoderIndexQuerySet(models.QuerySet["EncoderIndex"]):
    @transaction.atomic
    def make(
        self, encoder: str, weights_sha256: str, dimensions: int, longest: int | None = None
    ) -> "EncoderIndex":
        """Return the index of an encoder; an empty one is made if there is none.

        Whoever makes the same one meanwhile is waited for.
        """
        index, is_new = self.get_or_create(
            encoder=encoder,
            weights_sha256=weights_sha256,
            defaults={"dimensions": dimensions, "longest": longest},
        )
        if is_new:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {index.table}")
                cursor.execute(MAKE.format(table=index.table, dimensions=dimensions))
        return index

    def held(self) -> "list[EncoderIndex]":
        """Return all indexes; none of them is dropped until the caller's transaction ends.

        Whoever holds a note as well holds that first. Waits for one that is just being dropped.
        """
        rows = self.raw("SELECT * FROM mlhooks_encoderindex ORDER BY id FOR KEY SHARE")
        return list(rows)

    def drop_orphans(self) -> list[str]:
        """Drop tables of vectors that belong to no index; return their names."""
        with connection.cursor() as cursor:
            cursor.execute(ORPHANS)
            tables = [table for (table,) in cursor.fetchall()]
            for table in tables:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
        return tables

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
    of one name apart. longest: how many tokens of a passage it reads, None if all. closeness:
    what calibration found, which tells close from unrelated.
    """

    class State(models.TextChoices):
        BUILDING = "building"
        READY = "ready"

    encoder = models.CharField(max_length=200)
    weights_sha256 = models.CharField(max_length=64)
    dimensions = models.PositiveIntegerField()
    longest = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=16, choices=State, default=State.BUILDING)
    closeness = models.JSONField(default=dict)
    # Whether its table has an HNSW graph; a small one is read whole.
    has_graph = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = EncoderIndexQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "encoder indexes"
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

    @property
    def is_active(self) -> bool:
        """Whether this index answers searches. One query."""
        return ActiveIndex.objects.filter(index=self).exists()

    def count_passages(self) -> int:
        """Return how many vectors it holds; reads its whole table."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.table}")
            return int(cursor.fetchone()[0])

    def about_passages(self) -> int:
        """Return how many vectors it holds: counted if they are few, else estimated."""
        with connection.cursor() as cursor:
            cursor.execute(ABOUT.format(table=self.table))
            return int(cursor.fetchone()[0])

    def bytes_on_disk(self) -> int:
        """Return how much room its vectors, sentences and graph take."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s)", [self.table])
            return int(cursor.fetchone()[0])

    @transaction.atomic
    def activate(self) -> None:
        """Let this index answer searches from now on; the one before is kept for going back.

        Raises EncoderIndex.DoesNotExist if it was dropped.
        """
        # Holds the row, so that nobody drops what is about to answer.
        ready = EncoderIndex.objects.filter(pk=self.pk)
        if not ready.update(state=self.State.READY, ready_at=Coalesce("ready_at", Now())):
            raise EncoderIndex.DoesNotExist(f"{self} was dropped.")
        ActiveIndex.objects.get_or_create(pk=1, defaults={"index": self})
        others = ActiveIndex.objects.exclude(index=self)
        others.update(index=self, before=F("index"), since=Now())
        cache.delete(REMEMBERED)
        self.refresh_from_db()

    def drop(self) -> None:
        """Delete the index with its vectors.

        Raises IndexInUse while it answers, or did a moment ago, or is being worked on.
        """
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{DROP_TIMEOUT}'")
                # Before anything is deleted: whoever writes to it ends first.
                EncoderIndex.objects.select_for_update().filter(pk=self.pk).first()
                self._refuse_while_it_answers()
                cursor.execute(f"DROP TABLE IF EXISTS {self.table}")
                self.delete()
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise IndexInUse(
                f"{self} is being worked on. Cancel that, and try again in a minute."
            ) from error

    def _refuse_while_it_answers(self) -> None:
        if self.is_active:
            raise IndexInUse(f"{self} answers searches. Let another index answer first.")
        a_moment_ago = Now() - timedelta(seconds=SURELY_FORGOTTEN_S)
        if ActiveIndex.objects.filter(before=self, since__gt=a_moment_ago).exists():
            raise IndexInUse(f"{self} answered searches a moment ago. Try again in a minute.")


class ActiveIndex(models.Model):
    """The one row that names the index which answers searches.

    before: the one that answered before, for going back. configured: what WIKI_ENCODER named
    when the index was last reconciled, and the sha256 of its weights, "" if they were not there:
    another one asks for another index.
    """

    index = models.OneToOneField(EncoderIndex, on_delete=models.PROTECT, related_name="active")
    before = models.ForeignKey(
        EncoderIndex, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    since = models.DateTimeField(db_default=Now())
    configured = models.CharField(max_length=200, blank=True)
    configured_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="active_index_is_one", condition=models.Q(id=1)),
        ]

    def __str__(self) -> str:
        return str(self.index)
