"""Links between notes as rows: which note names which title."""

from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber

from wiki.models.alias import Alias
from wiki.reader import Reader


class LinkQuerySet(models.QuerySet["Link"]):
    """Links of many notes."""

    def leading_nowhere(self, notes: models.QuerySet[Any], reader: Reader) -> models.QuerySet[Any]:
        """Return {key, notes} of each key in these notes that leads reader to none of them.

        notes: all that reader may read. Those that most notes name come first.
        """
        titled = notes.filter(title_key=OuterRef("key"))
        called = Alias.objects.known_to(reader).filter(key=OuterRef("key"), note__in=notes)
        broken = self.filter(~Exists(titled), ~Exists(called), note__in=notes)
        counted = broken.values("key").annotate(notes=Count("note"))
        return counted.order_by("-notes", "key")

    def first_of_each_key(self, notes: models.QuerySet[Any], most: int) -> "LinkQuerySet":
        """Keep at most so many links of each key, those of the oldest of these notes."""
        place = Window(RowNumber(), partition_by=F("key"), order_by="note")
        numbered = self.filter(note__in=notes).annotate(place=place)
        kept: LinkQuerySet = numbered.filter(place__lte=most).select_related("note")
        return kept.order_by("key", "note")


class Link(models.Model):
    """The head of a note contains a link with this key: `[[...]]`, or one to a file.

    The target is found by its key whenever somebody reads, so creating, renaming or hiding
    a note needs no change here.
    """

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="links")
    key = models.TextField()

    objects = LinkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "key"], name="link_once")]
        indexes = [
            # Backlinks: which notes name this title?
            models.Index(fields=["key"], name="link_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id} → [[{self.key}]]"
