"""Who works: every worker and the dispatcher says every few seconds that it is there."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

BEAT_S = 5.0
# Three beats missed: it is not there any more.
ALIVE_S = 15.0


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        """Those heard of in the last ALIVE_S seconds, on the database's clock."""
        return self.filter(seen_at__gt=Now() - timedelta(seconds=ALIVE_S))

    def serving(self, queue: str) -> "WorkerQuerySet":
        """Living workers that take jobs from a queue."""
        return self.alive().filter(queues__contains=[queue])

    def beat(self, name: str, *, queues: Sequence[str], host: str, pid: int) -> None:
        """Note that this worker is there. One statement; the last process of a name counts."""
        self.bulk_create(
            [Worker(name=name, queues=list(queues), host=host, pid=pid, seen_at=Now())],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["queues", "host", "pid", "seen_at"],
        )


class Worker(models.Model):
    """A process that takes jobs, or the dispatcher (which serves no queue)."""

    name = models.CharField(max_length=200, primary_key=True)
    queues = models.JSONField(default=list)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
