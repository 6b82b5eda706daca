"""Passages: the parts of notes that are embedded, and which notes are indexed so far.

`note` is a number without a constraint: a notebook that runs without the ML app for a while
(WIKI_ML=0) still deletes notes. What it left behind is found when the ML app is back.
"""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models
from django.db.models.functions import Now

from mlhooks.models.encoder_index import EncoderIndex

# A block of text that so many notes have is boilerplate: what they say is said elsewhere.
BOILERPLATE_FROM = 4

HAVING = """
    SELECT key, ARRAY(
               SELECT note FROM mlhooks_noteblocks WHERE keys @> ARRAY[key] LIMIT %(most)s
           ) AS notes
      FROM unnest(%(keys)s::bigint[]) AS asked(key)
"""


class Passage(models.Model):
    """A part of a note's text, start to end in characters of the revision it was cut from.

    Of its text as readers see it: what its writer hid is not counted.

    The same for every encoder. sha256 covers what is embedded: title, headings and text.
    """

    note = models.BigIntegerField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading = models.TextField(blank=True)
    is_code = models.BooleanField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="passage_place",
                fields=["note", "start"],
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{{{self.note}}} {self.start}-{self.end}"


class SplitNote(models.Model):
    """The passages of a note are those of this revision, cut by this version of the splitter."""

    note = models.BigIntegerField(primary_key=True)
    revision = models.PositiveIntegerField()
    splitter = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{{{self.note}}} revision {self.revision}"


class NoteBlocksQuerySet(models.QuerySet["NoteBlocks"]):
    def having(self, keys: Iterable[int], most: int) -> dict[int, list[int]]:
        """Return for each key some notes that have it: so many at most."""
        with connection.cursor() as cursor:
            cursor.execute(HAVING, {"keys": list(keys), "most": most})
            return dict(cursor.fetchall())


class NoteBlocks(models.Model):
    """The blocks of a note's text by their keys, which tell what many notes repeat."""

    note = models.BigIntegerField(primary_key=True)
    keys = ArrayField(models.BigIntegerField())

    objects = NoteBlocksQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(name="note_with_block", fields=["keys"])]

    def __str__(self) -> str:
        return f"{{{self.note}}} {len(self.keys)} blocks"


class IndexedNote(models.Model):
    """An index holds all passages of this revision of a note.

    is_whole: False once the note was cut in other passages on behalf of another index.
    """

    index = models.ForeignKey(EncoderIndex, on_delete=models.CASCADE, related_name="notes")
    note = models.BigIntegerField()
    revision = models.PositiveIntegerField()
    is_whole = models.BooleanField(db_default=True)
    indexed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="indexed_note_once", fields=["note", "index"]),
        ]

    def __str__(self) -> str:
        return f"{{{self.note}}} revision {self.revision}, index {self.index_id}"


class UnreadNote(models.Model):
    """An index does not hold this revision of a note, because it could not be read: why."""

    index = models.ForeignKey(EncoderIndex, on_delete=models.CASCADE, related_name="unread")
    note = models.BigIntegerField()
    revision = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)
    failed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="unread_note_once", fields=["note", "index"]),
        ]

    def __str__(self) -> str:
        return f"{{{self.note}}} revision {self.revision}: {self.reason}"
