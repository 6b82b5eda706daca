"""Notes: what a person wrote about one thing, with all its revisions."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from taggit.managers import TaggableManager

from wiki import signals
from wiki.markup import link_key
from wiki.merge import Fields
from wiki.models import saving
from wiki.models.revision import Revision
from wiki.models.tag import NoteTag, Tag, tag_key
from wiki.models.visibility import NoteType, Visibility

# How the import_key of a note begins that came with a new notebook.
SAMPLE = "sample:"


class NoteQuerySet(models.QuerySet["Note"]):
    """Notes as rows; every page, count and search starts at visible_to."""

    def visible_to(self, user: Any) -> "NoteQuerySet":
        """Keep the notes user may read: public ones, and all of their own."""
        alive = self.filter(deleted__isnull=True)
        if user.is_superuser:
            return alive
        public = Q(visibility=Visibility.PUBLIC)
        return alive.filter(public | Q(owner=user) if user.is_authenticated else public)

    def editable_by(self, user: Any) -> "NoteQuerySet":
        """Keep the notes user may write: their own; a superuser, all."""
        if not user.is_authenticated:
            return self.none()
        alive = self.filter(deleted__isnull=True)
        return alive if user.is_superuser else alive.filter(owner=user)

    def in_trash_of(self, user: Any) -> "NoteQuerySet":
        """Keep the deleted notes user may bring back, last deleted first."""
        gone = self.filter(deleted__isnull=False).order_by("-deleted")
        return gone if user.is_superuser else gone.filter(owner=user)

    def samples(self) -> "NoteQuerySet":
        """Keep the notes that came with the notebook."""
        return self.filter(import_key__startswith=SAMPLE)

    def as_imported(self) -> "NoteQuerySet":
        """Keep the notes nobody has edited since they were imported."""
        return self.filter(head__source=Revision.Source.IMPORT)

    @transaction.atomic
    def change_each(self, change: Callable[["Note"], None]) -> int:
        """Change all of these notes or none; returns how many. Holds their rows."""
        notes = list(self.order_by("pid").select_for_update(of=("self",)))
        for note in notes:
            change(note)
        return len(notes)

    def containing(self, text: str) -> "NoteQuerySet":
        """Keep notes in whose title or text every one of these words occurs."""
        kept = self
        for word in text.split():
            kept = kept.filter(Q(title__icontains=word) | Q(head__body__icontains=word))
        return kept

    def tagged(self, words: str) -> "NoteQuerySet":
        """Keep notes whose tags fit every word.

        A word fits the start of any `_`-separated part of a tag, whatever the case;
        `=word` fits a whole tag only, and `-word` keeps the notes without such a tag.
        """
        kept = self
        for word in words.split():
            unwanted, key = word.startswith("-"), tag_key(word.lstrip("-="))
            if not key:
                continue
            fits = Q(tag__slug=key)
            if not word.lstrip("-").startswith("="):
                fits = Q(tag__slug__startswith=key) | Q(tag__slug__contains=f"_{key}")
            carrying = NoteTag.objects.filter(fits).values("content_object")
            kept = kept.exclude(pid__in=carrying) if unwanted else kept.filter(pid__in=carrying)
        return kept

    def chronological(self) -> "NoteQuerySet":
        """Order by the date of the first revision, newest first."""
        return self.order_by("-created", "-pid")

    def last_changed(self) -> "NoteQuerySet":
        """Order by the date of the head, newest first."""
        return self.order_by("-modified", "-pid")

    def cards(self) -> "NoteQuerySet":
        """Load what a page needs to show each note: two queries more, whatever the number."""
        return self.select_related("head", "owner").prefetch_related(
            models.Prefetch("note_tags", NoteTag.objects.select_related("tag"))
        )

    def texts(self) -> "NoteQuerySet":
        """Load cards() and, in the same query, the HTML of each text."""
        return self.cards().select_related("html")

    def linking_to(self, note: "Note") -> "NoteQuerySet":
        """Keep the other notes with a wikilink that leads to this note.

        A link leads to the oldest of equal titles, among the notes of this queryset.
        """
        older = self.filter(title_key=note.title_key, pid__lt=note.pid)
        linking = self.filter(links__key=note.title_key).exclude(pid=note.pid)
        return linking.filter(~models.Exists(older))

    def write(
        self,
        fields: Fields,
        *,
        owner: Any,
        summary: str = "",
        submission: uuid.UUID | None = None,
    ) -> "Note":
        """Save a new note as its revision 0; the same submission twice is one note."""
        return saving.create(
            self.model, fields, owner=owner, summary=summary, submission=submission
        )


class Note(models.Model):  # type: ignore[django-manager-missing]  # taggit is untyped
    """A note. Its columns repeat the head's fields so that lists need no text.

    pid is the number readers see, `{1569}`; legacy_pid one that an import brought and that
    was already taken. `created` is the earliest date known, `modified` the head's.
    import_key names the entry a note was imported from, import_sha256 is what that entry
    said then; a note written here has neither.
    """

    pid = models.BigAutoField(primary_key=True)
    legacy_pid = models.BigIntegerField(null=True, blank=True, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes"
    )
    head = models.OneToOneField(
        Revision, null=True, on_delete=models.RESTRICT, related_name="head_of"
    )
    title = models.TextField()
    title_key = models.TextField(editable=False)
    ref = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=20, choices=NoteType, default=NoteType.NOTE)
    visibility = models.CharField(max_length=10, choices=Visibility)
    created = models.DateTimeField(editable=False)
    modified = models.DateTimeField(editable=False)
    deleted = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    import_key = models.TextField(null=True, blank=True, editable=False)
    import_sha256 = models.CharField(max_length=64, blank=True, editable=False)

    tags = TaggableManager(through=NoteTag, blank=True)
    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(visibility__in=Visibility.values), name="note_visibility_known"
            ),
            models.UniqueConstraint(fields=["owner", "import_key"], name="note_imported_once"),
        ]
        indexes = [
            # The list in its two orders.
            models.Index(fields=["-created", "-pid"], name="note_chronology"),
            models.Index(fields=["-modified", "-pid"], name="note_modified"),
            # Wikilinks on a page: which notes have these titles?
            models.Index(fields=["title_key"], name="note_by_title"),
            # "Notes of the same ref".
            models.Index(fields=["ref"], name="note_by_ref", condition=~Q(ref="")),
            # Is there a sample left to remove? Asked with every list its owner sees.
            models.Index(
                fields=["import_key"],
                name="note_sample",
                condition=Q(import_key__startswith=SAMPLE),
            ),
        ]

    def __str__(self) -> str:
        return f"{{{self.pid}}} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("note", args=[self.pid])

    @property
    def is_public(self) -> bool:
        return self.visibility == Visibility.PUBLIC

    def may_be_edited_by(self, user: Any) -> bool:
        """Tell whether user may write this note. No query."""
        return bool(
            self.deleted is None
            and user.is_authenticated
            and (user.is_superuser or self.owner_id == user.pk)
        )

    def shown_tags(self) -> list[Tag]:
        """Return its tags in the order typed; no query after cards()."""
        return [row.tag for row in self.note_tags.all()]

    def current_fields(self) -> Fields:
        """Return what an editor starts from: the head, with its tags as they are named now."""
        assert self.head is not None
        shown = tuple(tag.name for tag in self.shown_tags())
        return saving.with_tags(self.head.fields, shown)

    def earlier_numbers(self) -> Sequence[int]:
        """Return the numbers before the head, newest first. No query after cards()."""
        assert self.head is not None
        return range(self.head.number - 1, -1, -1)

    def save_revision(
        self,
        fields: Fields,
        *,
        base: int,
        author: Any,
        summary: str = "",
        submission: uuid.UUID | None = None,
        source: str = Revision.Source.PERSON,
    ) -> Revision:
        """Save these fields, edited from revision `base`, and return the new head.

        Nothing changed: returns the head as it is. Somebody saved in between: both changes
        are merged; where they overlap EditConflict is raised and nothing is saved. The
        same submission twice returns the first result. Locks the note row, but not while
        it renders.
        """
        return saving.save(
            self,
            fields,
            base=base,
            author=author,
            summary=summary,
            submission=submission,
            source=source,
        )

    def restore(self, number: int, *, author: Any) -> Revision:
        """Make revision `number` the text of a new head; visibility stays as it is now.

        Raises ValidationError if that revision's text is not known.
        """
        assert self.head is not None
        old = self.revisions.get(number=number).fields
        fields = Fields(old.title, old.body, old.ref, old.type, old.tags, self.visibility)
        return self.save_revision(
            fields,
            base=self.head.number,
            author=author,
            summary=f"restored revision {number}",
            source=Revision.Source.RESTORE,
        )

    @transaction.atomic
    def move_to_trash(self, user: Any) -> None:
        """Hide the note everywhere until it is undeleted. Holds the note row."""
        note = Note.objects.select_for_update(of=("self",)).get(pid=self.pid)
        if note.deleted is None:
            note.deleted, note.deleted_by = timezone.now(), user
            note.save(update_fields=["deleted", "deleted_by"])
            signals.note_removed.send(Note, note=note)

    @transaction.atomic
    def undelete(self) -> None:
        """Bring the note back as it was. Holds the note row."""
        note = Note.objects.select_for_update(of=("self",)).get(pid=self.pid)
        if note.deleted is not None:
            note.deleted, note.deleted_by = None, None
            note.save(update_fields=["deleted", "deleted_by"])
            signals.revision_saved.send(Note, note=note, revision=note.head)

    def show(self, revision: Revision) -> None:
        """Set the columns that repeat the head; the caller saves."""
        self.head = revision
        self.title, self.title_key = revision.title, link_key(revision.title)
        self.ref, self.type = revision.ref, revision.type
        self.visibility, self.modified = revision.visibility, revision.created
