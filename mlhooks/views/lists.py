"""Which jobs a list shows, and in which order."""

from collections.abc import Collection, Sequence

from django.db.models import Count, Q

from mlhooks.jobs.kinds import EMBED_NOTE, ENCODE_QUERY, RECONCILE_INDEX
from mlhooks.models import Job
from mlhooks.models.job import JobQuerySet

State = Job.State
# What runs comes first, what is over comes last.
ORDER = (State.RUNNING, State.WAITING, State.FAILED, State.DONE, State.CANCELLED)
# Done every minute or at every search: nobody looks for one of these.
QUIET = Q(kind__in=[ENCODE_QUERY, RECONCILE_INDEX], state=State.DONE)


def everything(state: str = "") -> JobQuerySet:
    """All jobs, or all of a state, newest first."""
    jobs = Job.objects.select_related("requested_by").order_by("-pk")
    return jobs.filter(state=state) if state else jobs


def first_of_each(most: int, unread: Collection[int]) -> list[Job]:
    """Return what runs, what waits, what failed, and what is done: so many of each at most."""
    lists = [of_state(each, unread) for each in ORDER[:3]]
    lists.append(finished())
    return [job for jobs in lists for job in jobs[:most]]


def counts(unread: Collection[int]) -> dict[str, int]:
    """Return how many jobs run, wait, and failed for good."""
    unfinished = Job.objects.unfinished().values_list("state").order_by("state")
    known = {State.RUNNING.value: 0, State.WAITING.value: 0}
    return known | dict(unfinished.annotate(count=Count("pk"))) | {"failed": failed(unread).count()}


def of_state(state: str, unread: Collection[int]) -> JobQuerySet:
    """The jobs of a state that somebody may want to see; unread: as for failed().

    Running ones first begun first, waiting ones in their line, the others last finished first.
    """
    if state == State.FAILED:
        return failed(unread)
    jobs = everything(state).exclude(QUIET)
    if state == State.RUNNING:
        return jobs.order_by("started_at", "pk")
    if state == State.WAITING:
        return jobs.order_by("-queue", "run_after", "pk")  # people's first, as it happens
    return jobs.order_by("-finished_at", "-pk")


def failed(unread: Collection[int]) -> JobQuerySet:
    """The jobs that failed and were not done since in any way, last failed first.

    unread: the notes that could not be read; others were read in another way. What somebody
    searched for is no more there to be tried, and they were told at once.
    """
    settled = Q(kind=EMBED_NOTE) & ~Q(key__in=[str(pid) for pid in unread])
    jobs = everything().failed_for_good().exclude(settled).exclude(kind=ENCODE_QUERY)
    return jobs.order_by("-finished_at", "-pk")


def finished() -> JobQuerySet:
    """The jobs that are done or were cancelled, last finished first."""
    jobs = everything().filter(state__in=[State.DONE, State.CANCELLED]).exclude(QUIET)
    return jobs.order_by("-finished_at", "-pk")


def places(jobs: Sequence[Job], before: int) -> dict[int, int]:
    """Return where in the line of its queue each of these waiting jobs stands, from 1.

    jobs: some of of_state("waiting"), after so many others. One query if there are others.
    """
    waiting = dict.fromkeys((job.queue for job in jobs), 0)
    if before:
        counts = Job.objects.filter(state=State.WAITING).values_list("queue")
        for queue, count in counts.annotate(count=Count("pk")).order_by("-queue"):
            if queue in waiting:
                waiting[queue] = before
                break
            before -= count
    found = {}
    for job in jobs:
        waiting[job.queue] += 1
        found[job.pk] = waiting[job.queue]
    return found
