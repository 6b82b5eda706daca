"""What workers run: claim the job, call one function, store what it made."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.utils.module_loading import import_string

from mlhooks.celery import RUN_JOB, app
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.jobs import Requeue, Transient
from mlhooks.jobs.claims import Claim, LostClaim
from mlhooks.jobs.kinds import KINDS, Progress
from mlhooks.models.job import UNFORESEEN
from mlhooks.models.worker import HEARTBEAT_S

logger = logging.getLogger(__name__)

# A report of progress is written this often; the ones between are for the next.
REPORT_EVERY_S = 0.5


Function = Callable[[dict[str, Any], Progress], Any]
BatchFunction = Callable[[Sequence[dict[str, Any]]], list[Any]]


def function_of(kind: str) -> Function | None:
    """Load the function of a kind; None of one that this version does not know."""
    known = KINDS.get(kind)
    return import_string(known.function) if known else None


def batch_of(kind: str) -> tuple[BatchFunction | None, int]:
    """Load the function that does several jobs of a kind at once, and how many at most."""
    known = KINDS.get(kind)
    return (import_string(known.batch), known.batch_size) if known and known.batch else (None, 1)


@app.task(name=RUN_JOB, bind=True)
def run_job(task: Any, job_id: int) -> None:
    """Do a job if it still waits to be done; called any number of times for the same one."""
    worker = task.request.hostname or ""
    claim = Claim.take(job_id, worker)
    if claim is None:
        return
    function, batch_size = batch_of(claim.kind)
    others = claim.take_more(batch_size - 1, worker) if function and claim.is_first else []
    try:
        with heartbeats(claim, *others):
            if function is None or not (others and run_batch(function, [claim, *others])):
                for one in others:
                    run_logged(one)
                run(claim)
    except LostClaim:
        logger.info("%s, attempt %s: cancelled or taken over", claim.kind, claim.attempt)


def run_batch(function: BatchFunction, claims: Sequence[Claim]) -> bool:
    """Do several jobs at once; False if that failed, and each is to be done by itself.

    So one that cannot be done does not take the others with it.
    """
    try:
        results = function([claim.payload for claim in claims])
    except (OperationalError, InterfaceError) as error:
        connection.close()
        logger.warning("%s jobs together: %s", len(claims), error)
        return False
    except Exception:
        logger.warning("%s jobs together failed; each is done by itself", len(claims))
        return False
    for claim, result in zip(claims, results, strict=True):
        with suppress(LostClaim):
            claim.finish(result)
    return True


def run_logged(claim: Claim) -> None:
    """Do one of several jobs; whatever happens to it, the others are done too."""
    try:
        run(claim)
    except LostClaim:
        logger.info("%s, attempt %s: cancelled or taken over", claim.kind, claim.attempt)
    except Exception:
        logger.exception("%s, attempt %s", claim.kind, claim.attempt)


def run(claim: Claim, progress: Progress | None = None) -> None:
    """Call the kind's function and store its result, or why there is none.

    progress: instead of reporter(claim). An unforeseen exception is recorded and raised again,
    so that the log shows where.
    """
    function = function_of(claim.kind)
    if function is None:
        claim.fail(
            f"This version of Commonplace does not know the work {claim.kind!r}. "
            "Update the worker, or cancel what asks for it."
        )
        return
    try:
        claim.finish(function(claim.payload, progress or reporter(claim)))
    except LostClaim:
        raise
    except NoSuchModel as error:
        claim.fail(str(error))
    except Requeue as part:
        claim.requeue(part.payload, part.after_s)
    except Transient as error:
        claim.try_later(str(error))
    except (OperationalError, InterfaceError) as error:
        connection.close()
        logger.warning("%s, attempt %s: %s", claim.kind, claim.attempt, error)
        claim.try_later("The database did not answer.")
    except Exception as error:
        claim.fail(f"{type(error).__name__}: {error} {UNFORESEEN}")
        raise


def reporter(claim: Claim) -> Progress:
    """Return the Progress of a claim."""
    last = 0.0
    begun_at: float | None = None

    def progress(share: float, sentence: str) -> None:
        nonlocal last, begun_at
        begun_at = share if begun_at is None else begun_at
        if share >= 1 or time.monotonic() - last >= REPORT_EVERY_S:
            claim.report(share, sentence, gets_on=share > begun_at)
            last = time.monotonic()

    return progress


@contextmanager
def heartbeats(*claims: Claim) -> Iterator[None]:
    """Beat for the claims from a thread, on a connection of its own, until the block ends."""
    ended = threading.Event()

    def record_heartbeats() -> None:
        held = list(claims)
        # A short job ends before the first heartbeat, and costs no connection.
        while held and not ended.wait(HEARTBEAT_S):
            for claim in list(held):
                try:
                    claim.record_heartbeat()
                except LostClaim:
                    held.remove(claim)  # progress() tells the work
                except (OperationalError, InterfaceError) as error:
                    logger.warning(
                        "%s, attempt %s: no heartbeat: %s", claim.kind, claim.attempt, error
                    )
                    connection.close()
                    break
        connection.close()

    thread = threading.Thread(
        target=record_heartbeats, name=f"heartbeat-{claims[0].job_id}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
