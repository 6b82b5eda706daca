"""The dispatcher: every due job reaches the broker, whatever happens to the broker."""

import os
import signal
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from mlhooks import jobs
from mlhooks.jobs import dispatch
from mlhooks.jobs.claims import Claim
from mlhooks.jobs.dispatch import DAILY, LOST_AFTER_S, WINDOW, Dispatcher, try_lock
from mlhooks.jobs.listener import Listener
from mlhooks.jobs.publisher import BrokerAway, Publisher
from mlhooks.models import Job, Queue, Worker
from mlhooks.models.job import ORPHANED_AFTER_S, REQUESTED
from tests.mlhooks.conftest import say


@pytest.fixture
def dispatcher(db, broker_address, monkeypatch):
    monkeypatch.setattr(dispatch, "DAILY", ())
    monkeypatch.setattr(dispatch, "REGULAR_S", {})
    made = Dispatcher()
    yield made
    made._publisher.close()


def messages(queue: Queue = Queue.BACKGROUND) -> int:
    return int(say("LLEN", queue).strip(b":\r\n"))


def is_published(job: Job) -> bool:
    job.refresh_from_db()
    return job.published_at is not None


def publish_long_ago(*made: Job) -> None:
    long_ago = Now() - timedelta(seconds=LOST_AFTER_S + 1)
    Job.objects.filter(pk__in=[job.pk for job in made]).update(published_at=long_ago)


def test_a_due_job_is_published_once(valkey, dispatcher):
    job = jobs.request("echo")
    dispatcher.publish()
    dispatcher.publish()
    dispatcher.sweep()
    assert messages() == 1 and is_published(job)


def test_a_job_is_not_published_before_its_time(valkey, dispatcher):
    jobs.request("echo", run_after=timezone.now() + timedelta(hours=1))
    dispatcher.sweep()
    assert messages() == 0


def test_a_long_backlog_stays_in_the_table(valkey, dispatcher):
    made = [jobs.request("echo", key=str(i)) for i in range(WINDOW + 5)]
    dispatcher.publish()
    assert messages() == WINDOW and not any(map(is_published, made[WINDOW:]))
    person = jobs.request("echo", key="person", queue=Queue.INTERACTIVE)
    dispatcher.publish()
    assert is_published(person) and messages(Queue.INTERACTIVE) == 1
    Claim.take(made[0].pk, "somebody").finish(None)
    dispatcher.publish()
    assert messages() == WINDOW + 1 and is_published(made[WINDOW])


def test_a_flushed_broker_is_filled_again(valkey, dispatcher):
    job = jobs.request("echo")
    dispatcher.publish()
    say("FLUSHALL")
    dispatcher.sweep()
    assert messages() == 0  # it may still be on its way to a worker
    publish_long_ago(job)
    dispatcher.sweep()
    assert messages() == 1 and is_published(job)


def test_messages_that_wait_their_turn_are_not_doubled(valkey, dispatcher):
    made = [jobs.request("echo", key=str(i)) for i in range(3)]
    dispatcher.publish()
    publish_long_ago(*made)
    dispatcher.sweep()
    assert messages() == 3


def test_a_broker_that_is_away_loses_nothing(dispatcher):
    job = jobs.request("echo")
    dispatcher.publish()
    assert not is_published(job)


def test_a_broker_that_comes_back_empty_gets_all_again(dispatcher, valkey):
    published, due = jobs.request("echo", key="1"), jobs.request("echo", key="2")
    publish_long_ago(published)
    dispatcher._lose_messages(BrokerAway("It went."))
    assert not is_published(published)
    dispatcher.publish()
    assert messages() == 0, "left alone until the next sweep"
    dispatcher.sweep()
    assert messages() == 2 and is_published(published) and is_published(due)


