"""Changing the tags of many notes: one recorded, undoable change."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from wiki.models.note import Note
from wiki.models.tag import MAX_TAGS, NoteTag, Tag, each_once, tag_key
from wiki.models.tag_alias import TagAlias

if TYPE_CHECKING:
    from wiki.models.note_queryset import NoteQuerySet

ROWS_AT_A_TIME = 5_000


class TagChangeQuerySet(models.QuerySet["TagChange"]):
    """Makes changes; a change is recorded and carried out in one transaction."""

    def made_by(self, user: User) -> "TagChangeQuerySet":
        """Keep the changes user made; a superuser sees all."""
        return self if user.is_superuser else self.filter(author=user)

    @transaction.atomic
    def rename(self, old: str, new: str, *, author: User) -> "TagChange":
        """Put the tag `new` where `old` is, on all notes author may edit.

        A note that has both keeps one (a merge); an empty `new` takes the tag away, and
        another spelling of `old` respells it. Makes no revision and moves no note in the list
        of changes. Holds those note rows.
        """
        readable = Note.objects.visible_to(author)
        (new,) = TagAlias.objects.meant_by([new], readable) if new else [""]
        notes = _locked(Note.objects.editable_by(author).filter(note_tags__tag__slug=tag_key(old)))
        steps = {}
        for note in notes:
            if step := _step(note, [old], [new] if new else []):
                steps[str(note.pid)] = step
        kind = self._kind(old, new, readable)
        return self._carry_out(notes, steps, kind=kind, old=old, new=new, author=author)

    @transaction.atomic
    def retag(
        self, notes: "NoteQuerySet", add: Sequence[str], remove: Sequence[str], *, author: User
    ) -> "TagChange":
        """Add and remove tags on those of these notes that author may edit; as rename().

        Raises ValidationError if a note would get more than MAX_TAGS.
        """
        readable = Note.objects.visible_to(author)
        wanted = TagAlias.objects.meant_by(add, readable)
        remove = each_once([*remove, *TagAlias.objects.meant_by(remove, readable)])
        locked = _locked(Note.objects.editable_by(author).filter(pid__in=notes.values("pid")))
        steps = {}
        for note in locked:
            if step := _step(note, remove, wanted):
                steps[str(note.pid)] = step
        old, new = " ".join(remove), " ".join(wanted)
        kind = TagChange.Kind.NOTES
        return self._carry_out(locked, steps, kind=kind, old=old, new=new, author=author)

    @transaction.atomic
    def add_alias(self, word: str, tag: Tag, *, author: User) -> "TagChange":
        """Let whoever types the word, and may read a note with the tag, get the tag.

        Raises ValidationError if author knows it as another word for a tag already. That it
        is so for others, of a tag that author may not know, changes nothing.
        """
        readable = Note.objects.visible_to(author)
        if TagAlias.objects.tags_of([word], readable):
            (taken,) = TagAlias.objects.meant_by([word], readable)
            raise ValidationError(f"“{word}” leads to the tag “{taken}” already.")
        TagAlias.objects.let_mean(word, tag, author=author)
        (new,) = Tag.objects.filter(pk=tag.pk).spelled_for(readable)
        kind = TagChange.Kind.ALIAS
        return self._carry_out([], {}, kind=kind, old=word, new=str(new), author=author)

    @transaction.atomic
    def undo(self, change: "TagChange", *, author: User) -> "TagChange":
        """Take a change back, on the notes that still show it. Holds those note rows."""
        notes = _locked(Note.objects.editable_by(author).filter(pid__in=list(change.steps)))
        steps = {}
        for note in notes:
            done = change.steps[str(note.pid)]
            have = {tag_key(tag.name) for tag in note.shown_tags()}
            if {tag_key(name) for name in done["add"]} <= have:
                steps[str(note.pid)] = _back(note, done)
        if change.kind == TagChange.Kind.ALIAS:
            self._switch_alias(change)
        said = {"kind": change.kind, "old": change.new, "new": change.old}
        return self._carry_out(notes, steps, **said, author=author, undoes=change)

    def _kind(self, old: str, new: str, readable: "NoteQuerySet") -> str:
        if not new:
            return TagChange.Kind.DELETE
        is_other = tag_key(old) != tag_key(new)
        is_merge = is_other and readable.filter(note_tags__tag__slug=tag_key(new)).exists()
        return TagChange.Kind.MERGE if is_merge else TagChange.Kind.RENAME

    def _switch_alias(self, change: "TagChange") -> None:
        """Take an alias away again, or put back one that an undo took away."""
        if change.undoes is None:
            word, name = tag_key(change.old), tag_key(change.new)
            TagAlias.objects.filter(slug=word, tag__slug=name).delete()
        else:
            (tag,) = Tag.objects.called([change.old])
            TagAlias.objects.let_mean(change.new, tag, author=change.undoes.author)

    def _carry_out(
        self, notes: Iterable[Note], steps: dict[str, dict[str, Any]], **said: Any
    ) -> "TagChange":
        # The note rows are held by now: a saver holds its note before it makes a tag, and
        # so do we, or the two could wait for each other.
        names = {name for step in steps.values() for name in step["add"]}
        tags = {tag.slug: tag for tag in Tag.objects.called(sorted(names))}
        _retag([note for note in notes if str(note.pid) in steps], steps, tags)
        return self.create(created=timezone.now(), steps=steps, **said)


class TagChange(models.Model):
    """What was changed: per note the head's number then, and the names removed and added.

    The tags of a note are those of its head revision after all later changes recorded
    against that head. An undo is a change of its own. old and new hold one name, or of a
    change of chosen notes (NOTES) all that were removed and added; of an alias, the word and
    its tag.
    """

    class Kind(models.TextChoices):
        RENAME = "rename"
        MERGE = "merge"
        DELETE = "delete"
        ALIAS = "alias"
        NOTES = "notes"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RENAME)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created = models.DateTimeField()
    steps = models.JSONField(default=dict)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="undone_by"
    )

    objects = TagChangeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.old or '(no tag)'} → {self.new or '(no tag)'} on {len(self.steps)} notes"

    @property
    def count(self) -> int:
        """Return how many notes were changed."""
        return len(self.steps)

    @property
    def is_undone(self) -> bool:
        """Tell whether it was taken back. No query after select_related."""
        return hasattr(self, "undone_by")

    @classmethod
    def replayed(cls, note: Note, changes: Iterable["TagChange"]) -> set[str]:
        """Return the keys of the tags the note should have: its head's, then each change."""
        keys = {tag_key(name) for name in note.head_revision.tags}
        for change in changes:
            step = change.steps.get(str(note.pid))
            if step is not None and step["revision"] == note.head_revision.number:
                keys -= {tag_key(name) for name in step["remove"]}
                keys |= {tag_key(name) for name in step["add"]}
        return keys


