"""The table of job kinds: everything a worker can be asked to do."""

from dataclasses import dataclass
from typing import Protocol

from mlhooks.models import Queue

# The names are stored in rows of jobs.
BENCHMARK_PAUSE = "benchmark_pause"
BUILD_INDEX = "build_index"
EMBED_NOTE = "embed_note"
ENCODE_QUERY = "encode_query"
RECONCILE_INDEX = "tend_index"
VERIFY_INTEGRITY = "verify_integrity"


class Progress(Protocol):
    """What a job's function calls now and then, outside transactions.

    share is 0 to 1, the sentence says what is being done. Raises LostClaim when the job was
    cancelled or given to another worker: let it pass. A share of 1 is stored in any case, also
    inside a transaction: what it commits is then done by whoever has the job.
    """

    def __call__(self, share: float, sentence: str) -> None: ...


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    label: what it does, for people; {key} stands for the job's key. function: dotted path of
    function(payload, progress) -> JSON-able result; it may be called twice with the same payload
    and must then leave the same behind. queue: who does it, and so how soon. batch: dotted path of
    function(payloads) -> results, which does up to batch_size waiting jobs at once. every_s: the
    dispatcher requests it that often. is_daily: the dispatcher requests it once a day.
    """

    name: str
    label: str
    function: str
    queue: Queue = Queue.BACKGROUND
    batch: str = ""
    batch_size: int = 1
    every_s: float | None = None
    is_daily: bool = False


KINDS: dict[str, JobKind] = {
    kind.name: kind
    for kind in (
        JobKind(
            ENCODE_QUERY,
            "read what somebody searches for",
            "mlhooks.indexes.job_functions.encode_query",
            Queue.INTERACTIVE,
        ),
        JobKind(
            EMBED_NOTE,
            "read",
            "mlhooks.indexes.job_functions.embed_note",
            batch="mlhooks.indexes.job_functions.embed_notes",
            batch_size=32,
        ),
        JobKind(
            BUILD_INDEX, "build the index of {key}", "mlhooks.indexes.job_functions.build_index"
        ),
        JobKind(
            RECONCILE_INDEX,
            "look after the index",
            "mlhooks.indexes.job_functions.reconcile_index",
            every_s=60,
        ),
        JobKind(
            VERIFY_INTEGRITY,
            "check all that is kept",
            "mlhooks.gateway.verify_integrity_job",
            is_daily=True,
        ),
        JobKind(
            BENCHMARK_PAUSE,
            "work for a moment, to time it",
            "mlhooks.measuring.benchmarks.jobs.pause",
            Queue.INTERACTIVE,
        ),
    )
}
