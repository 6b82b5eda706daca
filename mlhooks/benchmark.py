"""`bench jobs`: how long a reader waits for work that takes a worker 15 ms.

One round is the whole way: a job's row and its NOTIFY, the dispatcher, the broker, the
worker, the result and its NOTIFY. The processes are real ones, started for the benchmark.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings

from mlhooks import broker, jobs, processes
from mlhooks.models import Job, Queue
from wiki.benchmarks.machine import Machine

ROUNDS = 200
WARM_UP = 10
START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
ANSWER_LIMIT_S = 10.0


class NotMeasured(Exception):
    """The benchmark's processes did not start or did not answer; the text says which."""


def run(options: dict[str, Any]) -> dict[str, Any]:
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


def time_round(key: str) -> float:
    """Ask for 15 ms of work and wait for it; return the seconds. Raises NotMeasured."""
    began = time.perf_counter()
    with jobs.listening() as waiter:
        job = jobs.request("benchmark_pause", key=key, queue=Queue.INTERACTIVE)
        job = waiter.wait(job, ANSWER_LIMIT_S)
    if job.state != Job.State.DONE:
        raise NotMeasured(f"Job {job.pk} is {job.state} after {ANSWER_LIMIT_S:.0f} s. {job.error}")
    return time.perf_counter() - began


@contextmanager
def running(
    workers: Sequence[processes.WorkerProcess], env: dict[str, str] | None = None
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run broker (unless it is external), dispatcher and workers; give them by name.

    env is added to the environment. They are ended with the block. Raises NotMeasured.
    """
    children: dict[str, subprocess.Popen[bytes]] = {}
    with ExitStack() as stack:

        def start(name: str, argv: Sequence[str], is_ready: Callable[[], bool]) -> None:
            children[name] = stack.enter_context(child(argv, env or {}))
            wait_until(name, children[name], is_ready)

        if not settings.EXTERNAL_BROKER_URL:
            start("valkey", processes.broker_argv(), broker.is_ready)
        start("dispatcher", processes.dispatcher_argv(), processes.dispatcher_is_ready)
        for worker in workers:
            start(worker.name, worker.argv(), worker.is_ready)
        yield children


@contextmanager
def child(argv: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command from the project's folder; end it with the block."""
    process = subprocess.Popen(
        list(argv),
        cwd=settings.ROOT,
        env={**os.environ, **processes.ENVIRONMENT, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(name: str, process: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> None:
    """Wait until a child serves. Raises NotMeasured when it ends or takes too long."""
    deadline = time.monotonic() + START_LIMIT_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotMeasured(f"{name} did not start; what it wrote above says why.")
        time.sleep(0.05)