def _locked(notes: "NoteQuerySet") -> list[Note]:
    """Lock note rows in one order for everybody, and load what a change looks at.

    Loaded after the lock: who waited for a saver would find the note without its new head.
    """
    rows = Note.objects.filter(pid__in=notes.values("pid")).order_by("pid")
    pids = list(rows.select_for_update(of=("self",)).values_list("pid", flat=True))
    loaded = Note.objects.filter(pid__in=pids).order_by("pid").select_related("head")
    return list(loaded.only("pid", "head__number").prefetch_related("note_tags"))


def _step(note: Note, remove: Sequence[str], add: Sequence[str]) -> dict[str, Any] | None:
    """Return what changes on a note, spelled as there; nothing if it is so already."""
    have = {tag_key(tag.name): tag.name for tag in note.shown_tags()}
    gone = [have[tag_key(name)] for name in remove if tag_key(name) in have]
    left = have.keys() - {tag_key(name) for name in gone}
    come = [name for name in add if tag_key(name) not in left]
    if set(gone) == set(come):
        return None
    if len(come) > len(gone) and len(left) + len(come) > MAX_TAGS:
        raise ValidationError(
            f"{{{note.pid}}} would have {len(left) + len(come)} tags, and a note has at most "
            f"{MAX_TAGS}. Nothing was changed; leave that note out."
        )
    return {"revision": note.head_revision.number, "remove": gone, "add": come}


def _back(note: Note, done: dict[str, Any]) -> dict[str, Any]:
    return {"revision": note.head_revision.number, "remove": done["add"], "add": done["remove"]}


def _retag(notes: Sequence[Note], steps: dict[str, Any], tags: dict[str, Tag]) -> None:
    """Replace each note's removed tags by the added ones, at the place of the first removed."""
    gone: list[int] = []
    come: list[NoteTag] = []
    for note in notes:
        step = steps[str(note.pid)]
        removed = {tag_key(name) for name in step["remove"]}
        rows = list(note.note_tags.all())
        leaving = [row for row in rows if tag_key(row.name) in removed]
        staying = {tag_key(row.name) for row in rows} - removed
        place = leaving[0].position if leaving else len(rows)
        gone += [row.pk for row in leaving]
        come += [
            NoteTag(content_object=note, tag=tags[tag_key(name)], name=name, position=place)
            for name in step["add"]
            if tag_key(name) not in staying
        ]
    for start in range(0, len(gone), ROWS_AT_A_TIME):
        NoteTag.objects.filter(pk__in=gone[start : start + ROWS_AT_A_TIME]).delete()
    NoteTag.objects.bulk_create(come, batch_size=ROWS_AT_A_TIME)
