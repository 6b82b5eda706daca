"""The real processes of the ML app, for as long as a benchmark runs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings

from mlhooks.workers import broker, processes

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0


class NotMeasured(Exception):
    """The benchmark's processes did not start or did not answer; the text says which."""


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
