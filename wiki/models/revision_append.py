"""Appending a revision: its row, and every row that is derived from the head."""

from collections.abc import Mapping

from django.db import connection

from wiki import signals
from wiki.analysis.terms import Analysis
from wiki.markup import Rendered
from wiki.models import search_index
from wiki.models.alias import Alias
from wiki.models.attachment import Attachment
from wiki.models.link import Link
from wiki.models.note_html import NoteHtml
from wiki.models.note_row import NoteRow
from wiki.models.revision import Revision
from wiki.models.revision_file import RevisionFile, files_for
from wiki.models.tag import NoteTag, Tag, each_once


def append(
    note: NoteRow,
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


def set_tags(note: NoteRow, names: list[str]) -> None:
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


def set_links(note: NoteRow, keys: set[str]) -> None:
    """Make these the keys the note links to. The caller holds the note row."""
    have = set(Link.objects.filter(note=note.pid).values_list("key", flat=True))
    if have - keys:
        Link.objects.filter(note=note.pid, key__in=have - keys).delete()
    Link.objects.bulk_create(Link(note_id=note.pid, key=key) for key in sorted(keys - have))


def next_pid_after(pid: int) -> None:
    """Let new notes be numbered after an imported one, if they are not yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('wiki_note', 'pid'), %s)"
            " FROM wiki_note_pid_seq WHERE last_value < %s OR NOT is_called",
            [pid, pid],
        )
