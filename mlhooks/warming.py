"""A worker that people wait for loads its encoder before the first of them asks.

In its child, since weights loaded before a fork are loaded twice, and in a thread, since a
child that says nothing for seconds counts as dead. Imported by workers only.
"""

from typing import Any

from celery.signals import worker_process_init

from mlhooks.celery import app
from mlhooks.embeddings import loading
from mlhooks.models import Queue


@worker_process_init.connect
def warm(**kwargs: Any) -> None:
    """Begin to load, where queries are encoded."""
    if Queue.INTERACTIVE in app.amqp.queues.consume_from:
        loading.load_ahead()
