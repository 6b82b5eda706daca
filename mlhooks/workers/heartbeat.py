"""What a worker does besides working: it says that it is there, and checks that it hears.

Runs in a thread of the worker's main process, which lives as long as the worker does; the
children that do the work come and go. Imported by workers only.
"""

import logging
import os
import socket
import threading
import time
from datetime import timedelta
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now

from mlhooks.models import Job, Worker
from mlhooks.models.worker import BEAT_S

logger = logging.getLogger(__name__)

# A nudge that lies so long in a queue this worker should have emptied.
DEAF_AFTER_S = 30


class Heartbeat(threading.Thread):
    """Beats every BEAT_S seconds until stopped; ends the process when it is deaf."""

    def __init__(self, name: str, queues: list[str]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._worker, self._queues = name, queues
        self._ended = threading.Event()
        self._beats = True

    def run(self) -> None:
        """Beat until stop(); a database that is away is tried again at the next beat."""
        # What lay there before we came says nothing about our hearing.
        may_be_deaf_at = time.monotonic() + DEAF_AFTER_S
        while not self._ended.is_set():
            try:
                Worker.objects.beat(
                    self._worker, queues=self._queues, host=socket.gethostname(), pid=os.getpid()
                )
                if time.monotonic() > may_be_deaf_at and is_deaf(self._worker, self._queues):
                    self._give_up()
                self._beats = True
            except (OperationalError, InterfaceError) as error:
                if self._beats:
                    logger.warning("The database is away: %s", error)
                self._beats = False
                connection.close()
            self._ended.wait(BEAT_S)
        connection.close()

    def stop(self) -> None:
        """End the thread, and say goodbye so that nobody waits for this worker."""
        self._ended.set()
        self.join()
        try:
            Worker.objects.filter(name=self._worker, pid=os.getpid()).delete()
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database is away: %s", error)

    def _give_up(self) -> None:
        logger.error(
            "Nudges lie in %s, but none reaches this worker: it ends, to be started again.",
            " and ".join(self._queues),
        )
        # Not sys.exit: this is not the main thread, and that one may be stuck for good.
        os._exit(1)


def is_deaf(worker: str, queues: list[str]) -> bool:
    """Tell whether an idle worker leaves nudges lying in its queues.

    The dispatcher marks a nudge as lost when the queue is empty or the broker is away. So
    an old mark means: the broker serves, and there is something to fetch.
    """
    lying = Job.objects.published(longer_than_s=DEAF_AFTER_S).filter(queue__in=queues)
    if not lying.exists():
        return False
    recent = Now() - timedelta(seconds=DEAF_AFTER_S)
    return not Job.objects.filter(worker=worker, heartbeat_at__gt=recent).exists()


_heartbeats: list[Heartbeat] = []


@worker_ready.connect
def start(sender: Any, **kwargs: Any) -> None:
    """Begin to beat: the worker hears its queues. sender: celery's Consumer."""
    queues = sorted(sender.app.amqp.queues.consume_from)
    _heartbeats.append(Heartbeat(sender.hostname, queues))
    _heartbeats[-1].start()


@worker_shutdown.connect
def stop(**kwargs: Any) -> None:
    """Stop beating."""
    while _heartbeats:
        _heartbeats.pop().stop()
