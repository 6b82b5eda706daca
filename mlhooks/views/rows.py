"""Jobs as people read of them: what each does, in words, and when its turn comes.

Of others' private notes staff who are not superusers learn neither number nor text.
"""

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlhooks import gateway
from mlhooks.jobs.kinds import BUILD_INDEX, EMBED_NOTE, ENCODE_QUERY, KINDS, RECONCILE_INDEX
from mlhooks.models import Job
from mlhooks.models.job import UNFORESEEN
from wiki.reader import Reader

PRIVATE = "read a private note"
HIDDEN = "The reason may tell of notes of others: superusers can see it."


@dataclass(frozen=True)
class Row:
    """A job in words.

    pid: the note it is about, if any; revision: the number of its newest revision, None where
    the reader may not read it. place: where in the line it waits, from 1.
    """

    job: Job
    words: str
    pid: int | None = None
    revision: int | None = None
    place: int | None = None

    def __str__(self) -> str:
        return self.words if self.pid is None else f"{self.words} {{{self.pid}}}"

    @property
    def turn(self) -> str:
        """Return its place in the line as "2nd", or ""."""
        return ordinal(self.place) if self.place else ""

    @property
    def outcome(self) -> str:
        """Return what a finished job made, as a sentence or less."""
        result = self.job.result
        if self.job.kind != EMBED_NOTE or not isinstance(result, dict):
            return self.job.progress_text
        others = result.get("together", 1) - 1
        if not others and result.get("gone"):
            return "the note is gone"
        if not others and result.get("overtaken"):
            return "saved again meanwhile"
        new, known = result.get("embedded", 0), result.get("reused", 0)
        said = f"{new:,} passage{'s' * (new != 1)} read"
        said = f"{said}, {known:,} known already" if known else said
        return f"with {others} other{'s' * (others > 1)}: {said}" if others else said

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be asked for again; what was searched for is forgotten."""
        return self.job.is_finished and self.job.kind != ENCODE_QUERY

    @property
    def payload(self) -> Any:
        """Return what it works on, without what somebody searched for."""
        if self.job.kind != ENCODE_QUERY:
            return self.job.payload
        return {key: value for key, value in self.job.payload.items() if key != "text"}


def rows(jobs: Iterable[Job], reader: Reader, places: Mapping[int, int] | None = None) -> list[Row]:
    """Put jobs into words for somebody; places: of those that wait. One query, if any.

    Each row has the job as far as the reader may know it.
    """
    jobs = list(jobs)
    about = {job.pk: int(job.key) for job in jobs if job.kind == EMBED_NOTE and job.key.isdigit()}
    revisions = _revisions(set(about.values()), reader)
    made = []
    for job in jobs:
        pid, place = about.get(job.pk), (places or {}).get(job.pk)
        revision = revisions.get(pid or 0)
        if not (reader.is_superuser or revision is not None):
            job, pid = without_notes(job), None
        if job.kind == EMBED_NOTE and pid is None:
            made.append(Row(job, PRIVATE, place=place))
            continue
        words = _label(job)
        made.append(Row(job, words, pid, revision, place))
    return made


def _label(job: Job) -> str:
    known = KINDS.get(job.kind)
    return (known.label if known else f"{job.kind} {{key}}").format(key=job.key).rstrip()


def without_notes(job: Job) -> Job:
    """Return a job, not to be saved, without all that may name or quote a note.

    Of the building of an index it is known that it names none, unless it failed unforeseen.
    """
    hidden = copy.copy(job)
    hidden.payload, hidden.result = {}, None
    if job.error:
        hidden.error = reason_without_notes(job)
    if job.kind != BUILD_INDEX:
        hidden.key = hidden.progress_text = ""
    return hidden


def reason_without_notes(job: Job) -> str:
    """Return why a job failed, or that this is not to be told to everybody of the staff."""
    is_foreseen = job.kind in (BUILD_INDEX, RECONCILE_INDEX) and not job.error.endswith(UNFORESEEN)
    return job.error if is_foreseen else HIDDEN


def ordinal(number: int) -> str:
    """Write a place in a line.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 1103)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '1,103rd']
    """
    is_teen = 10 < number % 100 < 14
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _revisions(pids: Collection[int], reader: Reader) -> dict[int, int]:
    if not pids:
        return {}
    readable = gateway.readable(reader).filter(pid__in=pids)
    return dict(readable.values_list("pid", "head__number"))
