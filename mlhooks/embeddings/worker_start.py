"""How a worker's child begins. Imported by workers only.

One that people wait for loads its encoder before the first of them asks: in the child, since
weights loaded before a fork are loaded twice, and in a thread, since a child that says nothing
for seconds counts as dead. One that nobody waits for steps back where processors are few.
"""

import os
from typing import Any

from celery.signals import worker_process_init
from django.utils.module_loading import import_string

from mlhooks.celery import app
from mlhooks.embeddings import loaded
from mlhooks.jobs.kinds import KINDS
from mlhooks.models import Queue

# Code that is loaded before a fork is in memory once.
for kind in KINDS.values():
    import_string(kind.function)

# As much as `nice` gives by default.
NICENESS = 10


@worker_process_init.connect
def warm(**kwargs: Any) -> None:
    """Begin to load where queries are encoded; elsewhere let people go first."""
    if Queue.INTERACTIVE in app.amqp.queues.consume_from:
        loaded.load_ahead()
    elif hasattr(os, "nice"):
        os.nice(NICENESS)
