"""Saving a revision: merge, render, analyse, lock, compare, insert, send signals.

Note.save_revision and Note.objects.write are the entry points.
"""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from wiki.analysis.terms import analyse
from wiki.diffing.conflict_places import marks, undecided
from wiki.diffing.merge import merge_fields, merge_tags
from wiki.fields import Fields
from wiki.models import attachment_upload
from wiki.models.conflict import EditConflict, SubmissionUsed, UndecidedPlaces
from wiki.models.edit import Edit
from wiki.models.revision import Revision
from wiki.models.revision_append import append
from wiki.models.revision_file import RevisionFile, files_for
from wiki.models.tag import NoteTag, tag_key
from wiki.models.tag_alias import typed_tags
from wiki.models.visibility import Visibility
from wiki.rendering import sandbox

if TYPE_CHECKING:
    from wiki.models.note import Note


def with_tags(fields: Fields, tags: tuple[str, ...]) -> Fields:
    """Return the fields with other tags."""
    return replace(fields, tags=tags)


def with_visibility(fields: Fields, visibility: str) -> Fields:
    """Return the fields for other readers."""
    return replace(fields, visibility=visibility)


def create(model: type["Note"], edit: Edit) -> "Note":
    """Insert a note and its revision 0, or return the note this submission already made.

    A form that is sent once more, with more in it, makes the rest revision 1. Raises
    SubmissionUsed where that would write another text, or another's note, over what was saved.
    """
    fields = _with_resolved_tags(edit.fields, model, edit.author)
    rendered, analysis = sandbox.render(fields.body), analyse(fields.title, fields.body)
    now = timezone.now()
    try:
        with transaction.atomic():
            note = new_note(model, fields, edit.author, created=now)
            attachment_upload.adopt(note, edit.author, edit.submission, rendered)
            revision = Revision.of(note, 0, fields, created=now, **edit.columns())
            append(note, revision, rendered, analysis)
    except IntegrityError:
        made = _made_by(edit.submission, fields, edit.author)
        if made is None:
            raise
        note = made
        attachment_upload.adopt(note, edit.author, edit.submission, rendered)
        save(note, replace(edit, fields=fields))
    return note


def save(note: "Note", edit: Edit) -> Revision:
    """Append a revision; see Note.save_revision."""
    if places := undecided(note.pid, edit.fields.body):
        raise UndecidedPlaces(places)
    while True:
        revision = _save_once(note, edit)
        if revision is not None:
            return revision


@transaction.atomic
def _save_once(note: "Note", edit: Edit) -> Revision | None:
    """Merge, render and append; None if the note changed in between, so that nothing was saved."""
    _wait_turn(note)
    note = type(note).objects.cards().get(pid=note.pid)
    head = note.head_revision
    if edit.source != Revision.Source.RESTORE:
        present = _present(note, edit.base)
        edit = replace(
            edit, fields=_with_resolved_tags(edit.fields, type(note), edit.author, present)
        )
    if done := submitted(note, edit.submission):
        if same(edit.fields, done.fields):
            return done
        edit = replace(edit, base=_resubmitted_base(done, edit.base), submission=None)
    draft = _merged(note, head, edit.fields, edit.base)
    is_same = not edit.is_always_saved and same(draft, note.current_fields())
    if is_same and not edit.files and not attachment_upload.waiting(note, edit.author).exists():
        return head
    rendered, analysis = sandbox.render(draft.body), analyse(draft.title, draft.body)
    if not _lock_as_seen(note):
        return None
    files = files_for(
        note, draft.body, rendered, author=edit.author, before=head.pk, files=edit.files
    )
    if is_same and files == RevisionFile.objects.shown_by(head):
        return head
    columns = edit.columns() | {"base": edit.base}
    if edit.base != head.number:
        columns["source"] = Revision.Source.MERGE
    revision = Revision.of(note, head.number + 1, draft, created=timezone.now(), **columns)
    append(note, revision, rendered, analysis, files)
    revision.note = note
    return revision


def new_note(
    model: type["Note"], fields: Fields, owner: User, *, created: datetime, pid: int | None = None
) -> "Note":
    """Insert a note that has no revision yet; the caller appends one in the transaction."""
    note = model(pid=pid, owner=owner, created=created, modified=created)
    note.title, note.visibility = fields.title, fields.visibility
    note.save(force_insert=True)
    return note


