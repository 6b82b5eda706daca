"""The processes of the ML app: what `up` is told about them, and the whole chain once for real."""

import signal
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from mlhooks import extensions, jobs
from mlhooks.jobs.claims import Claim
from mlhooks.measuring.benchmarks import jobs as benchmark
from mlhooks.measuring.benchmarks import site_processes
from mlhooks.models import Job, Queue, Worker
from mlhooks.workers import broker, heartbeat, processes
from tests.mlhooks.conftest import say
from wiki import extensions as extension_points

NAME = "background@here"


def test_the_whole_chain_answers(transactional_db, broker_address, child_env, monkeypatch):
    """Row, NOTIFY, dispatcher, broker, worker, NOTIFY: with real processes."""
    for name, value in child_env().items():
        monkeypatch.setenv(name, value)
    report = benchmark.run({"rounds": 3})
    assert report["rounds"] == 3 and {"p50_ms", "p95_ms", "load"} <= set(report)
    done = Job.objects.filter(kind="benchmark_pause")
    assert done.count() == 3 + benchmark.WARM_UP
    assert set(done.values_list("state", "attempt", "error")) == {("done", 1, "")}
    assert all(name.startswith("interactive@") for name in done.values_list("worker", flat=True))
    assert not Worker.objects.filter(name__startswith="interactive").exists(), "it said goodbye"


def test_a_child_that_ends_at_once_is_not_waited_for(db):
    argv = ["/bin/sh", "-c", "exit 1"]
    with (
        pytest.raises(site_processes.NotMeasured, match="sh did not start"),
        site_processes.child(argv, {}) as process,
    ):
        site_processes.wait_until("sh", process, lambda: False)


def test_two_workers_keep_people_apart_from_bulk():
    people, bulk = processes.workers(2)
    assert (people.queues, bulk.queues) == ([Queue.INTERACTIVE], [Queue.BACKGROUND])


def test_one_worker_serves_both():
    (only,) = processes.workers(1)
    assert set(only.queues) == {Queue.INTERACTIVE, Queue.BACKGROUND}


def test_more_workers_have_names_of_their_own():
    names = [worker.name for worker in processes.workers(4)]
    assert names == ["interactive", "background", "background-2", "background-3"]


def test_up_is_told_in_the_order_of_starting(settings):
    names = [process.name for process in extensions.worker_processes()]
    assert names == ["valkey", "dispatcher", "interactive", "background"]
    assert [each.needs_schema for each in extensions.worker_processes()] == [
        False,
        True,
        True,
        True,
    ]
    settings.EXTERNAL_BROKER_URL = "redis://broker.example.org"
    assert [process.name for process in extensions.worker_processes()] == names[1:]


def test_the_hooks_are_connected():
    assert (
        "jobs" in extension_points.benchmarks and extensions.overdue_jobs in extension_points.checks
    )
    assert "dispatcher" in {process.name for process in extension_points.processes}


def test_a_process_is_ready_while_it_is_heard_of(db, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    worker = processes.WorkerProcess("background", [Queue.BACKGROUND])
    assert not worker.is_ready()
    Worker.objects.record_heartbeat(NAME, queues=[Queue.BACKGROUND], host="here", pid=1)
    assert worker.is_ready() and not processes.dispatcher_is_ready()
    Worker.objects.update(seen_at=Now() - timedelta(seconds=16))
    assert not worker.is_ready()


def test_a_worker_that_comes_back_is_the_same_row(db):
    for pid in (1, 2):
        Worker.objects.record_heartbeat(NAME, queues=[Queue.BACKGROUND], host="here", pid=pid)
    assert Worker.objects.get().pid == 2


# A worker that hears nothing


def lie(job: Job, seconds: float) -> None:
    Job.objects.filter(pk=job.pk).update(published_at=Now() - timedelta(seconds=seconds))


def test_an_idle_worker_that_leaves_messages_does_not_receive(db):
    job = jobs.request("echo")
    assert not heartbeat.is_not_receiving(NAME, [Queue.BACKGROUND]), "not with the broker"
    lie(job, 20)
    assert not heartbeat.is_not_receiving(NAME, [Queue.BACKGROUND]), "not for long"
    lie(job, 40)
    assert heartbeat.is_not_receiving(NAME, [Queue.BACKGROUND])
    assert not heartbeat.is_not_receiving(NAME, [Queue.INTERACTIVE]), "not its queue"


@pytest.mark.parametrize("finished", [False, True])
def test_a_busy_worker_receives(db, finished):
    lying, mine = jobs.request("echo", key="1"), jobs.request("echo", key="2")
    lie(lying, 40)
    claim = Claim.take(mine.pk, NAME)
    if finished:
        claim.finish(None)
    assert not heartbeat.is_not_receiving(NAME, [Queue.BACKGROUND])
    assert heartbeat.is_not_receiving("background@elsewhere", [Queue.BACKGROUND])


# The broker


def test_the_broker_answers_on_its_socket_only(valkey):
    assert broker.is_ready()
    assert "--port" in broker.argv() and broker.argv()[broker.argv().index("--port") + 1] == "0"


def test_a_stopped_broker_is_not_ready(broker_address):
    assert not broker.is_ready()


def test_a_machine_without_valkey_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(broker.NoBroker, match="BROKER_URL"):
        broker.argv()


def test_a_killed_broker_keeps_its_nudges(broker_address, child_env, db):
    def once(words: str) -> bytes:
        with site_processes.child(processes.broker_argv(), child_env()) as process:
            site_processes.wait_until("valkey", process, broker.is_ready)
            try:
                return say(*words.split())
            finally:
                # What was said is in the kernel's hands at once, on the disk a second later.
                process.send_signal(signal.SIGKILL)

    once("SET kept yes")
    assert b"yes" in once("GET kept")


# IndexProgress still


def overdue(seconds: float = extensions.OVERDUE_S + 1) -> Job:
    job = jobs.request("echo")
    Job.objects.filter(pk=job.pk).update(run_after=Now() - timedelta(seconds=seconds))
    return job


def all_processes_run() -> None:
    Worker.objects.record_heartbeat("dispatcher@here", queues=[], host="here", pid=1)
    Worker.objects.record_heartbeat(NAME, queues=[Queue.BACKGROUND], host="here", pid=2)


def test_a_queue_that_stands_still_is_a_problem(db):
    overdue()
    all_processes_run()
    (problem,) = extensions.overdue_jobs()
    assert problem.check == "jobs" and "background" in problem.message


def test_a_backlog_that_moves_is_none(db):
    overdue()
    all_processes_run()
    Claim.take(jobs.request("echo", key="2").pk, NAME)
    assert extensions.overdue_jobs() == []


def test_waiting_jobs_are_none_while_nothing_runs(db):
    overdue()
    assert extensions.overdue_jobs() == []
