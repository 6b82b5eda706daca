"""From items to notes: the only place where an import touches the database.

New notes of a batch come in together, or one by one where the database refuses one of them;
each other item is one transaction. An item is imported or it is reported, never half.
Importing the same file again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import DataError, IntegrityError, transaction

from wiki.importers.arrivals import Numbers, arrival
from wiki.importers.checking import MOST_PID, complaint
from wiki.importers.item import Code, Item, Notice
from wiki.importers.known import Known
from wiki.importers.outcome import Outcome, Result
from wiki.importers.people import People
from wiki.importers.updating import extend, take_over
from wiki.markup import link_key
from wiki.markup.survey import Survey
from wiki.models import Note, saving
from wiki.models.arriving import Arrival


@dataclass(frozen=True)
class Planned:
    """A new note, and what is told about it; place is that of its item in the batch."""

    place: int
    arrival: Arrival
    notices: tuple[Notice, ...]


class Writer:
    """Writes items batch after batch; with dry_run it tells what it would do.

    visibility: who may read what says nothing about it itself. last_pid: the highest number
    in the file; a note that needs a new one gets a higher one.
    """

    def __init__(self, people: People, *, visibility: str, last_pid: int, dry_run: bool) -> None:
        self._people, self.visibility, self.dry_run = people, visibility, dry_run
        self._seen: set[int] = set()
        self._placed: set[int] = set()
        if last_pid and not dry_run:
            saving.next_pid_after(min(last_pid, MOST_PID))

    def write(self, items: Sequence[Item], surveys: Sequence[Survey]) -> list[Result]:
        """Import a batch; surveys are those of the heads' texts. Results are in its order."""
        results = [self._refusal(item) for item in items]
        accepted = [item for item, refused in zip(items, results, strict=True) if refused is None]
        known = Known(accepted, self._people.importer)
        numbers = Numbers(accepted, self._people)
        planned = []
        for place, (item, survey) in enumerate(zip(items, surveys, strict=True)):
            if results[place] is not None:
                continue
            note = known.note(item, self._placed)
            if note is None:
                plan = self._plan(place, item, survey, numbers)
                planned.append(replace(plan, notices=(*plan.notices, *self._clash(item, known))))
            else:
                self._placed.add(note.pid)
                results[place] = self._update(note, item)
        for plan, made in zip(planned, self._create(planned), strict=True):
            results[plan.place] = made
        return [
            replace(result, notices=(*item.notices, *result.notices))
            for item, result in zip(items, results, strict=True)
            if result is not None
        ]

    def _refusal(self, item: Item) -> Result | None:
        if not item.states:
            return Result(Outcome.SKIPPED if item.is_left_out else Outcome.FAILED)
        if item.pid is not None:
            if item.pid in self._seen:
                message = f"The file has another entry {{{item.pid}}} above."
                return Result(Outcome.FAILED, (Notice(Code.REPEATED, message),))
            self._seen.add(item.pid)
        found = complaint(item)
        return Result(Outcome.FAILED, (found,)) if found else None

    def _update(self, note: Note, item: Item) -> Result:
        """Bring a note up to its item; holds the note row."""
        try:
            with transaction.atomic():
                result = self._renew(note, item)
                if self.dry_run:
                    transaction.set_rollback(True)
        except (DataError, IntegrityError) as error:
            return Result(Outcome.FAILED, (_not_saved(error),))
        return result

    def _renew(self, note: Note, item: Item) -> Result:
        if item.record is not None:
            return extend(note, item, self._people)
        if note.deleted is not None:
            message = f"Note {note.pid} is in the trash. Undelete it, then import again."
            return Result(Outcome.SKIPPED, (Notice(Code.IN_TRASH, message),), note.pid)
        return take_over(note, item, self._people)

    def _plan(self, place: int, item: Item, survey: Survey, numbers: Numbers) -> Planned:
        pid, legacy_pid, notices = numbers.take(item)
        new = arrival(item, survey, self._people, self.visibility)
        new.note.pid, new.note.legacy_pid = pid, legacy_pid
        new.note.import_key = numbers.take_key(new.note)
        new.links = survey.rendered().link_keys(new.note.folder)
        notices += _about_people(item, self._people)
        return Planned(place, new, tuple(notices))

    def _clash(self, item: Item, known: Known) -> list[Notice]:
        """Tell of a note here that links to the item's title lead to; its own folder's aside."""
        pid = known.titled.get(link_key(item.head.title))
        if not item.fingerprint or pid is None or pid in self._placed:
            return []
        message = f"Note {pid} here has this title too; links of that title lead there."
        return [Notice(Code.SAME_TITLE, message)]

    def _create(self, planned: Sequence[Planned]) -> list[Result]:
        """Insert new notes; where one is refused, each by itself. A dry run takes no number."""
        if planned and not self.dry_run:
            try:
                Note.objects.import_batch([plan.arrival for plan in planned])
            except (DataError, IntegrityError) as error:
                if len(planned) == 1:
                    return [Result(Outcome.FAILED, (_not_saved(error),))]
                return [result for plan in planned for result in self._create([plan])]
        self._placed |= {plan.arrival.note.pid for plan in planned}
        return [
            Result(
                Outcome.CREATED, plan.notices, plan.arrival.note.pid, len(plan.arrival.revisions)
            )
            for plan in planned
        ]


def _not_saved(error: Exception) -> Notice:
    message = f"The database refused it: {str(error).strip().splitlines()[0]}"
    return Notice(Code.NOT_SAVED, message)


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
