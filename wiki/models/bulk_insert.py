"""Bulk insert of notes: numbers, hashes, rows by COPY, search index, signals.

Note.objects.import_batch is the only caller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import connection, transaction

from wiki import signals
from wiki.analysis.terms import Analysis, analyse
from wiki.models import search_index
from wiki.models.alias import Alias
from wiki.models.copy_rows import copy_in, number
from wiki.models.link import Link
from wiki.models.revision import Revision
from wiki.models.tag import NoteTag, Tag, each_once, tag_key
from wiki.models.tag_alias import TagAlias

if TYPE_CHECKING:
    from wiki.models.note import Note


@dataclass
class Arrival:
    """A note that an import brings, not saved yet.

    note: its owner, its first date and what only an import knows; without a pid it gets the
    next one. revisions: in order, not sealed; the last is the head. links: the keys its
    head links to. aliases: further names, by key. tags: those it carries, where that is not
    what its head says; then its revisions stay letter by letter. analysis: the words of its
    head, if they are known already.
    """

    note: "Note"
    revisions: list[Revision]
    links: Iterable[str] = ()
    aliases: Mapping[str, Alias.Kind] = field(default_factory=dict)
    tags: Sequence[str] | None = None
    analysis: Analysis | None = None

    @property
    def head(self) -> Revision:
        return self.revisions[-1]

    @property
    def had_other_titles(self) -> bool:
        return bool({revision.title for revision in self.revisions} - {self.head.title, ""})

    @property
    def shown(self) -> Sequence[str]:
        return self.head.tags if self.tags is None else self.tags


@transaction.atomic
def insert(arrivals: Sequence[Arrival]) -> None:
    """Insert notes with their revisions, tags, links, names and words; all or none.

    No HTML is made: that happens when somebody reads. Sends the signals that
    saving them one by one would. About 15 queries, whatever the number.
    """
    number([arrival.note for arrival in arrivals])
    carried = _with_tags(arrivals)
    revisions = _sealed(arrivals)
    with connection.cursor() as cursor:
        # A note names its head, and that names the note.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    copy_in([arrival.note for arrival in arrivals])
    copy_in(revisions)
    copy_in(carried)
    copy_in([Link(note=one.note, key=key) for one in arrivals for key in sorted(one.links)])
    copy_in(
        [
            Alias(note=one.note, key=key, kind=kind)
            for one in arrivals
            for key, kind in sorted(one.aliases.items())
        ]
    )
    for arrival in arrivals:
        if arrival.had_other_titles:
            Alias.objects.remember_titles(arrival.note)
    alive = [arrival for arrival in arrivals if arrival.note.deleted is None]
    with connection.wrap_database_errors:
        search_index.index_many([(one.note, one.analysis or _analysis(one.head)) for one in alive])
    for arrival in arrivals:
        _send_signals(arrival, more=arrival is not arrivals[-1])


def _sealed(arrivals: Sequence[Arrival]) -> list[Revision]:
    """Return all revisions, complete; each note shows its head."""
    revisions = [revision for arrival in arrivals for revision in arrival.revisions]
    for arrival in arrivals:
        for revision in arrival.revisions:
            revision.note = arrival.note
            revision.sha256 = revision.digest()
    number(revisions)
    for arrival in arrivals:
        arrival.note.show(arrival.head)
    return revisions


def _with_tags(arrivals: Sequence[Arrival]) -> list[NoteTag]:
    """Resolve other words for tags, unless a note comes with all it ever said.

    Returns which note carries which tag.
    """
    shown = []
    for owner, some in groupby(arrivals, lambda one: one.note.owner):
        shown += _resolved(list(some), owner)
    names = each_once(chain.from_iterable(shown))
    tags = dict(zip(map(tag_key, names), Tag.objects.called(names), strict=True))
    rows = []
    for arrival, carried in zip(arrivals, shown, strict=True):
        if arrival.tags is None:
            arrival.head.tags = carried
        rows += [
            NoteTag(content_object=arrival.note, tag=tags[tag_key(name)], name=name, position=i)
            for i, name in enumerate(carried)
        ]
    return rows


def _resolved(arrivals: Sequence[Arrival], owner: User) -> list[list[str]]:
    """Return the tags each of these notes of one person gets."""
    notes = type(arrivals[0].note).objects.visible_to(owner)
    typed = [name for one in arrivals if one.tags is None for name in one.shown]
    meant = TagAlias.objects.meanings(typed, notes)
    return [
        each_once(one.shown if one.tags is not None else [meant[tag_key(n)] for n in one.shown])
        for one in arrivals
    ]


def _analysis(head: Revision) -> Analysis:
    return analyse(head.title, head.body or "")


def _send_signals(arrival: Arrival, *, more: bool) -> None:
    note = arrival.note
    signals.revision_saved.send(type(note), note=note, revision=arrival.head, more=more)
    if note.deleted is not None:
        signals.note_removed.send(type(note), note=note)
