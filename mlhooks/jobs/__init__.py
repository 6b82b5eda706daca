"""Asking for work, and waiting for it.

    with jobs.listening() as waiter:
        job = jobs.request("encode_query", key=digest, queue=Queue.INTERACTIVE)
        job = waiter.wait(job, timeout_s=0.25)

A request only writes a row and leaves a notice, both in the caller's transaction; it never
speaks to the broker, so a broker that is away or silent delays nobody.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, transaction

from mlhooks.jobs.listener import Listener
from mlhooks.models import Job, Queue, Worker
from mlhooks.models.job import ATTEMPTS, FINISHED, REQUESTED

REQUEST = """
    INSERT INTO mlhooks_job AS job (kind, key, payload, queue, requested_by_id, run_after,
        state, again, attempt, attempts_left, worker, progress, progress_text, error)
    VALUES (%(kind)s, %(key)s, %(payload)s, %(queue)s, %(user)s,
        COALESCE(%(run_after)s, statement_timestamp()),
        'waiting', false, 0, %(attempts)s, '', 0, '', '')
    ON CONFLICT (kind, key) WHERE state IN ('waiting', 'running') DO UPDATE
    SET payload = EXCLUDED.payload,
        again = job.state = 'running',
        run_after = CASE WHEN job.state = 'running' THEN EXCLUDED.run_after
                         ELSE LEAST(job.run_after, EXCLUDED.run_after) END,
        queue = CASE WHEN EXCLUDED.queue = %(first)s THEN EXCLUDED.queue ELSE job.queue END,
        published_at = CASE WHEN EXCLUDED.queue = %(first)s AND job.queue <> %(first)s THEN NULL
                            ELSE job.published_at END
    RETURNING *, pg_notify(%(channel)s, id::text)
"""


REQUEST_MANY = """
    INSERT INTO mlhooks_job AS job (kind, key, payload, queue, run_after,
        state, again, attempt, attempts_left, worker, progress, progress_text, error)
    SELECT %(kind)s, key, payload, %(queue)s, statement_timestamp(),
        'waiting', false, 0, %(attempts)s, '', 0, '', ''
      FROM unnest(%(keys)s::text[], %(payloads)s::jsonb[]) AS asked (key, payload)
    ON CONFLICT (kind, key) WHERE state IN ('waiting', 'running') DO UPDATE
    SET payload = EXCLUDED.payload,
        again = job.state = 'running',
        run_after = CASE WHEN job.state = 'running' THEN EXCLUDED.run_after
                         ELSE LEAST(job.run_after, EXCLUDED.run_after) END
"""


class Transient(Exception):
    """Raised by a job's function when trying again later can help; the text is for people."""


class MakeRoom(Exception):
    """Raised by a job's function that has done a part: others go first, then it goes on.

    payload: what the next part begins with. after_s: when, at the earliest.
    """

    def __init__(self, payload: Any, *, after_s: float = 0) -> None:
        super().__init__("There is more to do.")
        self.payload = payload
        self.after_s = after_s


class WaitInsideTransaction(Exception):
    """Somebody waits for a job whose row no worker can see yet."""


def request(
    kind: str,
    *,
    key: str = "",
    payload: Any = None,
    queue: str = Queue.BACKGROUND,
    run_after: datetime | None = None,
    user: AbstractBaseUser | AnonymousUser | None = None,
) -> Job:
    """Ask for a piece of work; return its job, which an earlier request may have made.

    At most one unfinished job exists per kind and key. A waiting one takes the newer payload
    and the earlier time, and moves up to the interactive queue if asked. One that runs may
    have read old input: it is marked `again` and runs once more, with the newer payload,
    before it counts as finished. payload is JSON-able and holds ids, not text.

    Holds the job's row until the caller's transaction ends: a transaction that makes several
    requests makes them in the order of their keys, lest two of them wait for each other.
    """
    values = {
        "kind": kind,
        "key": key,
        "payload": json.dumps({} if payload is None else payload),
        "queue": Queue(queue).value,
        "run_after": run_after,
        "user": user.pk if user is not None else None,
        "attempts": ATTEMPTS,
        "first": Queue.INTERACTIVE.value,
        "channel": REQUESTED,
    }
    (job,) = Job.objects.raw(REQUEST, values)
    return job


def request_many(kind: str, payloads: Mapping[str, Any]) -> None:
    """Ask for many pieces of background work of one kind, a payload by key, in one statement.

    As request() does one by one.
    """
    keys = sorted(payloads)
    values: dict[str, Any] = {
        "kind": kind,
        "queue": Queue.BACKGROUND.value,
        "attempts": ATTEMPTS,
        "keys": keys,
        "payloads": [json.dumps(payloads[key]) for key in keys],
    }
    with connection.cursor() as cursor:
        cursor.execute(REQUEST_MANY, values)
        # One notice: whoever hears it looks for all that is due.
        cursor.execute("SELECT pg_notify(%s, '')", [REQUESTED])


class Waiter:
    """Waits for jobs; made by listening()."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def wait(self, job: Job, timeout_s: float) -> Job:
        """Return the job as soon as it is finished, or as it is after timeout_s.

        Returns at once while no worker serves its queue. Raises WaitInsideTransaction.
        """
        refuse_inside_transaction()
        deadline = time.monotonic() + timeout_s
        job.refresh_from_db()
        if job.is_finished or not Worker.objects.serving(job.queue).exists():
            return job
        while not job.is_finished and (left_s := deadline - time.monotonic()) > 0:
            heard = self._listener.hear(left_s)
            if not heard or str(job.pk) in heard:
                job.refresh_from_db()
        return job


@contextmanager
def listening() -> Iterator[Waiter]:
    """Listen for finished jobs: enter before the request, so that no answer is missed.

    Raises WaitInsideTransaction.
    """
    refuse_inside_transaction()
    with Listener(FINISHED) as listener:
        yield Waiter(listener)


def wait(job_id: int, timeout_s: float) -> Job:
    """Wait for a job that somebody requested earlier; see Waiter.wait.

    Raises Job.DoesNotExist and WaitInsideTransaction.
    """
    with listening() as waiter:
        return waiter.wait(Job.objects.get(pk=job_id), timeout_s)


def refuse_inside_transaction() -> None:
    """Raise WaitInsideTransaction inside atomic, except the one a test wraps around itself."""
    try:
        with transaction.atomic(durable=True):
            pass
    except RuntimeError as error:
        raise WaitInsideTransaction(
            "A job cannot be waited for inside a transaction: no worker sees its row before "
            "the commit. Request and wait outside transaction.atomic."
        ) from error
