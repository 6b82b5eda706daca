"""Showing many notes to everybody, or to their owner alone: one recorded, undoable change."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from wiki import signals
from wiki.models import search_index
from wiki.models.note import Note
from wiki.models.note_html import NoteHtml
from wiki.models.revision import Revision
from wiki.models.revision_file import RevisionFile
from wiki.models.revision_save import with_visibility
from wiki.models.visibility import Visibility

if TYPE_CHECKING:
    from wiki.models.note_queryset import NoteQuerySet

NOTES_AT_A_TIME = 500  # their texts are in memory at once


class VisibilityChangeQuerySet(models.QuerySet["VisibilityChange"]):
    """Makes changes; a change is recorded and carried out in one transaction."""

    def made_by(self, user: User) -> "VisibilityChangeQuerySet":
        """Keep the changes user made; a superuser sees all."""
        return self if user.is_superuser else self.filter(author=user)

    @transaction.atomic
    def change(self, notes: "NoteQuerySet", visibility: str, *, author: User) -> "VisibilityChange":
        """Let everybody, or the owner alone, read those of these notes that author may edit.

        Each gets a revision; what is so already gets none. Holds the note rows.
        """
        mine = Note.objects.editable_by(author).filter(pid__in=notes.values("pid"))
        steps = _save_each(mine.exclude(visibility=visibility), visibility, author)
        return self.create(
            visibility=visibility, author=author, created=timezone.now(), steps=steps
        )

    @transaction.atomic
    def undo(self, change: "VisibilityChange", *, author: User) -> "VisibilityChange":
        """Take a change back on the notes that nobody has saved since. Holds those rows."""
        mine = Note.objects.editable_by(author).filter(pid__in=list(change.steps))
        unchanged = [
            pid
            for pid, number in mine.values_list("pid", "head__number")
            if number == change.steps[str(pid)]
        ]
        back = Visibility.PRIVATE if change.publishes else Visibility.PUBLIC
        steps = _save_each(mine.filter(pid__in=unchanged), back, author)
        return self.create(
            visibility=back, author=author, created=timezone.now(), steps=steps, undoes=change
        )


class VisibilityChange(models.Model):
    """Who reads many notes: per note the number of the revision that this made."""

    visibility = models.CharField(max_length=10, choices=Visibility)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created = models.DateTimeField()
    steps = models.JSONField(default=dict)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="undone_by"
    )

    objects = VisibilityChangeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.visibility} on {len(self.steps)} notes"

    @property
    def count(self) -> int:
        """Return how many notes were changed."""
        return len(self.steps)

    @property
    def publishes(self) -> bool:
        return self.visibility == Visibility.PUBLIC

    @property
    def is_undone(self) -> bool:
        """Tell whether it was taken back. No query after select_related."""
        return hasattr(self, "undone_by")


def _save_each(notes: "NoteQuerySet", visibility: str, author: User) -> dict[str, int]:
    """Give each note a revision with this visibility; returns their numbers by pid.

    The text stays, so its HTML and its words do too. Locks the rows in the order of pid.
    """
    locked = notes.order_by("pid").select_for_update(of=("self",))
    pids = list(locked.values_list("pid", flat=True))
    steps: dict[str, int] = {}
    for start in range(0, len(pids), NOTES_AT_A_TIME):
        # Loaded after the lock: a saver may have come before it.
        some = Note.objects.filter(pid__in=pids[start : start + NOTES_AT_A_TIME])
        steps |= _save_some(list(some.order_by("pid").cards()), visibility, author)
    search_index.readdress(pids)
    return steps


def _save_some(notes: list[Note], visibility: str, author: User) -> dict[str, int]:
    now, revisions, heads_before = timezone.now(), [], [note.head_id or 0 for note in notes]
    for note in notes:
        fields = with_visibility(note.current_fields(), visibility)
        said = {"author": author, "created": now, "base": note.head_revision.number}
        revisions.append(Revision.of(note, note.head_revision.number + 1, fields, **said))
    Revision.objects.bulk_create(revisions)
    made_after = zip(heads_before, [revision.pk for revision in revisions], strict=True)
    RevisionFile.objects.carry_on(dict(made_after))
    for note, revision in zip(notes, revisions, strict=True):
        note.show(revision)
    heads = Revision.objects.filter(pk__in=[revision.pk for revision in revisions])
    head = heads.filter(note=OuterRef("pid"))
    changed = Note.objects.filter(pid__in=[note.pid for note in notes])
    before = NoteHtml.objects.filter(note__in=changed, revision=F("note__head"))
    current = list(before.values_list("note", flat=True))
    changed.update(head=Subquery(head.values("pk")), visibility=visibility, modified=now)
    made = heads.filter(note=OuterRef("note"))
    NoteHtml.objects.filter(note__in=current).update(revision=Subquery(made.values("pk")))
    for left, note in zip(range(len(notes) - 1, -1, -1), notes, strict=True):
        signals.revision_saved.send(Note, note=note, revision=note.head_revision, more=left > 0)
    return {str(note.pid): note.head_revision.number for note in notes if note.head_revision}
