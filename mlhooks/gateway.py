"""The gateway: the only module of the ML app that reads the wiki's notes."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length

from mlhooks.jobs.kinds import Progress
from mlhooks.models import EncoderIndex, IndexedNote, NoteBlocks, SplitNote, UnreadNote
from wiki import access, integrity
from wiki.markup import as_read
from wiki.models import Alias, Link, Revision
from wiki.models import Note as Note
from wiki.models.note_queryset import NoteQuerySet
from wiki.reader import Reader
from wiki.rendering import sandbox

logger = logging.getLogger(__name__)

# The notes some reader may read; rankers and panels are given them.
Readable = NoteQuerySet


@dataclass(frozen=True)
class Head:
    """What a note says now: the number of its newest revision, its title and text.

    body is the text as its readers see it. What its writer hid does not pass the gateway, and
    places in the text of a note are everywhere counted without it.
    """

    pid: int
    number: int
    title: str
    body: str


def verify_integrity() -> dict[str, Any]:
    """Check every note, revision and tag; return the report of the wiki app, JSON-able."""
    try:
        return integrity.verify().as_json()
    finally:
        # A worker renders nothing else, so its children would only wait for tomorrow.
        sandbox.stop()


def verify_integrity_job(payload: dict[str, Any], progress: Progress) -> Any:
    """Check the whole notebook as a job; the report of the wiki app is the result."""
    report = verify_integrity()
    if report["ok"]:
        progress(1.0, "Everything is as it was saved.")
    else:
        count = len(report["problems"])
        logger.error("verify_integrity found %s problems", count)
        progress(1.0, f"{count} problems: `manage.py verify_integrity` lists them.")
    return report


def heads(pids: Collection[int]) -> dict[int, Head]:
    """Return what these notes say now; those in the trash or gone are left out."""
    rows = live().filter(pid__in=pids).values_list("pid", "head__number", "title", "head__body")
    return {pid: Head(pid, number, title, as_read(body or "")) for pid, number, title, body in rows}


def body_of(pid: int, number: int) -> str | None:
    """Return the text of one revision as its readers see it; None where there is none."""
    texts = Revision.objects.filter(note=pid, number=number).values_list("body", flat=True)
    body = texts.first()
    return None if body is None else as_read(body)


def shown_text(note: Note) -> str:
    """Return the text of a note's head as its readers see it."""
    return as_read(note.head_revision.body or "")


def hold(pids: Collection[int]) -> dict[int, int]:
    """Hold these notes' rows until the transaction ends; return the number of each head.

    Those in the trash or gone are left out. Whoever saves one of them meanwhile waits.
    """
    held = live().filter(pid__in=pids).order_by("pid")
    return dict(
        held.select_for_update(of=("self",), no_key=True).values_list("pid", "head__number")
    )


def readable(reader: Reader) -> Readable:
    """Return the notes that somebody may read."""
    return Note.objects.visible_to(reader)


def editable(user: Reader, pid: int) -> Note:
    """Return a note that somebody may write. Raises Http404 and PermissionDenied."""
    return access.editable_note(user, pid)


def beside(note: Note, reader: Reader) -> QuerySet[Any, Any]:
    """Return (pid, title, revision, body, links_here) of notes to show beside this one.

    Those the reader may read, without the ones that a link in the text of this note leads to;
    links_here tells whether a link in theirs leads here.
    """
    links = Link.objects.filter(note=note.pid)
    names = Alias.objects.known_to(reader)
    titled = links.filter(key=OuterRef("title_key"))
    called = names.filter(note=OuterRef("pid"), key__in=links.values("key"))
    leading_here = Q(key=note.title_key) | Q(key__in=names.filter(note=note.pid).values("key"))
    linking = Link.objects.filter(leading_here, note=OuterRef("pid"))
    return (
        readable(reader)
        .filter(~Exists(titled), ~Exists(called))
        .exclude(pid=note.pid)
        .with_shown_text()
        .annotate(revision=F("head__number"), body=F("shown"), links_here=Exists(linking))
        .values_list("pid", "title", "revision", "body", "links_here")
    )


def live() -> QuerySet[Note]:
    """Return the notes that are not in the trash."""
    return Note.objects.filter(deleted=None, head__isnull=False)


def count() -> int:
    """Return how many notes there are."""
    return live().count()


def count_current(index: EncoderIndex) -> int:
    """Return of how many notes an index holds what they say now."""
    return live().filter(_is_current(index)).count()


def coverage(index: EncoderIndex | None) -> tuple[int, int]:
    """Return how many notes there are, and of how many an index holds what they say now.

    One query.
    """
    is_current = Q(pk__in=[]) if index is None else Q(_is_current(index))
    found = live().aggregate(total=Count("pid"), current=Count("pid", filter=is_current))
    return found["total"], found["current"]


def missing_from(index: EncoderIndex | None, pids: Collection[int]) -> set[int]:
    """Return those of these notes of which an index does not hold what they say now."""
    left = live() if index is None else not_current(index)
    return set(left.filter(pid__in=pids).values_list("pid", flat=True))


def not_current(index: EncoderIndex) -> QuerySet[Note]:
    """Return the notes of which an index does not hold what they say now."""
    return live().filter(~_is_current(index))


def left_to_embed(index: EncoderIndex) -> QuerySet[Note]:
    """Return the notes that are not current, without those that could not be read."""
    return not_current(index).filter(~_has_failed(index))


def count_failed(index: EncoderIndex) -> int:
    """Return how many notes are not current because they could not be read."""
    return not_current(index).filter(_has_failed(index)).count()


def failed_notes(index: EncoderIndex, most: int, reader: Reader) -> list[UnreadNote]:
    """Return why notes that reader may read could not be read, in order of their numbers."""
    failed = not_current(index).filter(_has_failed(index), pid__in=readable(reader).values("pid"))
    pids = failed.order_by("pid").values("pid")
    return list(index.unread.filter(note__in=pids[:most]).order_by("note"))


def pids_in_order(chosen: QuerySet[Note], at_a_time: int) -> Iterator[Sequence[int]]:
    """Yield the numbers of these notes, some at a time; each once, also if it is chosen again."""
    last = 0
    while True:
        left = chosen.filter(pid__gt=last).order_by("pid")
        pids = list(left.values_list("pid", flat=True)[:at_a_time])
        if not pids:
            return
        yield pids
        last = pids[-1]


def lengths(pids: Collection[int]) -> dict[int, int]:
    """Return how many characters the texts of these notes have."""
    rows = live().filter(pid__in=pids).values_list("pid", Length("head__body"))
    return {pid: length or 0 for pid, length in rows}


def gone_pids() -> list[int]:
    """Return the numbers of notes of which something is kept, but that are in the trash or gone."""
    gone = (
        model.objects.exclude(note__in=live().values("pid")).values_list("note", flat=True)
        for model in (SplitNote, NoteBlocks)
    )
    return list(set().union(*gone))


def _is_current(index: EncoderIndex) -> Exists:
    return Exists(
        IndexedNote.objects.filter(
            index=index, note=OuterRef("pid"), revision=OuterRef("head__number"), is_whole=True
        )
    )


def _has_failed(index: EncoderIndex) -> Exists:
    return Exists(
        UnreadNote.objects.filter(
            index=index, note=OuterRef("pid"), revision=OuterRef("head__number")
        )
    )
