"""Query vectors: what was asked lately, so that the same words are encoded once.

An unlogged table, which a crash may empty, and a capped one: nothing is kept that tells who
asked, and the words themselves are not in it.
"""

import hashlib
from array import array

from django.db import connection, models
from django.db.models.functions import Now

from mlhooks.models.encoder_index import EncoderIndex

MAX_KEPT = 10_000

TRIM = """
    DELETE FROM mlhooks_queryvector WHERE created_at < (
        SELECT created_at FROM mlhooks_queryvector ORDER BY created_at DESC OFFSET %s LIMIT 1)
"""


def query_digest(index: EncoderIndex, text: str) -> str:
    """Return the name under which the vector of a query is kept; no word of it is in there."""
    return hashlib.sha256(f"{index.pk}\0{index.weights_sha256}\0{text}".encode()).hexdigest()


class QueryVectorQuerySet(models.QuerySet["QueryVector"]):
    def of(self, digest: str) -> "list[float] | None":
        """Return the vector kept under a digest, float[d], or None."""
        kept = self.filter(pk=digest).values_list("vector", flat=True).first()
        return None if kept is None else array("f", bytes(kept)).tolist()

    def keep(self, digest: str, vector: "list[float]") -> None:
        """Keep a vector, and so many of the others."""
        row = QueryVector(digest=digest, vector=array("f", vector).tobytes())
        self.bulk_create([row], ignore_conflicts=True)
        with connection.cursor() as cursor:
            cursor.execute(TRIM, [MAX_KEPT])


class QueryVector(models.Model):
    """The vector of a query as float32[d]."""

    digest = models.CharField(max_length=64, primary_key=True)
    vector = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    objects = QueryVectorQuerySet.as_manager()

    def __str__(self) -> str:
        return self.digest
