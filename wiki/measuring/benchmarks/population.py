"""Many notes at once, for measuring: by the way that imports take, without their HTML."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from wiki.fields import Fields
from wiki.markup.wikilink import WIKILINK, link_key
from wiki.models import Note, Revision
from wiki.models.bulk_insert import Arrival
from wiki.models.visibility import Visibility

NOTES_AT_A_TIME = 500


def write_many(fields: Iterable[Fields], owner: User) -> list[int]:
    """Write a note of each; returns their numbers in the same order."""
    remaining = iter(fields)
    pids: list[int] = []
    while some := list(islice(remaining, NOTES_AT_A_TIME)):
        arrivals = list(_arrivals(some, owner))
        Note.objects.import_batch(arrivals)
        pids += [arrival.note.pid for arrival in arrivals]
    return pids


def write_one(fields: Fields, owner: User) -> int:
    """Write a note as a person does; return its number."""
    return Note.objects.write(fields, owner=owner).pid


def save_again(pid: int, change: Callable[[Fields], Fields]) -> bool:
    """Save a note as its owner does who changed some fields; tell whether it has a new revision."""
    note = Note.objects.get(pid=pid)
    before = note.head_revision.number
    fields = change(note.head_revision.fields)
    return note.save_revision(fields, base=before, author=note.owner).number != before


def publish_only(pids: Collection[int]) -> None:
    """Let everybody read these notes, and only their owners the others.

    For those that ask the notes alone: the words keep the readers that they had.
    """
    Note.objects.exclude(pid__in=pids).update(visibility=Visibility.PRIVATE)
    Note.objects.filter(pid__in=pids).update(visibility=Visibility.PUBLIC)
    settle()


def settle() -> None:
    """Bring the database to where it is when a notebook has lived for a while."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _arrivals(some: list[Fields], owner: User) -> Iterator[Arrival]:
    for fields in some:
        now = timezone.now()
        note = Note(owner=owner, created=now, modified=now)
        revision = Revision.of(note, 0, fields, author=owner, created=now)
        links = {link_key(match[1]) for match in WIKILINK.finditer(fields.body)}
        yield Arrival(note, [revision], links)
