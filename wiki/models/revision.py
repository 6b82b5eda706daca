"""Revisions: every saved state of a note, numbered from 0, never changed afterwards."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from wiki.fields import Fields
from wiki.models.note_row import NoteRow
from wiki.models.visibility import NoteType, Visibility
from wiki.reader import Reader


class RevisionQuerySet(models.QuerySet["Revision"]):
    """Revisions of one or many notes."""

    def visible_to(self, user: Reader) -> "RevisionQuerySet":
        """Keep what user may read of notes that user may read.

        A revision saved while its note was private stays with the owner, also after the
        note was published.
        """
        alive = self.filter(note__deleted__isnull=True)
        if user.is_superuser:
            return alive
        public = Q(visibility=Visibility.PUBLIC, note__visibility=Visibility.PUBLIC)
        return alive.filter(public | Q(note__owner=user) if user.is_authenticated else public)

    def newest_first(self) -> "RevisionQuerySet":
        """Order from the head back; never by time, clocks go wrong."""
        return self.order_by("-number")

    def latest_first(self) -> "RevisionQuerySet":
        """Order across notes by time, newest first; the same time, last saved first."""
        return self.order_by("-created", "-pk")

    def latest_keys(self, most: int) -> "Sequence[int] | models.QuerySet[Revision, int]":
        """Return the keys of the last `most`, newest first; one dated ahead stands with its note.

        Two queries, and a third where there is such a one.
        """
        now = timezone.now()
        ahead = self.filter(created__gt=now).order_by("-created", "-pk")
        placed = list(ahead.values_list("note__modified", "pk")[:most])
        here = self.filter(created__lte=now).latest_first()
        if not placed:
            return here.values_list("pk", flat=True)[:most]
        placed += here.values_list("created", "pk")[:most]
        return [pk for _, pk in sorted(placed, reverse=True)[:most]]

    def saved(self) -> "RevisionQuerySet":
        """Leave out those of which an import told only that they existed."""
        return self.filter(body__isnull=False)

    def compared_by(self, user: Reader) -> "RevisionQuerySet":
        """Load the note too; `.has_earlier` tells whether user can compare with the one before."""
        earlier = Revision.objects.visible_to(user).saved()
        before = earlier.filter(note=models.OuterRef("note"), number=models.OuterRef("number") - 1)
        return self.select_related("note").defer("body").annotate(has_earlier=models.Exists(before))

    def listed(self) -> "RevisionQuerySet":
        """Leave the texts in the database; `.known` tells whether there is one."""
        known = models.ExpressionWrapper(Q(body__isnull=False), models.BooleanField())
        return self.defer("body").annotate(known=known)


class Revision(models.Model):
    """One saved state of all fields of a note.

    `body` is None where an import told that this revision exists but not what it said.
    `tags` are names as shown when it was saved. `author_name` and `sha256` stay even when
    the account goes.
    """

    class Source(models.TextChoices):
        PERSON = "person"
        IMPORT = "import"
        MERGE = "merge"
        RESTORE = "restore"

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.TextField()
    body = models.TextField(null=True)
    ref = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=20, choices=NoteType)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="revisions"
    )
    author_name = models.CharField(max_length=150, blank=True)
    created = models.DateTimeField()
    summary = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.PERSON)
    base = models.PositiveIntegerField(null=True, help_text="the revision it was edited from")
    submission = models.UUIDField(
        null=True, unique=True, help_text="the form it came from: sent twice, saved once"
    )
    sha256 = models.CharField(max_length=64)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        indexes = [
            # What was saved lately, in all notes.
            models.Index(fields=["-created", "-id"], name="revision_latest"),
            # Which numbers of a public note does a reader not see?
            models.Index(
                fields=["note"], condition=Q(visibility="private"), name="revision_private"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["note", "number"], name="revision_number_once"),
            models.CheckConstraint(
                condition=Q(body__isnull=False) | Q(source="import"),
                name="revision_only_imports_lack_text",
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=Visibility.values), name="revision_visibility_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{{{self.note_id}}} revision {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("revision", args=[self.note_id, self.number])

    @property
    def is_missing(self) -> bool:
        """Tell whether its text was not in the import."""
        return self.body is None

    @property
    def fields(self) -> Fields:
        """Return what a person can edit. Raises ValidationError if the text is missing."""
        if self.body is None:
            raise ValidationError(
                f"Revision {self.number} was not in the import, so its text is not known. "
                "Choose another revision."
            )
        return Fields(
            title=self.title,
            body=self.body,
            ref=self.ref,
            type=self.type,
            tags=tuple(self.tags),
            visibility=self.visibility,
        )

    def digest(self) -> str:
        """Return the sha256 of everything this revision says, as hexadecimal.

        Over canonical JSON, so another program can check it: docs/operate.md lists the keys.
        """
        said = {
            "pid": self.note_id,
            "number": self.number,
            "title": self.title,
            "body": self.body,
            "ref": self.ref,
            "type": self.type,
            "tags": list(self.tags),
            "visibility": self.visibility,
            "author": self.author_name,
            "created": self.created.astimezone(UTC).isoformat(timespec="microseconds"),
            "summary": self.summary,
            "source": str(self.source),
            "base": self.base,
        }
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def of(cls, note: NoteRow, number: int, fields: Fields, **rest: Any) -> "Revision":
        """Return a new, unsaved, sealed revision; rest are further columns."""
        author = rest.get("author")
        rest.setdefault("author_name", author.get_username() if author else "")
        revision = cls(
            note_id=note.pid,
            number=number,
            title=fields.title,
            body=fields.body,
            ref=fields.ref,
            type=fields.type,
            tags=list(fields.tags),
            visibility=fields.visibility,
            **rest,
        )
        revision.sha256 = revision.digest()
        return revision
