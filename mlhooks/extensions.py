"""connect(): the only place where the ML app registers with the wiki app."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.gateway import Note
from mlhooks.indexes import freshness, integrity, ranking, requests, store
from mlhooks.models import Job, Worker
from mlhooks.views import panels
from mlhooks.workers import broker, processes
from wiki import extensions, signals
from wiki.extensions import Problem, Process

# A due job that nobody begins for so long, although all processes run, is a fault.
OVERDUE_S = 600

# What no worker could make again: nothing yet. A new table stands in one of the two lists.
KEPT_TABLES: list[str] = []
DERIVED_TABLES = [
    # Work asked of one site, with its results, and who works there: not done again in another.
    "mlhooks_job",
    "mlhooks_worker",
    # Made from the notes by the workers, as soon as they miss it.
    "mlhooks_passage",
    "mlhooks_splitnote",
    "mlhooks_noteblocks",
    "mlhooks_indexednote",
    "mlhooks_unreadnote",
    "passage_vector_*",
    # Which vectors are there, and which of them answer: true only beside the vectors.
    "mlhooks_encoderindex",
    "mlhooks_activeindex",
    # What was asked lately; it numbers indexes, and tells what people look for.
    "mlhooks_queryvector",
]


def connect() -> None:
    """Register with the extension points and signals; called once, when the apps are ready."""
    extensions.processes.extend(worker_processes())
    extensions.checks += [overdue_jobs, passages]
    extensions.counted["passages"] = integrity.count
    extensions.vitals |= {
        "index": lambda: {"coverage": freshness.share()},
        "backlog": lambda: {"oldest_s": freshness.backlog_age_s()},
    }
    extensions.benchmarks |= {
        "embed": "mlhooks.measuring.benchmarks.embedding.SUBJECT",
        "jobs": "mlhooks.measuring.benchmarks.jobs.SUBJECT",
        "search": "mlhooks.measuring.benchmarks.searches.SUBJECT",
    }
    extensions.evaluations |= {
        "closeness": "mlhooks.measuring.evaluations.closeness.SUBJECT",
        "evidence": "mlhooks.measuring.evaluations.evidence.SUBJECT",
        "identifiers": "mlhooks.measuring.evaluations.identifiers.SUBJECT",
        "search": "mlhooks.measuring.evaluations.search.SUBJECT",
    }
    extensions.kept_tables += KEPT_TABLES
    extensions.derived_tables += DERIVED_TABLES
    signals.revision_saved.connect(note_saved)
    signals.note_removed.connect(note_removed)
    extensions.preparers.append(ranking.prepare)
    extensions.rankers.append(ranking.rank)
    extensions.explainers.append(ranking.explain)
    extensions.about_rankers.append(ranking.about)
    extensions.panels += [panels.note_status, panels.related_notes]
    extensions.top_line.append(panels.coverage)


class Saved(threading.local):
    """The notes of a change that goes on; what a change leaves that failed is asked for in vain."""

    def __init__(self) -> None:
        self.pids: set[int] = set()


saved = Saved()


def note_saved(note: Note, more: bool = False, **kwargs: Any) -> None:
    """Let a worker read the note once this is committed."""
    saved.pids.add(note.pid)
    if not more:
        pids, saved.pids = saved.pids, set()
        requests.request(pids)


def note_removed(note: Note, **kwargs: Any) -> None:
    """Nobody finds the note by meaning from the moment this is committed."""
    store.forget(note.pid)
    requests.request([note.pid])


def worker_processes() -> list[Process]:
    """Return what `up` keeps running, in the order of starting."""
    env = processes.ENVIRONMENT
    embedded_broker = Process(
        "valkey", processes.broker_argv(), broker.is_ready, needs_schema=False
    )
    return [
        *([] if settings.EXTERNAL_BROKER_URL else [embedded_broker]),
        Process("dispatcher", processes.dispatcher_argv(), processes.dispatcher_is_ready, env),
        *(
            Process(worker.name, worker.argv(), worker.is_ready, env)
            for worker in processes.workers(settings.WIKI_WORKERS)
        ),
    ]


def passages() -> Iterator[Problem]:
    """Tell which passages and vectors do not fit the notes."""
    try:
        for found in integrity.findings():
            yield Problem(found.check, found.message, found.pid, found.revision)
    except NoSuchModel as error:
        yield Problem("passages", f"Passages cannot be compared with the texts: {error}")


def overdue_jobs() -> list[Problem]:
    """Tell which queues stand still although a dispatcher and their workers run.

    Jobs that wait while nothing runs, as after a restore, are no fault.
    """
    alive = list(Worker.objects.alive())
    if not any(not worker.queues for worker in alive):
        return []
    served = {queue for worker in alive for queue in worker.queues}
    overdue = Job.objects.filter(
        state=Job.State.WAITING, run_after__lt=Now() - timedelta(seconds=OVERDUE_S)
    )
    # A long backlog is worked off in order: it moves as long as jobs are begun.
    begun = Job.objects.filter(started_at__gt=Now() - timedelta(seconds=OVERDUE_S))
    moving = set(begun.values_list("queue", flat=True))
    stalled = served - moving
    return [
        Problem(
            "jobs",
            f"Jobs in the queue {queue} have waited for more than {OVERDUE_S // 60} minutes "
            "and none was begun. The logs of the dispatcher and the workers tell why.",
        )
        for queue in sorted(stalled.intersection(overdue.values_list("queue", flat=True)))
    ]
