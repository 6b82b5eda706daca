"""Notes: what a person wrote about one thing, with all its revisions."""

import uuid
from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.contrib.postgres.indexes import GinIndex
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Collate
from django.urls import reverse
from django.utils import timezone
from taggit.managers import TaggableManager

from wiki import signals
from wiki.analysis.terms import analyse
from wiki.fields import Fields
from wiki.models import attachment_upload, revision_save, search_index
from wiki.models.attachment import Attachment, hold_bytes
from wiki.models.edit import Edit
from wiki.models.note_queryset import SAMPLE, NoteQuerySet
from wiki.models.note_row import NoteRow
from wiki.models.revision import Revision
from wiki.models.revision_file import RevisionFile
from wiki.models.tag import NoteTag
from wiki.models.visibility import Visibility
from wiki.reader import Reader

MAX_SUMMARY = 300


class Note(NoteRow):  # type: ignore[django-manager-missing]  # taggit is untyped
    """A note: the rules for reading, saving and removing it. Its columns are those of NoteRow."""

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
            # How many notes may a reader read, of all or of a tag? Without their rows.
            models.Index(
                fields=["visibility", "owner", "pid"],
                include=["created", "modified"],
                name="note_readable",
                condition=Q(deleted=None),
            ),
            # Wikilinks on a page: which notes have these titles?
            models.Index(fields=["title_key"], name="note_by_title"),
            # Suggestions: titles that begin so, and titles with this in them.
            models.Index(Collate("title_key", "C"), name="note_by_first_letters"),
            GinIndex(
                fields=["title_key"], opclasses=["gin_trgm_ops"], name="note_by_part_of_title"
            ),
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

    def may_be_edited_by(self, user: Reader) -> bool:
        """Tell whether user may write this note. No query."""
        return bool(
            self.deleted is None
            and user.is_authenticated
            and (user.is_superuser or self.owner_id == user.pk)
        )

    def shown_tags(self) -> list[NoteTag]:
        """Return its tags in the order typed, as spelled here; no query after cards()."""
        return list(self.note_tags.all())

    def current_fields(self) -> Fields:
        """Return what an editor starts from: the head, with its tags as they are named now."""
        shown = tuple(tag.name for tag in self.shown_tags())
        return revision_save.with_tags(self.head_revision.fields, shown)

    def earlier_numbers(self) -> Sequence[int]:
        """Return the numbers before the head, newest first. No query after cards().

        Those that a reader may not read are left out after with_numbers_for().
        """
        return self._readable(range(self.head_revision.number - 1, -1, -1))

    def number_before(self, number: int) -> int | None:
        """Return the next lower number the reader may read; as earlier_numbers()."""
        return next(iter(self._readable(range(number - 1, -1, -1))), None)

    def number_after(self, number: int) -> int | None:
        """Return the next higher number the reader may read; as earlier_numbers()."""
        return next(iter(self._readable(range(number + 1, self.head_revision.number + 1))), None)

    def _readable(self, numbers: range) -> Sequence[int]:
        hidden = set(getattr(self, "hidden_numbers", ()))
        return [number for number in numbers if number not in hidden] if hidden else numbers

    def save_revision(
        self,
        fields: Fields,
        *,
        base: int,
        author: User,
        summary: str = "",
        submission: uuid.UUID | None = None,
        source: str = Revision.Source.PERSON,
    ) -> Revision:
        """Save these fields, edited from revision `base`, and return the new head.

        Nothing changed: returns the head as it is. Somebody saved in between: both changes
        are merged; where they overlap EditConflict is raised and nothing is saved, nor where
        the text still holds both versions of such a place (UndecidedPlaces). The same
        submission twice returns the first result; that of another note raises
        SubmissionUsed. Locks the note row, but not while it renders.
        """
        try:
            return revision_save.save(self, Edit(fields, author, base, summary, submission, source))
        except IntegrityError:
            # At the same moment the same form was saved as another note's.
            revision_save.submitted(self, submission)
            raise

    def restore(self, number: int, *, author: User) -> Revision:
        """Make revision `number` the text of a new head; visibility stays as it is now.

        Raises ValidationError if that revision's text is not known.
        """
        revision = self.revisions.get(number=number)
        old = revision.fields
        fields = Fields(old.title, old.body, old.ref, old.type, old.tags, self.visibility)
        edit = Edit(
            fields,
            author,
            self.head_revision.number,
            f"restored revision {number}",
            source=Revision.Source.RESTORE,
            files=RevisionFile.objects.shown_by(revision),
        )
        return revision_save.save(self, edit)

    def replace_files(self, files: Mapping[str, Attachment], *, author: User, summary: str) -> None:
        """Let a new head say the same and show other files under these keys.

        For an import whose text stayed and whose files changed. Holds the note row.
        """
        edit = Edit(
            self.current_fields(),
            author,
            self.head_revision.number,
            summary[:MAX_SUMMARY],
            source=Revision.Source.IMPORT,
            files=files,
        )
        revision_save.save(self, edit)

    @transaction.atomic
    def remove_file(self, file: Attachment, *, author: User) -> None:
        """Remove a file for good, its bytes too if no other has them; a revision says so.

        The row stays without them, so that its number and its place in old texts are known.
        Names it only where a public revision did. Of one that no revision ever showed nothing
        is left. Holds the note row.
        """
        hold_bytes(file.sha256)
        if attachment_upload.forget(file):
            return
        uses = Revision.objects.filter(files__attachment=file)
        may_be_named = not self.is_public or uses.filter(visibility=Visibility.PUBLIC).exists()
        if Attachment.objects.filter(pk=file.pk).exclude(removed=None).exists():
            return
        what = f"the file {file.key}" if may_be_named else "a file"
        edit = Edit(
            self.current_fields(),
            author,
            self.head_revision.number,
            f"removed {what} for good"[:MAX_SUMMARY],
            is_always_saved=True,
        )
        revision_save.save(self, edit)
        Attachment.objects.filter(pk=file.pk).update(removed=timezone.now())
        attachment_upload.let_go(file.sha256)

    @transaction.atomic
    def move_to_trash(self, user: User) -> None:
        """Hide the note everywhere until it is undeleted. Holds the note row."""
        note = Note.objects.select_for_update(of=("self",)).get(pid=self.pid)
        if note.deleted is None:
            note.deleted, note.deleted_by = timezone.now(), user
            note.save(update_fields=["deleted", "deleted_by"])
            search_index.remove(note)
            signals.note_removed.send(Note, note=note)

    @transaction.atomic
    def undelete(self) -> None:
        """Bring the note back as it was. Holds the note row."""
        note = Note.objects.select_for_update(of=("self",)).get(pid=self.pid)
        if note.deleted is not None:
            note.deleted, note.deleted_by = None, None
            note.save(update_fields=["deleted", "deleted_by"])
            search_index.index(note, analyse(note.title, note.head_revision.body or ""))
            signals.revision_saved.send(Note, note=note, revision=note.head_revision)
