"""Request work: a row in the caller's transaction, and a notification when that commits."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from mlhooks.jobs.kinds import KINDS
from mlhooks.models import Job, Queue
from mlhooks.models.job import ATTEMPTS, REQUESTED
from wiki.reader import Reader

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


def request(
    kind: str,
    *,
    key: str = "",
    payload: object = None,
    queue: str | None = None,
    run_after: datetime | None = None,
    user: Reader | None = None,
) -> Job:
    """Request a piece of work; return its job, which an earlier request may have made.

    queue: another one than that of the kind.

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
        "queue": queue_of(kind) if queue is None else Queue(queue).value,
        "run_after": run_after,
        "user": user.pk if user is not None else None,
        "attempts": ATTEMPTS,
        "first": Queue.INTERACTIVE.value,
        "channel": REQUESTED,
    }
    (job,) = Job.objects.raw(REQUEST, values)
    return job


def request_many(kind: str, payloads: Mapping[str, Any]) -> None:
    """Request many pieces of work of one kind, a payload by key, in one statement.

    As request() does one by one.
    """
    keys = sorted(payloads)
    values: dict[str, Any] = {
        "kind": kind,
        "queue": queue_of(kind),
        "attempts": ATTEMPTS,
        "keys": keys,
        "payloads": [json.dumps(payloads[key]) for key in keys],
    }
    with connection.cursor() as cursor:
        cursor.execute(REQUEST_MANY, values)
        # One notice: whoever hears it looks for all that is due.
        cursor.execute("SELECT pg_notify(%s, '')", [REQUESTED])


def queue_of(kind: str) -> str:
    """Return the queue that serves a kind; of one that nobody knows, the background."""
    known = KINDS.get(kind)
    return (known.queue if known else Queue.BACKGROUND).value
