"""The processes of the ML app: their command lines, and whether they serve."""

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from mlhooks.models import Queue, Worker

# One thread per child: more make a query slower, not faster, once anything else runs. Of the
# programs that oneDNN makes for each shape, so many are kept; texts come in ever other shapes.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


@dataclass(frozen=True)
class WorkerProcess:
    """A worker by its name on this machine and the queues it serves."""

    name: str
    queues: Sequence[str]

    def argv(self) -> list[str]:
        """Return its command line: one child, no talk between workers."""
        return [
            *(sys.executable, "-m", "celery", "--workdir", str(settings.ROOT)),
            *("-A", "mlhooks", "worker", "--loglevel", "WARNING"),
            *("--hostname", f"{self.name}@%h", "--queues", ",".join(self.queues)),
            *("--pool", "prefork", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]

    def is_ready(self) -> bool:
        """Tell whether it was heard of lately."""
        return is_alive(self.name)


def workers(count: int) -> list[WorkerProcess]:
    """Return the workers to run: one for everything, or one for people and the others not."""
    if count == 1:
        return [WorkerProcess("worker", [Queue.INTERACTIVE, Queue.BACKGROUND])]
    names = ["background", *(f"background-{i}" for i in range(2, count))]
    return [
        WorkerProcess("interactive", [Queue.INTERACTIVE]),
        *(WorkerProcess(name, [Queue.BACKGROUND]) for name in names),
    ]


def broker_argv() -> list[str]:
    """Return the command line of the embedded broker."""
    return [sys.executable, "-m", "mlhooks.workers.broker"]


def dispatcher_argv() -> list[str]:
    """Return the command line of the dispatcher."""
    return [sys.executable, str(settings.ROOT / "manage.py"), "dispatch"]


def dispatcher_is_ready() -> bool:
    """Tell whether a dispatcher of this machine was heard of lately."""
    return is_alive("dispatcher")


def is_alive(name: str) -> bool:
    """Tell whether a process of this machine was heard of lately; False without database."""
    try:
        return Worker.objects.alive().filter(name=f"{name}@{socket.gethostname()}").exists()
    except (OperationalError, InterfaceError):
        connection.close_if_unusable_or_obsolete()
        return False
