"""Aliases: what a note is called besides its title."""

from django.db import models

from wiki.models.visibility import Visibility


class Alias(models.Model):
    """A further name that links to a note may use; key is link_key of it.

    kind: a title it had before, a name its front matter gave it, or the path of the file it
    came from (without ending, and the last part of it alone). A title it had while it was
    private is of private visibility: it leads to the note for its owner only.
    """

    class Kind(models.TextChoices):
        TITLE = "title"
        ALIAS = "alias"
        FILE = "file"

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="aliases")
    key = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "key"], name="alias_once")]
        indexes = [
            # Wikilinks on a page: which notes have these names?
            models.Index(fields=["key"], name="alias_by_key"),
        ]

    def __str__(self) -> str:
        return f"[[{self.key}]] → {self.note_id}"
