"""Who works: every worker and the dispatcher says every few seconds that it is there."""

import os
import socket
from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

HEARTBEAT_S = 5.0
# Three heartbeats missed: it is not there any more.
ALIVE_S = 15.0


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        """Those heard of in the last ALIVE_S seconds, on the database's clock."""
        return self.filter(seen_at__gt=Now() - timedelta(seconds=ALIVE_S))

    def serving(self, queue: str) -> "WorkerQuerySet":
        """Living workers that take jobs from a queue."""
        return self.alive().filter(queues__contains=[queue])

    def record_heartbeat(self, name: str, *, queues: Sequence[str], host: str, pid: int) -> None:
        """Note that this worker is there. One statement; the last process of a name counts."""
        self.bulk_create(
            [Worker(name=name, queues=list(queues), host=host, pid=pid, seen_at=Now())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["queues", "host", "pid", "seen_at"],
        )

    def tell_device(self, device: str) -> bool:
        """Note what the encoder of this process runs on; False if it is no worker's, yet.

        A worker is a process or the parent of the one that works.
        """
        mine = self.filter(host=socket.gethostname(), pid__in=[os.getpid(), os.getppid()])
        return bool(mine.update(device=device))


class Worker(models.Model):
    """A process that takes jobs, or the dispatcher (which serves no queue).

    device: what its encoder runs on, "" until it has loaded one.
    """

    name = models.CharField(max_length=200, primary_key=True)
    queues = models.JSONField(default=list)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField()
    device = models.CharField(max_length=100, blank=True, db_default="")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def short(self) -> str:
        """Return its name without that of its machine."""
        return self.name.partition("@")[0]