def test_a_silent_broker_is_asked_once_a_sweep(dispatcher, valkey, monkeypatch):
    os.kill(valkey, signal.SIGSTOP)
    try:
        job = jobs.request("echo")
        dispatcher.sweep()
        assert not is_published(job)
        with monkeypatch.context() as patch:
            patch.setattr(dispatcher, "_publisher", None)
            dispatcher.publish()
    finally:
        os.kill(valkey, signal.SIGCONT)
    dispatcher.sweep()
    assert is_published(job)


def test_a_silent_workers_job_is_published_again_at_once(valkey, dispatcher):
    job = jobs.request("echo")
    Claim.take(job.pk, "somebody")
    Job.objects.update(heartbeat_at=Now() - timedelta(seconds=ORPHANED_AFTER_S + 1))
    dispatcher.sweep()
    assert messages() == 1 and is_published(job)


def test_the_daily_work_is_requested_once_a_day(valkey, dispatcher, monkeypatch):
    monkeypatch.setattr(dispatch, "DAILY", DAILY)
    for _ in range(2):
        dispatcher.sweep()
    (job,) = Job.objects.all()
    assert job.kind == "verify_integrity"
    Claim.take(job.pk, "somebody").finish(None)
    dispatcher.sweep()
    assert Job.objects.count() == 1
    Job.objects.update(created_at=Now() - timedelta(hours=25))
    dispatcher.sweep()
    assert Job.objects.count() == 2


def test_regular_work_is_requested_again_and_only_its_last_success_is_kept(
    valkey, dispatcher, monkeypatch
):
    monkeypatch.setattr(dispatch, "REGULAR_S", {"tend_index": 60})
    for _ in range(2):
        dispatcher.sweep()
    (first,) = Job.objects.all()
    Claim.take(first.pk, "somebody").finish(None)
    dispatcher.sweep()
    assert list(Job.objects.all()) == [first]
    Job.objects.update(created_at=Now() - timedelta(seconds=61))
    dispatcher.sweep()
    (second,) = Job.objects.all()
    Claim.take(second.pk, "somebody").fail("no")
    Job.objects.update(created_at=Now() - timedelta(seconds=61))
    dispatcher.sweep()
    assert Job.objects.filter(pk=second.pk, state="failed").exists()
    third = Job.objects.get(state="waiting")
    Claim.take(third.pk, "somebody").fail("no")
    Job.objects.update(created_at=Now() - timedelta(seconds=61))
    dispatcher.sweep()
    assert list(Job.objects.filter(state="failed")) == [third]
    assert Job.objects.filter(state="waiting").count() == 1


def test_old_finished_jobs_are_forgotten(valkey, dispatcher, monkeypatch):
    old, new = jobs.request("echo", key="1"), jobs.request("echo", key="2")
    for job in (old, new):
        Claim.take(job.pk, "somebody").finish(None)
    Job.objects.filter(pk=old.pk).update(finished_at=Now() - timedelta(days=31))
    monkeypatch.setattr(dispatch, "DAILY", DAILY)
    dispatcher.sweep()
    assert set(Job.objects.values_list("kind", "key")) == {("echo", "2"), ("verify_integrity", "")}


def test_the_dispatcher_says_that_it_is_there(valkey, dispatcher):
    dispatcher.sweep()
    (worker,) = Worker.objects.alive()
    assert worker.name.startswith("dispatcher@") and worker.queues == []


def test_one_dispatcher_works_at_a_time(transactional_db):
    with Listener(REQUESTED) as first:
        with Listener(REQUESTED) as second:
            assert try_lock(first) and not try_lock(second)
        with Listener(REQUESTED) as second:
            first.connection.close()
            # The server hears of a closed connection in a moment of its own.
            deadline = time.monotonic() + 60
            while not try_lock(second):
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_a_request_wakes_the_dispatcher_when_it_is_committed(transactional_db):
    with Listener(REQUESTED) as listener:
        assert listener.hear(0) == []
        job = jobs.request("echo")
        assert listener.hear(10) == [str(job.pk)]


def test_a_message_without_broker_says_so(broker_address):
    with pytest.raises(BrokerAway):
        Publisher().publish(1, Queue.BACKGROUND)
