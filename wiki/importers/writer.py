"""From items to notes: the only place where an import touches the database.

New notes of a batch come in together, or in ever smaller parts where one of them cannot be
saved; each other item is one transaction. An item is imported or it is reported, never half.
Importing the same file again changes nothing. A dry run does the same and takes it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from secrets import randbelow

from django.db import connection, transaction

from wiki.importers.faults import attempt, notice_of
from wiki.importers.item import Code, Item, Notice
from wiki.importers.matches import Known
from wiki.importers.new_notes import Numbers, arrival
from wiki.importers.outcome import Outcome, Result
from wiki.importers.owners import People
from wiki.importers.updates import extend, keep_out, take_over
from wiki.importers.validation import complaint
from wiki.markup import link_key
from wiki.models import Note, revision_append
from wiki.models.bulk_insert import Arrival
from wiki.models.visibility import Visibility
from wiki.rendering.survey import Survey


@dataclass(frozen=True)
class Planned:
    """A new note, and what is told about it; place is that of its item in the batch.

    pid: the number it keeps, None where it gets the next one.
    """

    place: int
    arrival: Arrival
    pid: int | None
    notices: tuple[Notice, ...]


class Writer:
    """Writes items batch after batch; with dry_run it takes each batch back.

    visibility: who may read what says nothing about it itself. keeps_numbers: notes keep the
    numbers the file gives them. last_pid: the highest of these; a note that needs a new
    number gets a higher one.
    """

    def __init__(
        self,
        people: People,
        *,
        visibility: str,
        last_pid: int,
        dry_run: bool,
        keeps_numbers: bool = True,
    ) -> None:
        self.people, self.visibility, self.dry_run = people, visibility, dry_run
        self._keeps_numbers = keeps_numbers
        self._seen: set[int] = set()
        self._placed: set[int] = set()
        # No note has them, and no other dry run: so none waits for this one.
        self._provisional = count(-1 - randbelow(2**62), -1)
        if last_pid and keeps_numbers and not dry_run:
            revision_append.next_pid_after(last_pid)

    def write(self, items: Sequence[Item], surveys: Sequence[Survey]) -> list[Result]:
        """Import a batch; surveys are those of the heads' texts. Results are in its order."""
        results: list[Result | None] = [attempt(self._refusal, item) for item in items]
        known, numbers = self._look_up(items, results)
        planned = []
        for place, both in enumerate(zip(items, surveys, strict=True)):
            if results[place] is not None:
                continue
            made = attempt(self._decide, place, *both, known, numbers)
            if isinstance(made, Planned):
                planned.append(made)
            else:
                results[place] = made
        for plan, result in zip(planned, self._create(planned), strict=True):
            results[plan.place] = result
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

    def _look_up(
        self, items: Sequence[Item], results: list[Result | None]
    ) -> tuple[Known, Numbers]:
        """Look up all items without a result at once; one that cannot be gets a result."""
        both = attempt(self._found, self._without_result(items, results))
        if not isinstance(both, Result):
            return both
        for place, item in enumerate(items):
            if results[place] is None:
                alone = attempt(self._found, [item])
                results[place] = alone if isinstance(alone, Result) else None
        return self._found(self._without_result(items, results))

    def _found(self, items: Sequence[Item]) -> tuple[Known, Numbers]:
        with transaction.atomic():
            numbered = items if self._keeps_numbers else ()
            return Known(items, self.people.importer), Numbers(items, numbered)

    def _without_result(
        self, items: Sequence[Item], results: Sequence[Result | None]
    ) -> list[Item]:
        return [item for item, result in zip(items, results, strict=True) if result is None]

    def _decide(
        self, place: int, item: Item, survey: Survey, known: Known, numbers: Numbers
    ) -> Planned | Result:
        """Plan a new note, or bring the one that the item is already up to it."""
        note = known.note(item, self._placed)
        if note is None:
            plan = self._plan(place, item, survey, numbers)
            return replace(plan, notices=(*plan.notices, *self._clash(item, known)))
        self._placed.add(note.pid)
        with transaction.atomic():
            result = self._renew(note, item, survey)
            if self.dry_run:
                _take_back()
        return result

    def _renew(self, note: Note, item: Item, survey: Survey) -> Result:
        """Bring a note up to its item, in a transaction of the caller; holds the note row."""
        if item.record is not None:
            return extend(note, item, self.people)
        if note.deleted is not None:
            message = f"Note {note.pid} is in the trash. Undelete it, then import again."
            return Result(Outcome.SKIPPED, (Notice(Code.IN_TRASH, message),), note.pid)
        said = item.head.visibility
        is_private = self.visibility == Visibility.PRIVATE and said != Visibility.PUBLIC
        if is_private and note.is_public:
            return keep_out(note, item, survey)
        result = take_over(note, item, self.people, keeps_numbers=self._keeps_numbers)
        # Saving has locked the note; before, somebody may have published it.
        if is_private and Note.objects.get(pid=note.pid).is_public:
            transaction.set_rollback(True)
            return keep_out(note, item, survey)
        return result

    def _plan(self, place: int, item: Item, survey: Survey, numbers: Numbers) -> Planned:
        pid, legacy_pid, notices = numbers.take(item)
        new = arrival(item, survey, self.people, self.visibility)
        new.note.pid, new.note.legacy_pid = pid, legacy_pid
        new.note.import_key = numbers.take_key(new.note)
        new.links = survey.rendered().link_keys(new.note.folder)
        notices += _about_people(item, self.people)
        return Planned(place, new, pid, tuple(notices))

    def _clash(self, item: Item, known: Known) -> list[Notice]:
        """Tell of a note here that links to the item's title lead to; its own folder's aside."""
        pid = known.titled.get(link_key(item.head.title))
        if not item.fingerprint or pid is None or pid in self._placed:
            return []
        message = f"Note {pid} here has this title too; links of that title lead there."
        return [Notice(Code.SAME_TITLE, message)]

    def _create(self, planned: Sequence[Planned]) -> list[Result]:
        """Insert new notes; where that fails, each half by itself, down to the one at fault."""
        if not planned:
            return []
        try:
            self._insert(planned)
        except Exception as error:
            if len(planned) == 1:
                return [Result(Outcome.FAILED, (*planned[0].notices, notice_of(error)))]
            half = len(planned) // 2
            return self._create(planned[:half]) + self._create(planned[half:])
        self._placed |= {plan.arrival.note.pid for plan in planned}
        return [
            Result(
                Outcome.CREATED,
                plan.notices,
                plan.pid if self.dry_run else plan.arrival.note.pid,
                len(plan.arrival.revisions),
            )
            for plan in planned
        ]

    @transaction.atomic
    def _insert(self, planned: Sequence[Planned]) -> None:
        """Insert all or none. A dry run takes no number, and nothing stays of it."""
        if self.dry_run:
            for plan in planned:
                plan.arrival.note.pid = plan.pid or next(self._provisional)
        elif kept := max(plan.pid or 0 for plan in planned):
            revision_append.next_pid_after(kept)
        Note.objects.import_batch([plan.arrival for plan in planned])
        if self.dry_run:
            _take_back()


def _take_back() -> None:
    """Undo the transaction once all that it would be refused for has been looked at."""
    connection.check_constraints()
    transaction.set_rollback(True)


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
