"""`bench jobs`: how long a reader waits for work that takes a worker 15 ms.

One round is the whole way: a job's row and its NOTIFY, the dispatcher, the broker, the
worker, the result and its NOTIFY. The processes are real ones, started for the benchmark.
"""

import time
from typing import Any

from mlhooks import jobs
from mlhooks.jobs.kinds import BENCHMARK_PAUSE, Progress
from mlhooks.measuring.benchmarks.site_processes import NotMeasured, running
from mlhooks.models import Job
from mlhooks.workers import processes
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.subject import Options, Subject

ROUNDS = 200
WARM_UP = 10
ANSWER_LIMIT_S = 10.0
PAUSE_S = 0.015


def run(options: Options) -> dict[str, Any]:
    """Time the rounds; options["rounds"] says how many. Times are None on a busy machine.

    Uses the database of the settings, and a broker in their data folder unless BROKER_URL
    names another. Raises NotMeasured.
    """
    machine = Machine.now()
    with running(processes.workers(2)[:1]):
        for i in range(WARM_UP):
            time_round(f"warm-up {i}")
        times_s = [time_round(f"round {i}") for i in range(options.get("rounds") or ROUNDS)]
    return {
        "rounds": len(times_s),
        "p50_ms": machine.milliseconds(times_s, 0.50),
        "p95_ms": machine.milliseconds(times_s, 0.95),
        **machine.as_json(),
    }


def pause(payload: dict[str, Any], progress: Progress) -> dict[str, int]:
    """Work for 15 ms, about as long as encoding a query."""
    end = time.perf_counter() + PAUSE_S
    while time.perf_counter() < end:
        pass
    return {"worked_ms": 15}


def time_round(key: str) -> float:
    """Ask for 15 ms of work and wait for it; return the seconds. Raises NotMeasured."""
    began = time.perf_counter()
    with jobs.listening() as waiter:
        job = jobs.request(BENCHMARK_PAUSE, key=key)
        job = waiter.wait(job, ANSWER_LIMIT_S)
    if job.state != Job.State.DONE:
        raise NotMeasured(f"Job {job.pk} is {job.state} after {ANSWER_LIMIT_S:.0f} s. {job.error}")
    return time.perf_counter() - began


SUBJECT = Subject(run)
