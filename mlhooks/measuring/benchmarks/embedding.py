"""`bench embed`: what embedding costs by the queue, beside the encoder by itself.

Notes are written, and one real background worker works off their jobs, with a dispatcher and a
broker. CPU time is that of the worker's processes (the parent, which hears the broker, and the
child, which works), from after the first job, in which it loads its encoder, until the last is
done. The dispatcher's is told apart; that of PostgreSQL and of the broker is not counted. What
is done each minute and each day, whatever is embedded, waits meanwhile. The same passages are
then encoded in one plain process (raw_encoding.py).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models.functions import Now

from mlhooks import gateway, jobs
from mlhooks.embeddings import registry
from mlhooks.indexes import embedder
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.measuring.benchmarks import process_tree
from mlhooks.measuring.benchmarks.save_latency import edit, save_during_backlog, save_to_hit
from mlhooks.measuring.benchmarks.site_processes import NotMeasured, running
from mlhooks.models import EncoderIndex, Job
from mlhooks.models.job import REQUESTED, notify
from mlhooks.workers import processes
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import settle, write_many
from wiki.measuring.subject import Options, Subject, add_notes

NOTES = 400
LATER = timedelta(days=1)
# A worker that finishes no job for so long is stuck.
STUCK_S = 120.0


def run(options: Options) -> dict[str, Any]:
    """Embed options["notes"] notes, then save some. Times are None on a busy machine.

    Uses the database of the settings, and a broker in their data folder unless BROKER_URL
    names another. Raises NotMeasured.
    """
    machine, corpus = Machine.now(), Corpus()
    owner = get_user_model().objects.create_superuser("owner")
    pids = write_many(corpus.notes(options.get("notes") or NOTES), owner)
    settle()
    hold_back(str(pids[0]))
    worker = processes.workers(2)[1]
    with running([worker]) as children:
        worked_off()
        begin = [process_tree.cpu_s(children[name].pid) for name in (worker.name, "dispatcher")]
        release()
        worked_off()
        end = [process_tree.cpu_s(children[name].pid) for name in (worker.name, "dispatcher")]
        raw = raw_encoding(pids[1:])
        edited = edit(corpus, owner, worked_off)
        to_hit_s = save_to_hit(owner)
        during_s = save_during_backlog(corpus, owner, pids)
        worked_off()
        pss_mb = process_tree.pss_mb(children[worker.name].pid)
    worker_s, dispatcher_s = (after - before for before, after in zip(begin, end, strict=True))
    return {
        "notes": len(pids),
        **_throughput(raw, worker_s),
        "dispatcher_cpu_s": round(dispatcher_s, 1),
        "worker_pss_mb": pss_mb,
        "edit": edited,
        "save_to_hit_p50_ms": machine.milliseconds(to_hit_s, 0.50),
        "save_to_hit_p95_ms": machine.milliseconds(to_hit_s, 0.95),
        "saves_during_backlog": len(during_s),
        "save_p50_ms": machine.milliseconds(during_s, 0.50),
        "save_p95_ms": machine.milliseconds(during_s, 0.95),
        **machine.as_json(),
    }


def _throughput(raw: dict[str, Any], worker_s: float) -> dict[str, Any]:
    """Compare what a worker took for the passages with what encoding them by itself takes."""
    return {
        "passages": raw["passages"],
        "tokens": raw["tokens"],
        "raw_tokens_per_cpu_s": round(raw["tokens"] / raw["cpu_s"]),
        "queue_tokens_per_cpu_s": round(raw["tokens"] / worker_s),
        "ratio": round(raw["cpu_s"] / worker_s, 3),
        "worker_cpu_s": round(worker_s, 1),
    }


def hold_back(first: str) -> None:
    """Let all jobs wait but that of the first note; and what is done now and then anyway."""
    # Brings Celery's worker along, which no web process is to load.
    from mlhooks.jobs import dispatch

    Job.objects.exclude(key=first).update(run_after=Now() + LATER)
    for kind in (*dispatch.DAILY, *dispatch.REGULAR_S):
        Job.objects.filter(pk=jobs.request(kind).pk).update(run_after=Now() + LATER)


def release() -> None:
    """Let the notes be embedded that were held back."""
    held = Job.objects.filter(kind=EMBED_NOTE, state=Job.State.WAITING)
    held.update(run_after=Now())
    notify(REQUESTED, *held.values_list("pk", flat=True)[:1])


def worked_off() -> None:
    """Wait until every note that is due is embedded. Raises NotMeasured."""
    embedding = Job.objects.filter(kind=EMBED_NOTE)
    left, since = -1, time.monotonic()
    while now := embedding.unfinished().filter(run_after__lte=Now()).count():
        if now != left:
            left, since = now, time.monotonic()
        elif time.monotonic() - since > STUCK_S:
            raise NotMeasured(f"{now} notes are still not embedded, and nothing happens.")
        time.sleep(0.05)
    failed = embedding.filter(state=Job.State.FAILED).first()
    if failed is not None:
        raise NotMeasured(f"A note could not be embedded. {failed.error}")


def raw_encoding(pids: Sequence[int]) -> dict[str, Any]:
    """Encode the passages of these notes in a plain process; "passages", "tokens", "cpu_s"."""
    index = EncoderIndex.objects.get()
    texts: list[str] = []
    for head in gateway.heads(pids).values():
        (one,) = embedder.split_notes(index, [head])
        texts += {passage.sha256: passage.text for passage in one.passages}.values()
    folder = registry.locate(index.encoder)
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "mlhooks.measuring.benchmarks.encoder_speed",
            folder,
            settings.WIKI_DEVICE,
        ],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        cwd=settings.ROOT,
        env={**os.environ, **processes.ENVIRONMENT},
    )
    if ran.returncode:
        raise NotMeasured(f"The plain process failed: {ran.stderr[-1000:]}")
    return {"passages": len(texts), **json.loads(ran.stdout.splitlines()[-1])}


SUBJECT = Subject(run, add_notes)
