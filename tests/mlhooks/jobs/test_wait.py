"""Waiting for a job: for as long as it takes, and not a moment without reason."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from mlhooks import jobs, tasks
from mlhooks.models import Queue, Worker
from tests.mlhooks.conftest import NAME, run


def worker_for(*queues: str, age_s: float = 0) -> Worker:
    Worker.objects.record_heartbeat(NAME, queues=queues, host="here", pid=1)
    Worker.objects.update(seen_at=Now() - timedelta(seconds=age_s))
    return Worker.objects.get()


def test_waiting_inside_a_transaction_is_refused(transactional_db):
    job = jobs.request("echo")
    with transaction.atomic(), pytest.raises(jobs.WaitInsideTransaction):
        jobs.wait(job.pk, 1)
    with (
        jobs.listening() as waiter,
        transaction.atomic(),
        pytest.raises(jobs.WaitInsideTransaction),
    ):
        waiter.wait(job, 1)


def never(*args: object) -> list[str]:
    raise AssertionError("waited")


@pytest.mark.parametrize("age_s", [None, 16])
def test_nobody_waits_when_no_worker_is_there(transactional_db, monkeypatch, age_s):
    if age_s is not None:
        worker_for(Queue.INTERACTIVE, age_s=age_s)
    monkeypatch.setattr("mlhooks.jobs.listener.Listener.hear", never)
    job = jobs.request("echo", queue=Queue.INTERACTIVE)
    assert jobs.wait(job.pk, 60).state == "waiting"


def test_a_worker_for_another_queue_does_not_count(transactional_db, monkeypatch):
    worker_for(Queue.BACKGROUND)
    monkeypatch.setattr("mlhooks.jobs.listener.Listener.hear", never)
    jobs.wait(jobs.request("echo", queue=Queue.INTERACTIVE).pk, 60)


def test_the_wait_ends_with_the_job(transactional_db, kinds):
    worker_for(Queue.INTERACTIVE)

    def work():
        run(jobs.request("other", key="noise"))
        tasks.run_job.apply([job.pk])
        connection.close()

    thread = threading.Thread(target=work)
    with jobs.listening() as waiter:
        job = jobs.request("echo", payload=[1], queue=Queue.INTERACTIVE)
        thread.start()
        began = time.monotonic()
        job = waiter.wait(job, 60)
    thread.join()
    assert job.state == "done" and job.result == [1] and time.monotonic() - began < 60


def test_an_answer_between_request_and_wait_is_not_missed(transactional_db, kinds, monkeypatch):
    worker_for(Queue.INTERACTIVE)
    with jobs.listening() as waiter:
        job = jobs.request("echo", queue=Queue.INTERACTIVE)
        tasks.run_job.apply([job.pk])
        monkeypatch.setattr("mlhooks.jobs.listener.Listener.hear", never)
        assert waiter.wait(job, 60).state == "done"


def test_the_wait_ends_in_time(transactional_db):
    worker_for(Queue.INTERACTIVE)
    job = jobs.request("echo", queue=Queue.INTERACTIVE)
    assert jobs.wait(job.pk, 0.05).state == "waiting"
