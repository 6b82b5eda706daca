"""Items as notes that are not saved yet: their columns, numbers and names."""

from collections.abc import Sequence
from typing import Any

from wiki.importers.item import MAX_PID, Code, Item, Notice
from wiki.importers.owners import People
from wiki.importers.revisions import revisions_of
from wiki.models import Alias, Note
from wiki.models.bulk_insert import Arrival
from wiki.models.note_row import not_ahead
from wiki.rendering.survey import Survey


def arrival(item: Item, survey: Survey, people: People, visibility: str) -> Arrival:
    """Return a new note as its item says.

    Its numbers are still to be set, and its import_key, on which its links depend.
    """
    record = item.record
    assert item.created is not None
    note = Note(
        owner=owner_of(item, people),
        created=not_ahead(item.created),
        import_key=record.import_key if record else item.keys[0],
        import_sha256=record.import_sha256 if record else item.sha256(),
        extra=dict(item.extra),
        deleted=record.deleted if record else None,
        deleted_by=people.named(record.deleted_by) if record and record.deleted else None,
    )
    return Arrival(
        note=note,
        revisions=revisions_of(item, people, visibility),
        aliases={key: Alias.Kind(kind) for key, kind in item.names.items()},
        tags=record.tags if record else None,
        analysis=survey.analysis,
    )


def owner_of(item: Item, people: People) -> Any:
    """Return whose note it becomes: the archive's owner, else whoever imports."""
    return (people.named(item.record.owner) if item.record else None) or people.importer


class Numbers:
    """Which pids, legacy pids and import keys are taken, here and by the batch itself.

    numbered: the items that keep their numbers, all or none. Three queries at most, whatever
    the number of items.
    """

    def __init__(self, items: Sequence[Item], numbered: Sequence[Item]) -> None:
        self._keeps = bool(numbered)
        legacy = [item.record.legacy_pid for item in numbered if item.record]
        wanted = {number for number in (*legacy, *(item.pid for item in numbered)) if number}
        notes = Note.objects
        self._pids: set[int] = set()
        self._legacy: set[int] = set()
        if wanted:
            self._pids |= set(notes.filter(pid__in=wanted).values_list("pid", flat=True))
            kept = notes.filter(legacy_pid__in=wanted).values_list("legacy_pid", flat=True)
            self._legacy |= {number for number in kept if number is not None}
        keys = {item.record.import_key if item.record else item.keys[0] for item in items}
        keyed = notes.filter(import_key__in=keys - {None})
        self._keys: set[tuple[int, str | None]] = set(keyed.values_list("owner_id", "import_key"))

    def take(self, item: Item) -> tuple[int | None, int | None, list[Notice]]:
        """Return the pid to use (None: the next), the legacy pid to keep, and what to tell."""
        if not self._keeps:
            return None, None, []
        legacy = item.record.legacy_pid if item.record else None
        is_too_high = item.pid is not None and item.pid > MAX_PID
        is_free = item.pid not in self._pids and not is_too_high
        if legacy is None and not is_free:
            legacy = item.pid
        if legacy in self._legacy:
            legacy = None
        if legacy is not None:
            self._legacy.add(legacy)
        if is_free:
            if item.pid is not None:
                self._pids.add(item.pid)
            return item.pid, legacy, []
        if is_too_high:
            message = f"No note here has a number as high as {{{item.pid}}}, so it has a new one."
            return None, legacy, [Notice(Code.PID_TOO_HIGH, message)]
        message = f"Another note is {{{item.pid}}} here, so this one has a new number."
        return None, legacy, [Notice(Code.PID_TAKEN, message)]

    def take_key(self, note: Note) -> str | None:
        """Return the note's import_key, if no other note of its owner has it."""
        name = (note.owner_id, note.import_key)
        if name in self._keys:
            return None
        self._keys.add(name)
        return note.import_key
