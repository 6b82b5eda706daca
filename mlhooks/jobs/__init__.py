"""Jobs: request work, and wait for it.

    with jobs.listening() as waiter:
        job = jobs.request("encode_query", key=digest)
        job = waiter.wait(job, timeout_s=0.25)

A request writes a row and a notification, both in the caller's transaction. It never speaks to
the broker, so a broker that is away or silent delays nobody. kinds.py is the table of what there
is to do; dispatch.py gives due jobs to the broker; claims.py is a worker's hold on one.
"""

from mlhooks.jobs.errors import Requeue, Transient
from mlhooks.jobs.requests import request, request_many
from mlhooks.jobs.waiter import WaitInsideTransaction, listening, wait

__all__ = [
    "Requeue",
    "Transient",
    "WaitInsideTransaction",
    "listening",
    "request",
    "request_many",
    "wait",
]
