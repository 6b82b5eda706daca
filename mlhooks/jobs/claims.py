"""A worker's hold on one attempt at a job.

Taking a claim raises the job's attempt number; every later write names that number. Once
the job was given to another worker or cancelled, nothing this worker writes arrives.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from mlhooks.models.job import (
    ATTEMPTS,
    FINISHED,
    REQUESTED,
    Job,
    attempts_for_next_run,
    notify,
)

# The wait after the first, second, ... attempt that failed for a passing reason.
BACKOFF_S = (5, 15, 60, 300)

TAKE = """
    UPDATE mlhooks_job
    SET state = 'running', attempt = attempt + 1, attempts_left = attempts_left - 1,
        again = false, published_at = NULL, worker = %s, heartbeat_at = statement_timestamp(),
        started_at = statement_timestamp(), progress = 0, progress_text = '', error = '',
        result = NULL
    WHERE id = %s AND state = 'waiting' AND run_after <= statement_timestamp()
    RETURNING *
"""


# Further jobs of a kind that were never begun, oldest first; what others are taking is left.
TAKE_MORE = """
    UPDATE mlhooks_job
    SET state = 'running', attempt = attempt + 1, attempts_left = attempts_left - 1,
        again = false, published_at = NULL, worker = %(worker)s,
        heartbeat_at = statement_timestamp(), started_at = statement_timestamp(), progress = 0,
        progress_text = '', error = '', result = NULL
    WHERE id IN (
        SELECT id FROM mlhooks_job
        WHERE kind = %(kind)s AND queue = %(queue)s AND state = 'waiting' AND attempt = 0
            AND run_after <= statement_timestamp()
        ORDER BY run_after, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    RETURNING *
"""

# The end of an attempt; requested meanwhile, the job waits again and has all its attempts.
END = """
    UPDATE mlhooks_job
    SET state = CASE WHEN again THEN 'waiting' ELSE %(state)s END,
        finished_at = CASE WHEN again THEN NULL ELSE statement_timestamp() END,
        attempts_left = CASE WHEN again THEN %(attempts)s ELSE attempts_left END,
        again = false, result = %(result)s::jsonb, error = %(error)s,
        progress = CASE %(state)s WHEN 'done' THEN 1 ELSE progress END
    WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running'
    RETURNING pg_notify(%(finished)s, id::text), pg_notify(%(requested)s, id::text)
"""


class LostClaim(Exception):
    """The job was cancelled, or was given to another worker. There is nothing to store."""


@dataclass(frozen=True)
class Claim:
    """One attempt at a job; methods raise LostClaim and write nothing once it is lost."""

    job_id: int
    attempt: int
    kind: str
    payload: Any
    attempts_left: int
    queue: str = ""

    @classmethod
    def take(cls, job_id: int, worker: str) -> "Claim | None":
        """Begin a waiting job; None when it is gone, not due, taken or finished.

        Waits for a transaction that is just requesting the same job, so the claim sees
        what that one wrote.
        """
        for job in Job.objects.raw(TAKE, [worker, job_id]):
            return cls._of(job)
        return None

    def take_more(self, most: int, worker: str) -> "list[Claim]":
        """Begin more jobs of this kind and queue, never begun before, at most so many."""
        asked = {"worker": worker, "kind": self.kind, "queue": self.queue, "most": most}
        return [self._of(job) for job in Job.objects.raw(TAKE_MORE, asked)]

    @property
    def is_first(self) -> bool:
        """Whether the job was never begun before: one whose worker died is begun alone."""
        return self.attempt == 1

    @classmethod
    def _of(cls, job: Job) -> "Claim":
        return cls(job.pk, job.attempt, job.kind, job.payload, job.attempts_left, job.queue)

    def record_heartbeat(self) -> None:
        """Store that the work goes on."""
        self._write(heartbeat_at=Now())

    def report(self, share: float, sentence: str, *, gets_on: bool = False) -> None:
        """Store how far the work is, 0 to 1, and what is being done.

        gets_on: it is further than when this attempt began, which then counts as the first.
        """
        attempts = {"attempts_left": ATTEMPTS - 1} if gets_on else {}
        self._write(
            heartbeat_at=Now(),
            progress=min(max(share, 0.0), 1.0),
            progress_text=sentence[:200],
            **attempts,
        )

    def finish(self, result: object) -> None:
        """Store what the work made. Raises TypeError or ValueError when it is not JSON."""
        self._end(Job.State.DONE, result=json.dumps(result, allow_nan=False))

    def fail(self, sentence: str) -> None:
        """Give up: trying again would not help."""
        self._end(Job.State.FAILED, error=sentence)

    def try_later(self, sentence: str) -> None:
        """Let the job wait and run again; the last attempt's failure is final."""
        job = Job.objects.filter(pk=self.job_id, attempt=self.attempt)
        left = job.values_list("attempts_left", flat=True).first()
        if not left:
            self.fail(sentence)
            return
        delay_s = BACKOFF_S[min(ATTEMPTS - left, len(BACKOFF_S)) - 1]
        self._write(
            state=Job.State.WAITING,
            run_after=Now() + timedelta(seconds=delay_s),
            attempts_left=attempts_for_next_run(),
            again=False,
            error=sentence,
        )

    def requeue(self, payload: object, after_s: float) -> None:
        """Let the job wait behind the others and go on with this payload.

        A part of it is done, so it has all its attempts again. What was requested meanwhile
        counts more than what was to come.
        """
        rest = Value(payload, output_field=models.JSONField())
        with transaction.atomic():
            self._write(
                state=Job.State.WAITING,
                payload=Case(When(again=True, then=F("payload")), default=rest),
                run_after=Now() + timedelta(seconds=after_s),
                attempts_left=ATTEMPTS,
                again=False,
            )
            notify(REQUESTED, self.job_id)

    def _write(self, **fields: Any) -> None:
        mine = Job.objects.filter(pk=self.job_id, attempt=self.attempt, state=Job.State.RUNNING)
        if not mine.update(**fields):
            raise self._lost()

    def _end(self, state: Job.State, *, result: str | None = None, error: str = "") -> None:
        values: dict[str, Any] = {
            "state": state.value,
            "attempts": ATTEMPTS,
            "result": result,
            "error": error,
            "id": self.job_id,
            "attempt": self.attempt,
            "finished": FINISHED,
            "requested": REQUESTED,
        }
        with connection.cursor() as cursor:
            cursor.execute(END, values)
            if not cursor.rowcount:
                raise self._lost()

    def _lost(self) -> LostClaim:
        return LostClaim(f"Job {self.job_id}, attempt {self.attempt}")
