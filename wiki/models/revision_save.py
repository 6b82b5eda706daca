"""Saving a revision: merge, render, analyse, lock, compare, insert, send signals.

Note.save_revision and Note.objects.write are the entry points.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from wiki import signals
from wiki.analysis.terms import Analysis, analyse
from wiki.diffing.conflict_places import marks, undecided
from wiki.diffing.merge import merge_fields, merge_tags
from wiki.fields import Fields
from wiki.markup import Rendered
from wiki.models import attachment_upload, search_index
from wiki.models.alias import Alias
from wiki.models.attachment import Attachment
from wiki.models.conflict import EditConflict, SubmissionUsed, UndecidedPlaces
from wiki.models.link import Link
from wiki.models.note_html import NoteHtml
from wiki.models.revision import Revision
from wiki.models.revision_file import RevisionFile, files_for
from wiki.models.tag import NoteTag, Tag, each_once, tag_key
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


def create(
    model: type["Note"],
    fields: Fields,
    *,
    owner: User,
    summary: str = "",
    submission: uuid.UUID | None = None,
) -> "Note":
    """Insert a note and its revision 0, or return the note this submission already made.

    Back in the browser, typed on, sent once more: the rest becomes revision 1. Raises
    SubmissionUsed where that would write another text, or another's note, over what was saved.
    """
    fields = _typed(fields, model, owner)
    rendered, analysis = sandbox.render(fields.body), analyse(fields.title, fields.body)
    now = timezone.now()
    try:
        with transaction.atomic():
            note = new_note(model, fields, owner, created=now)
            attachment_upload.adopt(note, owner, submission, rendered)
            append(
                note,
                Revision.of(
                    note,
                    0,
                    fields,
                    author=owner,
                    created=now,
                    summary=summary,
                    submission=submission,
                ),
                rendered,
                analysis,
            )
    except IntegrityError:
        made = _made_by(submission, fields, owner)
        if made is None:
            raise
        note = made
        attachment_upload.adopt(note, owner, submission, rendered)
        save(note, fields, base=0, author=owner, summary=summary, submission=submission)
    return note


def save(
    note: "Note",
    fields: Fields,
    *,
    base: int,
    author: User,
    summary: str,
    submission: uuid.UUID | None,
    source: str = Revision.Source.PERSON,
    files: Mapping[str, Attachment] | None = None,
    is_told: bool = False,
) -> Revision:
    """Append a revision edited from `base`; see Note.save_revision.

    files: which file a key means in this revision, where it is not the head's. is_told: the
    summary is worth a revision, though nothing changed.
    """
    if places := undecided(note.pid, fields.body):
        raise UndecidedPlaces(places)
    sent, is_typed = fields, source != Revision.Source.RESTORE
    while True:
        with transaction.atomic():
            _wait_turn(note)
            note = type(note).objects.cards().get(pid=note.pid)
            head = note.head_revision
            fields = _typed(sent, type(note), author, _present(note, base)) if is_typed else sent
            if done := submitted(note, submission):
                if same(fields, done.fields):
                    return done
                base, submission = _resubmitted_base(done, base), None
            draft = _merged(note, head, fields, base)
            is_same = not is_told and same(draft, note.current_fields())
            if is_same and not files and not attachment_upload.waiting(note, author).exists():
                return head
            rendered, analysis = sandbox.render(draft.body), analyse(draft.title, draft.body)
            if not _lock_as_seen(note):
                continue
            shown = files_for(
                note, draft.body, rendered, author=author, before=head.pk, files=files
            )
            if is_same and shown == RevisionFile.objects.shown_by(head):
                return head
            revision = Revision.of(
                note,
                head.number + 1,
                draft,
                author=author,
                created=timezone.now(),
                summary=summary,
                submission=submission,
                source=source if base == head.number else Revision.Source.MERGE,
                base=base,
            )
            append(note, revision, rendered, analysis, shown)
            return revision


def new_note(
    model: type["Note"], fields: Fields, owner: User, *, created: datetime, pid: int | None = None
) -> "Note":
    """Insert a note that has no revision yet; the caller appends one in the transaction."""
    note = model(pid=pid, owner=owner, created=created, modified=created)
    note.title, note.visibility = fields.title, fields.visibility
    note.save(force_insert=True)
    return note


def append(
    note: "Note",
    revision: Revision,
    rendered: Rendered,
    analysis: Analysis,
    files: Mapping[str, Attachment] | None = None,
) -> None:
    """Insert the revision and make it the head, with all that is derived from it.

    rendered, analysis: of its text, made before the note row was locked. files: those it
    shows, by what its text calls them, where the caller knows.

    The caller holds the note row (or has just inserted it) in a transaction. Sends
    revision_saved.
    """
    revision.note = note
    revision.save(force_insert=True)
    if files is None:
        body = revision.body or ""
        files = files_for(note, body, rendered, author=revision.author, before=note.head_id)
    if files:
        RevisionFile.objects.record(revision, files)
    is_new, title_key = note.head_id is None, note.title_key
    note.show(revision)
    note.save(update_fields=["head", "title", "title_key", "ref", "type", "visibility", "modified"])
    set_tags(note, revision.tags)
    NoteHtml.objects.keep([(note, revision, rendered)])
    if not rendered.is_typed:
        set_links(note, rendered.link_keys(note.folder))
    if revision.number and (is_new or title_key != note.title_key):
        Alias.objects.remember_titles(note)
    search_index.index(note, analysis)
    signals.revision_saved.send(type(note), note=note, revision=revision)


def set_tags(note: "Note", names: list[str]) -> None:
    """Make these the note's tags, so spelled, in this order. The caller holds the note row."""
    names = each_once(names)
    rows = NoteTag.objects.filter(content_object=note)
    if names == list(rows.values_list("name", flat=True)):
        return
    wanted = zip(names, Tag.objects.called(names), strict=True)
    rows.delete()
    NoteTag.objects.bulk_create(
        NoteTag(content_object=note, tag=tag, name=name, position=i)
        for i, (name, tag) in enumerate(wanted)
    )


def set_links(note: "Note", keys: set[str]) -> None:
    """Make these the keys the note links to. The caller holds the note row."""
    have = set(Link.objects.filter(note=note).values_list("key", flat=True))
    if have - keys:
        Link.objects.filter(note=note, key__in=have - keys).delete()
    Link.objects.bulk_create(Link(note=note, key=key) for key in sorted(keys - have))


def same(one: Fields, other: Fields) -> bool:
    """Tell whether two states are equal; the case of a tag does not count."""
    keys = [tuple(tag_key(name) for name in fields.tags) for fields in (one, other)]
    return replace(one, tags=keys[0]) == replace(other, tags=keys[1])


def _typed(
    fields: Fields, model: type["Note"], author: User, present: Iterable[str] = ()
) -> Fields:
    """Resolve the other words for tags that were typed; those present in the note stay."""
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


def next_pid_after(pid: int) -> None:
    """Let new notes be numbered after an imported one, if they are not yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('wiki_note', 'pid'), %s)"
            " FROM wiki_note_pid_seq WHERE last_value < %s OR NOT is_called",
            [pid, pid],
        )
