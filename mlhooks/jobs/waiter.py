"""Wait for jobs: one listener, no polling."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from mlhooks.jobs.listener import Listener
from mlhooks.models import Job, Worker
from mlhooks.models.job import FINISHED


class WaitInsideTransaction(Exception):
    """Somebody waits for a job whose row no worker can see yet."""


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
