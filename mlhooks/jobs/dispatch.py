"""The dispatcher gives jobs to the broker and makes sure that none is forgotten.

It wakes at every request and every finished job (LISTEN). Every few seconds it sweeps for what
no notification announces: jobs that have become due, messages that the broker lost, workers
without a heartbeat, the daily work. The database is the truth; any number of dispatchers may
run, and an advisory lock lets one of them work.
"""

import logging
import os
import socket
import time
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.db.models.functions import Now

from mlhooks.jobs.kinds import KINDS
from mlhooks.jobs.listener import Listener
from mlhooks.jobs.publisher import BrokerAway, Publisher
from mlhooks.jobs.requests import request
from mlhooks.models import Job, Queue, Worker
from mlhooks.models.job import REQUESTED
from mlhooks.models.worker import HEARTBEAT_S

logger = logging.getLogger(__name__)

SWEEP_S = HEARTBEAT_S
RECONNECT_S = 1.0
# Advisory locks are numbers; this one says "commonplace dispatcher" to nobody else.
LOCK = 0x636F6D6D6F6E
# At most so many messages per queue are with the broker; the rest wait in the table, in order.
WINDOW = 32
# A message that no worker has taken for so long is lost if its queue is empty, ...
LOST_AFTER_S = 5
# ... and, should a busy queue never be empty, after so long in any case.
SURELY_LOST_AFTER_S = 300
DAILY = tuple(kind.name for kind in KINDS.values() if kind.is_daily)
REGULAR_S = {kind.name: kind.every_s for kind in KINDS.values() if kind.every_s is not None}
KEPT_DAYS = 30


class Dispatcher:
    """One dispatcher; run() ends only by an exception, such as a signal handler's."""

    def __init__(self) -> None:
        self.name = f"dispatcher@{socket.gethostname()}"
        self._publisher = Publisher()
        self._broker_is_away = False
        self._told: set[str] = set()

    def run(self) -> None:
        """Dispatch for ever; a database that is away is tried again every second."""
        while True:
            try:
                with Listener(REQUESTED) as listener:
                    self._work(listener)
            except (OperationalError, InterfaceError) as error:
                self._tell_once("The database is away; trying again: %s", error)
                connection.close()
                time.sleep(RECONNECT_S)

    def sweep(self) -> None:
        """Do what no notification announces, then publish."""
        self.record_heartbeat()
        rescued = Job.objects.rescue_orphans()
        if rescued:
            logger.warning("%s jobs of silent workers were taken back", rescued)
        self._request_daily_work()
        self._request_regular_work()
        self._broker_is_away = False
        try:
            for queue in Queue:
                self._find_lost_messages(queue)
        except BrokerAway as error:
            self._lose_messages(error)
        self.publish()

    def publish(self) -> None:
        """Give the broker the oldest due jobs, as many as there is room for.

        A broker that failed is left alone until the next sweep: each try may take seconds.
        """
        if self._broker_is_away:
            return
        chosen = list(Job.objects.publishable(WINDOW))
        try:
            for job in chosen:
                self._publisher.publish(job.pk, job.queue)
        except BrokerAway as error:
            self._lose_messages(error)
            return
        if chosen:
            # By now some run or are done: only those that wait are marked.
            waiting = Job.objects.filter(pk__in=[job.pk for job in chosen], state="waiting")
            waiting.update(published_at=Now())
            self._told.clear()

    def record_heartbeat(self) -> None:
        """Store that a dispatcher runs."""
        Worker.objects.record_heartbeat(
            self.name, queues=[], host=socket.gethostname(), pid=os.getpid()
        )

    def _work(self, listener: Listener) -> None:
        while not try_lock(listener):
            self.record_heartbeat()
            time.sleep(SWEEP_S)
        while True:
            self.sweep()
            next_sweep = time.monotonic() + SWEEP_S
            while (left_s := next_sweep - time.monotonic()) > 0:
                if listener.hear(left_s):
                    self.publish()

    def _find_lost_messages(self, queue: Queue) -> None:
        waiting = Job.objects.filter(queue=queue)
        waiting.published(longer_than_s=SURELY_LOST_AFTER_S).update(published_at=None)
        old = waiting.published(longer_than_s=LOST_AFTER_S)
        if old.exists() and self._publisher.depth(queue) == 0:
            logger.warning("%s messages in %s were lost", old.update(published_at=None), queue)

    def _lose_messages(self, error: BrokerAway) -> None:
        """Count every message as lost: the broker may return without them."""
        self._broker_is_away = True
        self._tell_once("The broker is away; jobs wait until it answers: %s", error)
        Job.objects.published().update(published_at=None)

    def _request_daily_work(self) -> None:
        a_day_ago = Now() - timedelta(days=1)
        is_enough = Q(created_at__gt=a_day_ago) | Q(state__in=Job.UNFINISHED)
        for kind in DAILY:
            if not Job.objects.filter(is_enough, kind=kind).exists():
                request(kind)
                long_ago = Now() - timedelta(days=KEPT_DAYS)
                Job.objects.filter(finished_at__lt=long_ago).delete()
                Worker.objects.filter(seen_at__lt=a_day_ago).delete()

    def _request_regular_work(self) -> None:
        """Request what is due again; keep the last success and failure of each kind."""
        for kind, every_s in REGULAR_S.items():
            recent = Q(created_at__gt=Now() - timedelta(seconds=every_s))
            known = Job.objects.filter(kind=kind)
            if not known.filter(recent | Q(state__in=Job.UNFINISHED)).exists():
                known.filter(state=Job.State.DONE).delete()
                failed = known.filter(state=Job.State.FAILED)
                failed.exclude(pk__in=failed.order_by("-pk").values("pk")[:1]).delete()
                request(kind)

    def _tell_once(self, sentence: str, error: Exception) -> None:
        """Log a failure once, until something was published again."""
        if sentence not in self._told:
            logger.warning(sentence, error)
        self._told.add(sentence)


def try_lock(listener: Listener) -> bool:
    """Take the dispatchers' lock for as long as the listener's connection lives."""
    with listener.connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (taken,) = cursor.fetchone()
    return bool(taken)
