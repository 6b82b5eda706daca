"""Wikilinks as rows: which note names which title."""

from django.db import models


class Link(models.Model):
    """The head of a note contains `[[...]]` with this key.

    The target is found by its key whenever somebody reads, so creating, renaming or hiding
    a note needs no change here.
    """

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="links")
    key = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "key"], name="link_once")]
        indexes = [
            # Backlinks: which notes name this title?
            models.Index(fields=["key"], name="link_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id} → [[{self.key}]]"
