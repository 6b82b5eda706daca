"""The sample notes of a new notebook, and how they get in.

notes/NN-name/K.md is revision K of the note that later imports know as "sample:name"; NN
sets their order. A file is a header of `key: value` lines, an empty line, and the text.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from wiki.importers.item import Item, State, Unreadable
from wiki.importers.outcome import Outcome
from wiki.importers.owners import People
from wiki.importers.writer import Writer
from wiki.models import Note
from wiki.models.note_queryset import SAMPLE
from wiki.models.tag import parse_tags
from wiki.models.visibility import NoteType, Visibility
from wiki.rendering import sandbox

NOTES = Path(__file__).parent / "notes"
KEYS = {"title", "ref", "type", "tags", "visibility", "date", "summary"}


def add_to_empty(owner: Callable[[], Any]) -> int:
    """Add the samples, all or none, to a notebook that never had a note; returns how many.

    Deleted notes stay in the trash, so samples that were removed never come back by
    themselves. owner: called only when the notes are going to be added. Locks the notes
    against writers meanwhile. Raises Unreadable.
    """
    if Note.objects.exists():
        return 0
    items = list(read())
    surveys = sandbox.survey([(item.head.title, item.head.body or "") for item in items])
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Another machine that starts at the same time waits here, and then sees our notes.
            cursor.execute("LOCK TABLE wiki_note IN SHARE ROW EXCLUSIVE MODE")
        if Note.objects.exists():
            return 0
        people = People(owner())
        writer = Writer(people, visibility=Visibility.PUBLIC, last_pid=0, dry_run=False)
        for item, result in zip(items, writer.write(items, surveys), strict=True):
            if result.outcome != Outcome.CREATED:
                raise Unreadable(f"{item.path}: {result.notices[0].message}")
    return len(items)


def read() -> Iterator[Item]:
    """Yield the sample notes in their order. Raises Unreadable."""
    for folder in sorted(path for path in NOTES.iterdir() if path.is_dir()):
        files = sorted(folder.glob("*.md"), key=lambda file: int(file.stem))
        states = tuple(_state(file) for file in files)
        yield Item(
            path=folder.name,
            states=states,
            keys=(SAMPLE + folder.name.partition("-")[2],),
            created=states[0].created,
        )


def _state(file: Path) -> State:
    header, _, body = file.read_text(encoding="utf-8").partition("\n\n")
    said = {}
    for line in header.splitlines():
        key, colon, value = line.partition(": ")
        if not colon or key not in KEYS or key in said:
            raise Unreadable(f"{file}: {line!r} is no line of a header.")
        said[key] = value
    if missing := {"title", "date"} - set(said):
        raise Unreadable(f"{file}: the header lacks {', '.join(sorted(missing))}.")
    return State(
        number=int(file.stem),
        title=said["title"],
        body=body,
        ref=said.get("ref", ""),
        type=said.get("type", NoteType.NOTE),
        tags=tuple(parse_tags(said.get("tags", ""))),
        visibility=said.get("visibility", Visibility.PUBLIC),
        created=datetime.strptime(said["date"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC),
        summary=said.get("summary", ""),
    )
