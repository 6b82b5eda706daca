"""The full-text index: which word stands in which note, and how often.

Rows are made from a note's head in the transaction that saves it, and are no truth of their
own: wiki.models.search_index makes them again.
"""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models


@SearchVectorField.register_lookup
class Fits(models.Lookup):
    """`words__fits`: a tsquery made by our own analysis, never typed text."""

    lookup_name = "fits"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Write `words @@ tsquery`."""
        words, first = self.process_lhs(compiler, connection)
        asked, rest = self.process_rhs(compiler, connection)
        return f"{words} @@ {asked}::tsquery", (*first, *rest)


class Posting(models.Model):
    """A lexeme in a note.

    term: the 64-bit hash of the lexeme. audience: whom a reader has to be to know of it,
    EVERYONE or the number of the note's owner. tf: how often it occurs, the title counted
    twice. length: how many words the note has, counted likewise; repeated here so that one
    index holds all that ranking reads.
    """

    pk = models.CompositePrimaryKey("note", "term")
    # 150,000 words of one text would each be checked; verify_integrity does it instead.
    note = models.ForeignKey(
        "wiki.Note",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="postings",
    )
    term = models.BigIntegerField()
    audience = models.BigIntegerField()
    tf = models.SmallIntegerField()
    length = models.IntegerField()

    class Meta:
        indexes = [
            # Ranking: who has this word, how often, in how long a text?
            models.Index(
                fields=["term", "audience", "note"],
                include=["tf", "length"],
                name="posting_by_term",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.term} in {{{self.note_id}}}"


class NoteWords(models.Model):
    """The words of a note in their order, for phrases, negation and prefixes.

    words ends early for the very longest texts: PostgreSQL keeps at most 1 MB of them. A note
    in the trash has no row. shown: the text without what its writer hid, None if that is nothing.
    """

    note = models.OneToOneField(
        "wiki.Note", primary_key=True, on_delete=models.CASCADE, related_name="words"
    )
    audience = models.BigIntegerField()
    length = models.IntegerField()
    words = SearchVectorField()
    shown = models.TextField(null=True)

    class Meta:
        indexes = [
            # Phrases, words to leave out, beginnings of words.
            GinIndex(fields=["words"], name="words_in_order"),
            # How many notes may a reader search, and how long are they?
            models.Index(fields=["audience"], include=["length"], name="words_by_audience"),
        ]

    def __str__(self) -> str:
        return f"words of {{{self.note_id}}}"
