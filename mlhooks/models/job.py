"""A job: one piece of work for a worker, and all that is known about it.

The row is the truth about the work. The broker only carries its number to a worker, any
number of times or never; mlhooks/jobs/dispatch.py makes sure that one arrives.
"""

from datetime import timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.db.models.query import RawQuerySet

# How the reason ends that nobody foresaw: an exception's own words, which may quote a note.
UNFORESEEN = "(the workers' log tells where.)"
# How often a job is begun before it counts as failed.
ATTEMPTS = 5
# A running job whose worker has not been heard of for so long belongs to nobody: six heartbeats.
ORPHANED_AFTER_S = 30
# PostgreSQL channels: something to publish (no payload), a finished job (its number).
REQUESTED, FINISHED = "mlhooks_requested", "mlhooks_finished"


class Queue(models.TextChoices):
    """Who works on it: those people wait for, those nobody waits for, those with a GPU."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"
    GPU = "gpu"


# The oldest due jobs of each queue, the first queue first, as many as its window has room for.
PUBLISHABLE = """
    SELECT due.id, due.queue
    FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS served (queue, place),
    LATERAL (
        SELECT id, queue FROM mlhooks_job
        WHERE queue = served.queue AND state = 'waiting' AND published_at IS NULL
            AND run_after <= statement_timestamp()
        ORDER BY run_after, id
        LIMIT greatest(0, %(window)s - (
            SELECT count(*) FROM mlhooks_job
            WHERE queue = served.queue AND state = 'waiting' AND published_at IS NOT NULL
        ))
    ) AS due
    ORDER BY served.place
"""


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs in bulk; all times are compared on the database's clock."""

    def unfinished(self) -> "JobQuerySet":
        """Jobs that wait or run."""
        return self.filter(state__in=Job.UNFINISHED)

    def failed_for_good(self) -> "JobQuerySet":
        """Jobs that failed and that nobody has asked for again since."""
        later = Job.objects.filter(
            kind=OuterRef("kind"), key=OuterRef("key"), pk__gt=OuterRef("pk")
        )
        return self.filter(~Exists(later), state=Job.State.FAILED)

    def publishable(self, window: int) -> "RawQuerySet[Job]":
        """Due jobs for the broker, so many that at most `window` per queue lie there.

        Oldest first, people's before all others; only pk and queue are loaded.
        """
        return self.raw(PUBLISHABLE, {"queues": Queue.values, "window": window})

    def published(self, longer_than_s: float = 0) -> "JobQuerySet":
        """Jobs with the broker for so long, and begun by no worker."""
        return self.filter(
            state=Job.State.WAITING, published_at__lte=Now() - timedelta(seconds=longer_than_s)
        )

    def rescue_orphans(self) -> int:
        """Take running jobs from workers that fell silent; return how many.

        A job with attempts left, or requested again meanwhile, waits once more; the others
        have failed. A worker that was only slow finds its claim lost.
        """
        silent = self.filter(
            state=Job.State.RUNNING,
            heartbeat_at__lt=Now() - timedelta(seconds=ORPHANED_AFTER_S),
        )
        hopeless = silent.filter(attempts_left=0, again=False)
        with transaction.atomic():
            failed = hopeless.values_list("pk", flat=True).select_for_update()
            failed_ids = list(failed)
            self.filter(pk__in=failed_ids).update(
                state=Job.State.FAILED,
                finished_at=Now(),
                error="Its worker disappeared every time. The workers' log tells more; "
                "then ask for it again.",
            )
            notify(FINISHED, *failed_ids)
            return len(failed_ids) + silent.update(
                state=Job.State.WAITING,
                published_at=None,
                attempts_left=attempts_for_next_run(),
                again=False,
                error="Its worker disappeared.",
            )


class Job(models.Model):
    """One piece of work. At most one unfinished job exists per kind and key."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    UNFINISHED = (State.WAITING, State.RUNNING)

    kind = models.CharField(max_length=64)
    # What the work is about, such as a note's pid; empty: there is one such job at a time.
    key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=16, choices=Queue, default=Queue.BACKGROUND)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    # Requested while it ran: what it reads may be old, so it runs once more after this run.
    again = models.BooleanField(default=False)
    # Counts the claims and never goes back: a worker writes only while this is its number.
    attempt = models.PositiveIntegerField(default=0)
    attempts_left = models.PositiveSmallIntegerField(default=ATTEMPTS)
    run_after = models.DateTimeField(db_default=Now())
    # When its number was given to the broker; empty again when that message is known lost.
    published_at = models.DateTimeField(null=True, blank=True)

    worker = models.CharField(max_length=200, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    progress = models.FloatField(default=0)
    progress_text = models.CharField(max_length=200, blank=True)

    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="job_state_known",
                condition=Q(state__in=["waiting", "running", "done", "failed", "cancelled"]),
            ),
            models.CheckConstraint(
                name="job_finished_has_a_time",
                condition=Q(state__in=["waiting", "running"], finished_at=None)
                | Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_progress_is_a_share", condition=Q(progress__range=(0, 1))
            ),
            # jobs.request: INSERT ... ON CONFLICT names exactly this.
            models.UniqueConstraint(
                name="job_one_unfinished_per_key",
                fields=["kind", "key"],
                condition=Q(state__in=["waiting", "running"]),
            ),
        ]
        indexes = [
            # dispatch: the oldest due jobs of a queue.
            models.Index(
                name="job_due",
                fields=["queue", "run_after", "id"],
                condition=Q(state="waiting", published_at=None),
            ),
            # dispatch: how many are with the broker, and for how long.
            models.Index(
                name="job_published",
                fields=["queue", "published_at"],
                condition=Q(state="waiting", published_at__isnull=False),
            ),
            # dispatch: running jobs by the last sign of life; a worker: do I run one?
            models.Index(name="job_running", fields=["heartbeat_at"], condition=Q(state="running")),
            # dispatch: was there one of this kind today?
            models.Index(name="job_kind", fields=["kind", "created_at"]),
            # A note's status: the last job of this kind and key.
            models.Index(name="job_of_key", fields=["kind", "key", "id"]),
            # /jobs/ and the top line: what failed?
            models.Index(name="job_failed", fields=["id"], condition=Q(state="failed")),
            # dispatch: finished jobs old enough to be forgotten.
            models.Index(name="job_finished", fields=["finished_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".rstrip()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in self.UNFINISHED

    def cancel(self) -> bool:
        """Stop the job for good; return False when it was finished already.

        A waiting job is not begun. The worker of a running one has lost its claim: it stops
        at its next report of progress, and whatever it still makes is not stored.
        """
        with transaction.atomic():
            cancelled = (
                Job.objects.unfinished()
                .filter(pk=self.pk)
                .update(state=Job.State.CANCELLED, again=False, finished_at=Now())
            )
            notify(FINISHED, *[self.pk] * cancelled)
        self.refresh_from_db()
        return bool(cancelled)


def attempts_for_next_run() -> Case:
    """What attempts_left becomes when a run ends: new input begins with all of them."""
    whole = models.PositiveSmallIntegerField()
    return Case(
        When(again=True, then=Value(ATTEMPTS)), default=F("attempts_left"), output_field=whole
    )


def notify(channel: str, *job_ids: int) -> None:
    """Tell the listeners of a channel about jobs, when the transaction commits."""
    if job_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_notify(%s, id::text) FROM unnest(%s::bigint[]) AS id",
                [channel, list(job_ids)],
            )
