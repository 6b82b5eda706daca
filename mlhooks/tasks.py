"""What workers run: claim the job, call one function, store what it made."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError, connection

from mlhooks import gateway
from mlhooks.celery import RUN_JOB, app
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.indexes import embedder, index_build, ranking, reconciler, requests
from mlhooks.jobs import MakeRoom, Transient
from mlhooks.models import Claim, LostClaim
from mlhooks.models.job import UNFORESEEN
from mlhooks.models.worker import HEARTBEAT_S

logger = logging.getLogger(__name__)

# A report of progress is written this often; the ones between are for the next.
REPORT_EVERY_S = 0.5


class Progress(Protocol):
    """What a job's function calls now and then, outside transactions.

    share is 0 to 1, the sentence says what is being done. Raises LostClaim when the job was
    cancelled or given to another worker: let it pass. A share of 1 is told in any case, also
    inside a transaction: what it commits is then done by whoever has the job.
    """

    def __call__(self, share: float, sentence: str) -> None: ...


def verify_integrity(payload: dict[str, Any], progress: Progress) -> Any:
    """Check the whole notebook; the wiki app's own report is the result."""
    report = gateway.verify_integrity()
    if report["ok"]:
        progress(1.0, "Everything is as it was saved.")
    else:
        count = len(report["problems"])
        logger.error("verify_integrity found %s problems", count)
        progress(1.0, f"{count} problems: `manage.py verify_integrity` lists them.")
    return report


def benchmark_pause(payload: dict[str, Any], progress: Progress) -> Any:
    """Work for 15 ms, about as long as encoding a query; `bench jobs` times the way here."""
    end = time.perf_counter() + 0.015
    while time.perf_counter() < end:
        pass
    return {"worked_ms": 15}


def embed_note(payload: dict[str, Any], progress: Progress) -> Any:
    """Bring one note up to date in the active index; a note that is gone leaves it."""
    return asdict(index_build.read_note(payload["pid"]))


def embed_notes(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    """Bring several notes up to date: together they take the encoder half as long."""
    index, encoder = index_build.active()
    done = embedder.index_notes(index, encoder, [payload["pid"] for payload in payloads])
    return [{**asdict(done), "together": len(payloads)}] * len(payloads)


def build_index(payload: dict[str, Any], progress: Progress) -> Any:
    """Let an encoder read all notes that it has not read, then let it answer."""
    return index_build.build(payload, progress)


def tend_index(payload: dict[str, Any], progress: Progress) -> Any:
    """Ask for what the index lacks for whatever reason."""
    done = reconciler.tend()
    if reconciler.is_new():
        raise MakeRoom(payload, after_s=reconciler.NEW_S)
    return done


def encode_query(payload: dict[str, Any], progress: Progress) -> Any:
    """Keep the vector of a query, and let go of its words."""
    return ranking.encode(payload)


# kind of job: function(payload, progress) -> JSON-able result. It may be called twice with
# the same payload, and must then leave the same behind.
KINDS: dict[str, Callable[[dict[str, Any], Progress], Any]] = {
    "verify_integrity": verify_integrity,
    "benchmark_pause": benchmark_pause,
    index_build.BUILD_INDEX: build_index,
    requests.EMBED_NOTE: embed_note,
    ranking.ENCODE_QUERY: encode_query,
    reconciler.TEND_INDEX: tend_index,
}


# Of these, waiting jobs are done together, so many at most: function(payloads) -> results.
TOGETHER: dict[str, tuple[Callable[[Sequence[dict[str, Any]]], list[Any]], int]] = {
    requests.EMBED_NOTE: (embed_notes, 32),
}


@app.task(name=RUN_JOB, bind=True)
def run_job(task: Any, job_id: int) -> None:
    """Do a job if it still waits to be done; called any number of times for the same one."""
    worker = task.request.hostname or ""
    claim = Claim.take(job_id, worker)
    if claim is None:
        return
    function, most = TOGETHER.get(claim.kind, (None, 1))
    others = claim.take_more(most - 1, worker) if function and claim.is_first else []
    try:
        with heartbeats(claim, *others):
            if function is None or not (others and run_together(function, [claim, *others])):
                for one in others:
                    run_logged(one)
                run(claim)
    except LostClaim:
        logger.info("%s, attempt %s: cancelled or taken over", claim.kind, claim.attempt)


def run_together(
    function: Callable[[Sequence[dict[str, Any]]], list[Any]], claims: Sequence[Claim]
) -> bool:
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
    function = KINDS.get(claim.kind)
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
    except MakeRoom as part:
        claim.make_room(part.payload, part.after_s)
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
