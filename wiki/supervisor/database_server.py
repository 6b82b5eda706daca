"""PostgreSQL as a child of `up`: our own server, or one that runs already."""

import signal
import sys
import time
from collections.abc import Callable, Sequence

from django.db import OperationalError, connections

from wiki.postgres import Cluster, PostgresError
from wiki.supervisor.child_process import ROOT, CannotStart, Service

EXTERNAL_WAIT_S = 30.0
PAUSE_S = 0.5
# Waiting does not mend these.
FINAL = ("authentication failed", "does not exist", "no pg_hba.conf entry")


def database_service(cluster: Cluster) -> Service:
    """Describe the embedded server.

    SIGINT is its fast shutdown, SIGQUIT the immediate one after which it recovers at the
    next start. A server of this cluster that runs already, started by another command, is
    taken over and stopped with the rest.
    """

    def command() -> Sequence[str]:
        try:
            if cluster.is_ready() and (pid := cluster.pid()):
                return [
                    sys.executable,
                    "-I",
                    "-S",
                    str(ROOT / "wiki" / "supervisor" / "stand_in.py"),
                    str(pid),
                ]
            cluster.prepare()
            return cluster.argv()
        except PostgresError as error:
            raise CannotStart(str(error)) from error

    return Service(
        "postgres",
        command,
        ready=lambda group: cluster.is_ready(),
        grace_s=60.0,
        stop_signal=signal.SIGINT,
        hurry_signal=signal.SIGQUIT,
        orphan_signal=signal.SIGINT,
        needed=True,
    )


def wait_for_external(pause: Callable[[float], None], is_stopping: Callable[[], bool]) -> None:
    """Wait until the database of DATABASE_URL answers, or somebody asks to stop.

    Raises CannotStart after EXTERNAL_WAIT_S, or at once for what waiting does not mend.
    """
    deadline = time.monotonic() + EXTERNAL_WAIT_S
    while not is_stopping():
        try:
            connections["default"].ensure_connection()
            return
        except OperationalError as error:
            reason = (str(error).strip() or "no reason given").splitlines()[-1]
            if time.monotonic() > deadline or any(words in reason for words in FINAL):
                raise CannotStart(
                    f"The database named by DATABASE_URL does not answer ({reason}). "
                    "Start it, or correct the address."
                ) from error
        pause(PAUSE_S)
