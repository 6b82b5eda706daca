"""From items to notes: the only place where an import touches the database.

Each item is one transaction: it is imported or it is reported, never half. Importing the
same file again changes nothing.
"""

from dataclasses import replace

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q

from wiki.importers.checking import MOST_PID, complaint
from wiki.importers.item import Code, Item, Notice
from wiki.importers.outcome import Outcome, Result
from wiki.importers.people import People
from wiki.importers.sealing import fields_of, sealed
from wiki.importers.updating import extend, keep_record, starts_like, take_over
from wiki.markup import Rendered, bounded, link_key
from wiki.models import Note, Revision, Tag, saving
from wiki.search.analysis import analyse


class Writer:
    """Writes items one after the other; with dry_run it tells what it would do.

    visibility: who may read what says nothing about it itself. last_pid: the highest number
    in the file; a note that needs a new one gets a higher one.
    """

    def __init__(self, people: People, *, visibility: str, last_pid: int, dry_run: bool) -> None:
        self._people, self._visibility, self._dry_run = people, visibility, dry_run
        self._seen: set[int] = set()
        self._placed: set[int] = set()
        if last_pid and not dry_run:
            saving.next_pid_after(min(last_pid, MOST_PID))

    def write(self, item: Item, rendered: Rendered | None) -> Result:
        """Import one item. rendered: its head's text, if that is known already."""
        refused = self._refusal(item)
        if refused is not None:
            return Result(Outcome.FAILED, (*item.notices, refused))
        if not item.states:
            return Result(Outcome.FAILED, item.notices)
        try:
            with transaction.atomic():
                result = self._place(item, rendered)
                if self._dry_run:
                    transaction.set_rollback(True)
        except (DataError, IntegrityError) as error:
            message = f"The database refused it: {str(error).strip().splitlines()[0]}"
            result = Result(Outcome.FAILED, (Notice(Code.NOT_SAVED, message),))
        if result.pid is not None:
            self._placed.add(result.pid)
        return replace(result, notices=(*item.notices, *result.notices))

    def _refusal(self, item: Item) -> Notice | None:
        if item.pid is not None:
            if item.pid in self._seen:
                return Notice(Code.REPEATED, f"The file has another entry {{{item.pid}}} above.")
            self._seen.add(item.pid)
        return complaint(item)

    def _place(self, item: Item, rendered: Rendered | None) -> Result:
        """Decide what the item is here, and write it; holds the note row of an update."""
        note = self._known(item)
        if note is None:
            return self._create(item, rendered)
        if item.record is not None:
            return extend(note, item, self._people)
        if note.deleted is not None:
            message = f"Note {note.pid} is in the trash. Undelete it, then import again."
            return Result(Outcome.SKIPPED, (Notice(Code.IN_TRASH, message),), note.pid)
        return take_over(note, item, self._people)

    def _known(self, item: Item) -> Note | None:
        """Find the note an earlier import of this item made, or the archived note itself."""
        if item.record is not None:
            numbered = Note.objects.filter(Q(pid=item.pid) | Q(legacy_pid=item.pid))
            return next((note for note in numbered if starts_like(note, item)), None)
        mine = Note.objects.filter(owner=self._people.importer)
        by_key = {note.import_key: note for note in mine.filter(import_key__in=item.keys)}
        found = [by_key[key] for key in item.keys if key in by_key]
        if not found and item.pid is None and item.is_named_by_title:
            kind = item.keys[0].partition(":")[0]
            named = mine.filter(title_key=link_key(item.head.title), ref=item.head.ref)
            found = list(named.filter(import_key__startswith=f"{kind}:").order_by("pid"))
        # A note is only one of the file's entries, also where several have its title.
        return next((note for note in found if note.pid not in self._placed), None)

    def _create(self, item: Item, rendered: Rendered | None) -> Result:
        """Insert the note with all its revisions. A dry run takes no number for it."""
        pid, legacy_pid, notices = _numbers(item)
        notices += _about_people(item, self._people)
        if not self._dry_run:
            pid = self._insert(item, pid, legacy_pid, rendered).pid
        return Result(Outcome.CREATED, tuple(notices), pid, len(item.states))

    def _insert(
        self, item: Item, pid: int | None, legacy_pid: int | None, rendered: Rendered | None
    ) -> Note:
        record, people = item.record, self._people
        owner = people.named(record.owner) if record else None
        owner = owner or people.importer
        fields = fields_of(item.head, self._visibility)
        assert item.created is not None
        note = saving.new_note(Note, fields, owner, created=item.created, pid=pid)
        if record is not None:
            # Before the revisions' spellings of the same tags.
            Tag.objects.called(record.tags)
        key = record.import_key if record else item.keys[0]
        taken = Note.objects.filter(owner=owner, import_key=key).exists()
        note.import_key = None if taken else key
        *earlier, head = sealed(item, note, people, self._visibility)
        Revision.objects.bulk_create(earlier)
        body = head.body or ""
        rendered = rendered or bounded.render(body)
        saving.append(note, head, rendered, analyse(head.title, body))
        note.legacy_pid = legacy_pid
        note.import_sha256 = record.import_sha256 if record else item.sha256()
        note.save(update_fields=["legacy_pid", "import_key", "import_sha256"])
        if record is not None:
            keep_record(note, record, people)
        return note


def _numbers(item: Item) -> tuple[int | None, int | None, list[Notice]]:
    """Return the pid to use (None: the next), the legacy pid to keep, and what to tell."""
    legacy = item.record.legacy_pid if item.record else None
    is_free = item.pid is None or not Note.objects.filter(pid=item.pid).exists()
    if legacy is None and not is_free:
        legacy = item.pid
    if legacy is not None and Note.objects.filter(legacy_pid=legacy).exists():
        legacy = None
    if is_free:
        return item.pid, legacy, []
    message = f"Another note is {{{item.pid}}} here, so this one has a new number."
    return None, legacy, [Notice(Code.PID_TAKEN, message)]


def _about_people(item: Item, people: People) -> list[Notice]:
    """Tell which accounts the item names and this instance lacks."""
    if item.record is None:
        return []
    notices = []
    if people.named(item.record.owner) is None:
        importer = people.importer.get_username()
        message = f"There is no account {item.record.owner!r}; the note is {importer!r}'s."
        notices.append(Notice(Code.UNKNOWN_PERSON, message))
    unknown = people.unknown({state.author or "" for state in item.states})
    if unknown:
        message = f"No account here, so their revisions keep only the name: {', '.join(unknown)}."
        notices.append(Notice(Code.UNKNOWN_PERSON, message))
    return notices
