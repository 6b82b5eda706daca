"""A worker's heartbeat, and its check that it receives messages.

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
from mlhooks.models.worker import HEARTBEAT_S

logger = logging.getLogger(__name__)

# How long a message may lie in a queue that this worker should have emptied.
NOT_RECEIVING_AFTER_S = 30


class Heartbeat(threading.Thread):
    """Records a heartbeat every HEARTBEAT_S seconds; ends a process that receives nothing."""

    def __init__(self, name: str, queues: list[str]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._worker, self._queues = name, queues
        self._ended = threading.Event()
        self._has_database = True

    def run(self) -> None:
        """Record heartbeats until stop(); one that fails is tried again at the next."""
        # Messages that lay there before this worker started say nothing about it.
        checks_from = time.monotonic() + NOT_RECEIVING_AFTER_S
        while not self._ended.is_set():
            try:
                Worker.objects.record_heartbeat(
                    self._worker, queues=self._queues, host=socket.gethostname(), pid=os.getpid()
                )
                if time.monotonic() > checks_from and is_not_receiving(self._worker, self._queues):
                    self._give_up()
                self._has_database = True
            except (OperationalError, InterfaceError) as error:
                if self._has_database:
                    logger.warning("The database is away: %s", error)
                self._has_database = False
                connection.close()
            self._ended.wait(HEARTBEAT_S)
        connection.close()

    def stop(self) -> None:
        """End the thread and delete the row, so that nobody waits for this worker."""
        self._ended.set()
        self.join()
        try:
            Worker.objects.filter(name=self._worker, pid=os.getpid()).delete()
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database is away: %s", error)

    def _give_up(self) -> None:
        logger.error(
            "Messages lie in %s, but this worker receives none: it ends, to be started again.",
            " and ".join(self._queues),
        )
        # Not sys.exit: this is not the main thread, and that one may be stuck for good.
        os._exit(1)


def is_not_receiving(worker: str, queues: list[str]) -> bool:
    """Tell whether an idle worker leaves messages in its queues.

    The dispatcher marks a message as lost when the queue is empty or the broker is away. So
    an old mark means: the broker serves, and there is something to fetch.
    """
    old = Job.objects.published(longer_than_s=NOT_RECEIVING_AFTER_S).filter(queue__in=queues)
    if not old.exists():
        return False
    recent = Now() - timedelta(seconds=NOT_RECEIVING_AFTER_S)
    return not Job.objects.filter(worker=worker, heartbeat_at__gt=recent).exists()


_heartbeats: list[Heartbeat] = []


@worker_ready.connect
def start(sender: Any, **kwargs: Any) -> None:
    """Start the heartbeat. sender: celery's Consumer."""
    queues = sorted(sender.app.amqp.queues.consume_from)
    _heartbeats.append(Heartbeat(sender.hostname, queues))
    _heartbeats[-1].start()


@worker_shutdown.connect
def stop(**kwargs: Any) -> None:
    """Stop the heartbeat."""
    while _heartbeats:
        _heartbeats.pop().stop()
