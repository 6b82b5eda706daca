"""Attachments: files that belong to a note."""

from django.db import models


class Attachment(models.Model):
    """A file of a note, at /files/<pid>_<number>.<ext>; who may read the note may read it.

    key: what the note's text calls it, as wiki.markup writes it into an attachment slot.
    name: the file's own name. The bytes are stored once per sha256, whatever notes have them.
    width and height: in pixels, of images only.
    """

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="attachments")
    number = models.PositiveIntegerField()
    key = models.TextField()
    name = models.TextField()
    media_type = models.CharField(max_length=100)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    created = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "number"], name="attachment_number_once"),
            models.UniqueConstraint(fields=["note", "key"], name="attachment_key_once"),
        ]
        indexes = [
            # Does a note still need these bytes?
            models.Index(fields=["sha256"], name="attachment_by_content"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id}_{self.number} {self.name}"