def same(one: Fields, other: Fields) -> bool:
    """Tell whether two states are equal; the case of a tag does not count."""
    keys = [tuple(tag_key(name) for name in fields.tags) for fields in (one, other)]
    return replace(one, tags=keys[0]) == replace(other, tags=keys[1])


def _with_resolved_tags(
    fields: Fields, model: type["Note"], author: User, present: Iterable[str] = ()
) -> Fields:
    """Put tags in the place of their aliases that were typed; those the note has stay."""
    notes = model.objects.visible_to(author)
    return with_tags(fields, tuple(typed_tags(fields.tags, present, notes)))


def _present(note: "Note", base: int) -> list[str]:
    """Return the tags a form opened at this revision showed, and those the note has now."""
    at_base: Iterable[list[str]] = [note.head_revision.tags]
    if base != note.head_revision.number:
        of_base = Revision.objects.filter(note=note, number=base)
        at_base = of_base.values_list("tags", flat=True)
    return [*chain.from_iterable(at_base), *map(str, note.shown_tags())]


def _merged(note: "Note", head: Revision, mine: Fields, base: int) -> Fields:
    """Join what was typed with what the note says now, or raise EditConflict."""
    now = note.current_fields()
    if base == head.number:
        return with_tags(mine, tuple(merge_tags(head.tags, mine.tags, now.tags)))
    start = Revision.objects.filter(note=note, number=base, body__isnull=False).first()
    # Edited from a text nobody knows: everything both sides say may be a change.
    known = start.fields if start else Fields("", "", "", now.type, (), now.visibility)
    merge = merge_fields(known, mine, now, partial(marks, note.pid, head.number))
    if _would_publish(known, mine, now):
        merge = replace(merge, conflicts=(*merge.conflicts, "visibility"))
    if not merge.is_clean:
        raise EditConflict(note, head, mine, merge)
    return merge.fields


def _would_publish(known: Fields, mine: Fields, now: Fields) -> bool:
    """Tell whether a merge would show everyone what was written for a private note.

    The note was published while somebody edited it who had no reason to expect that.
    """
    was_published = known.visibility == mine.visibility == Visibility.PRIVATE != now.visibility
    return was_published and not same(mine, known)


def _made_by(submission: uuid.UUID | None, fields: Fields, owner: User) -> "Note | None":
    """Return the note that this form made, of which fields are the same or more.

    None if no form made anything with this submission. Raises SubmissionUsed.
    """
    done = Revision.objects.filter(submission=submission, submission__isnull=False).first()
    if done is None:
        return None
    is_own = done.author == owner and done.number == 0 and done.note.deleted is None
    if not is_own:
        raise SubmissionUsed(None)
    goes_on = fields.body.startswith((done.body or "").rstrip())
    if fields.title != done.title or not goes_on:
        raise SubmissionUsed(done.note)
    return done.note


def submitted(note: "Note", submission: uuid.UUID | None) -> Revision | None:
    """Return the revision of this note that the form made. Raises SubmissionUsed."""
    if submission is None:
        return None
    done = Revision.objects.filter(submission=submission).first()
    if done is not None and done.note_id != note.pid:
        raise SubmissionUsed(None)
    return done


def _resubmitted_base(done: Revision, base: int) -> int:
    """Return what a form was edited from that was saved, gone back to, and sent with more.

    That is the revision it made, unless others' changes were merged into that one.
    """
    return base if done.source == Revision.Source.MERGE else done.number


def _lock_as_seen(note: "Note") -> bool:
    """Lock the note row; tell whether it still has the head and the tags it was loaded with.

    Only a tag change, the trash or an import can have come in between: savers wait their turn.
    """
    locked = type(note).objects.select_for_update(of=("self",)).get(pid=note.pid)
    tags = NoteTag.objects.filter(content_object=note).values_list("name", flat=True)
    return locked.head_id == note.head_id and list(tags) == [*map(str, note.shown_tags())]


def _wait_turn(note: "Note") -> None:
    """Queue up with the others who save this note: first come, first served.

    The lock ends with the transaction. Readers, tag changes and the trash never wait for
    it, so a text may be rendered while it is held; and nobody renders in vain because a
    quicker saver came in between.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [note.pid])
