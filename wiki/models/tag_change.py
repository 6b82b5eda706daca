"""Renaming, merging and deleting a tag across notes: one recorded, undoable change."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from wiki.models.note import Note
from wiki.models.tag import NoteTag, Tag, tag_key

if TYPE_CHECKING:
    from wiki.models.note_queryset import NoteQuerySet


class TagChangeManager(models.Manager["TagChange"]):
    """Makes changes; a change is recorded and carried out in one transaction."""

    @transaction.atomic
    def rename(self, old: str, new: str, *, author: Any) -> "TagChange":
        """Put the tag `new` where `old` is, on all notes author may edit.

        A note that has both keeps one (a merge); an empty `new` takes the tag away. Makes
        no revision and moves no note in the list of changes. Holds those note rows.
        """
        notes = Note.objects.editable_by(author).filter(note_tags__tag__slug=tag_key(old))
        steps = {}
        for note in _locked(notes):
            assert note.head is not None
            have = {tag_key(tag.name) for tag in note.shown_tags()}
            steps[str(note.pid)] = {
                "revision": note.head.number,
                "remove": [old],
                "add": [new] if new and tag_key(new) not in have - {tag_key(old)} else [],
            }
        return self._carry_out(old, new, author, steps, undoes=None)

    @transaction.atomic
    def undo(self, change: "TagChange", *, author: Any) -> "TagChange":
        """Take a change back, on the notes that still show it. Holds those note rows."""
        notes = Note.objects.editable_by(author).filter(pid__in=list(change.steps))
        steps = {}
        for note in _locked(notes):
            assert note.head is not None
            step = change.steps[str(note.pid)]
            have = {tag_key(tag.name) for tag in note.shown_tags()}
            if {tag_key(name) for name in step["add"]} <= have:
                steps[str(note.pid)] = {
                    "revision": note.head.number,
                    "remove": step["add"],
                    "add": step["remove"],
                }
        return self._carry_out(change.new, change.old, author, steps, undoes=change)

    def _carry_out(
        self,
        old: str,
        new: str,
        author: Any,
        steps: dict[str, dict[str, Any]],
        *,
        undoes: "TagChange | None",
    ) -> "TagChange":
        # The note rows are held by now: a saver holds its note before it makes a tag, and
        # so do we, or the two could wait for each other.
        tags = {tag.slug: tag for tag in Tag.objects.resolve([name for name in (old, new) if name])}
        for pid, step in steps.items():
            _retag(int(pid), step, tags)
        return self.create(
            old=old, new=new, author=author, created=timezone.now(), steps=steps, undoes=undoes
        )


class TagChange(models.Model):
    """What was changed: per note the head's number then, and the names removed and added.

    The tags of a note are those of its head revision after all later changes recorded
    against that head. An undo is a change of its own.
    """

    old = models.CharField(max_length=100)
    new = models.CharField(max_length=100, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created = models.DateTimeField()
    steps = models.JSONField(default=dict)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="undone_by"
    )

    objects = TagChangeManager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.old} → {self.new or '(no tag)'} on {len(self.steps)} notes"

    @classmethod
    def replayed(cls, note: Note, changes: Iterable["TagChange"]) -> set[str]:
        """Return the keys of the tags the note should have: its head's, then each change."""
        assert note.head is not None
        keys = {tag_key(name) for name in note.head.tags}
        for change in changes:
            step = change.steps.get(str(note.pid))
            if step is not None and step["revision"] == note.head.number:
                keys -= {tag_key(name) for name in step["remove"]}
                keys |= {tag_key(name) for name in step["add"]}
        return keys


def _locked(notes: "NoteQuerySet") -> "NoteQuerySet":
    """Lock note rows in one order for everybody, and load what a change looks at."""
    return (
        Note.objects.filter(pid__in=notes.values("pid"))
        .order_by("pid")
        .cards()
        .select_for_update(of=("self",))
    )


def _retag(pid: int, step: dict[str, Any], tags: dict[str, Tag]) -> None:
    """Replace a note's removed tags by the added ones, at the place of the first removed."""
    gone = NoteTag.objects.filter(
        content_object=pid, tag__slug__in=[tag_key(name) for name in step["remove"]]
    )
    positions = list(gone.values_list("position", flat=True))
    gone.delete()
    NoteTag.objects.bulk_create(
        NoteTag(
            content_object_id=pid,
            tag=tags[tag_key(name)],
            position=positions[0]
            if positions
            else NoteTag.objects.filter(content_object=pid).count(),
        )
        for name in step["add"]
    )
