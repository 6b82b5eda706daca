"""Jobs: what a request promises, and what a worker may still write."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from mlhooks import jobs, tasks
from mlhooks.jobs.claims import Claim, LostClaim
from mlhooks.models import Job, Queue
from mlhooks.models.job import ATTEMPTS, ORPHANED_AFTER_S
from tests.mlhooks.conftest import NAME, run
from wiki.models import Revision


def take(job: Job) -> Claim:
    claim = Claim.take(job.pk, NAME)
    assert claim is not None
    return claim


def fall_silent(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(
        heartbeat_at=Now() - timedelta(seconds=ORPHANED_AFTER_S + 1)
    )


# Asking


def test_a_request_is_a_row_of_the_callers_transaction(db):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.request("echo", key="1")
        raise ZeroDivisionError
    assert not Job.objects.exists()


def test_one_unfinished_job_per_kind_and_key(db, alice):
    first = jobs.request("echo", key="1", payload={"n": 1}, user=alice)
    second = jobs.request("echo", key="1", payload={"n": 2})
    assert second.pk == first.pk and second.payload == {"n": 2} and not second.again
    assert second.requested_by == alice
    others = {jobs.request("echo", key="2").pk, jobs.request("other", key="1").pk}
    assert len(others | {first.pk}) == 3


def test_after_the_end_a_request_makes_a_new_job(db):
    first = jobs.request("echo", key="1")
    take(first).finish(None)
    assert jobs.request("echo", key="1").pk != first.pk


def test_a_request_while_it_runs_makes_it_run_once_more_with_the_new_payload(db, kinds):
    job = jobs.request("echo", key="1", payload={"n": 1})
    claim = take(job)
    assert jobs.request("echo", key="1", payload={"n": 2}).again
    claim.finish(claim.payload)
    job.refresh_from_db()
    assert (job.state, job.again, job.finished_at) == ("waiting", False, None)
    assert run(job).state == "done" and job.result == {"n": 2} and job.attempt == 2


def test_a_request_while_it_runs_outlives_the_failure_of_that_run(db, kinds):
    job = jobs.request("echo", key="1")
    claim = take(job)
    jobs.request("echo", key="1", payload={"n": 2})
    claim.fail("It broke.")
    job.refresh_from_db()
    assert (job.state, job.attempts_left) == ("waiting", ATTEMPTS)


def test_a_person_asking_moves_a_waiting_job_up_and_never_down(db):
    job = jobs.request("echo", run_after=timezone.now() + timedelta(hours=1))
    Job.objects.filter(pk=job.pk).update(published_at=Now())
    moved = jobs.request("echo", queue=Queue.INTERACTIVE)
    assert moved.queue == "interactive" and moved.published_at is None
    assert moved.run_after < timezone.now() + timedelta(minutes=1)
    assert jobs.request("echo", queue=Queue.BACKGROUND).queue == "interactive"


def test_of_two_times_asked_for_the_earlier_one_counts(db):
    soon = jobs.request("echo", key="1")
    later = jobs.request("echo", key="1", run_after=timezone.now() + timedelta(hours=1))
    assert later.run_after == soon.run_after
    jobs.request_many("echo", {"1": {}})
    assert Job.objects.get().run_after == soon.run_after
    Job.objects.update(run_after=timezone.now() + timedelta(hours=1))
    jobs.request_many("echo", {"1": {}})
    assert Job.objects.get().run_after < timezone.now() + timedelta(minutes=1)


def test_a_running_job_runs_again_when_it_was_asked_to_the_last_time(db):
    job = jobs.request("echo", key="1")
    take(job)
    tomorrow = timezone.now() + timedelta(days=1)
    assert jobs.request("echo", key="1", run_after=tomorrow).run_after == tomorrow


def test_many_requests_take_their_rows_in_the_order_of_the_keys(db):
    """Two transactions that ask for the same jobs then wait in line, and not for each other."""
    asked = []

    def note_keys(execute, sql, params, many, context):
        if isinstance(params, dict) and "keys" in params:
            asked.append((params["keys"], params["payloads"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note_keys):
        jobs.request_many("echo", {"b": 2, "c": 3, "a": 1})
    assert asked == [(["a", "b", "c"], ["1", "2", "3"])]


def test_an_unknown_queue_is_refused(db):
    with pytest.raises(ValueError):
        jobs.request("echo", queue="fast")


def test_a_claim_waits_for_the_request_that_is_being_made(transactional_db):
    """Otherwise it would miss what that transaction writes beside its request."""
    job = jobs.request("echo", payload={"n": 1})
    claims = []

    def claim_it():
        claims.append(Claim.take(job.pk, NAME))
        connection.close()

    with transaction.atomic():
        jobs.request("echo", payload={"n": 2})
        thread = threading.Thread(target=claim_it)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join()
    assert claims[0].payload == {"n": 2}


# Doing


def test_a_job_is_done_once_however_often_its_message_arrives(db, kinds):
    calls = []
    kinds["echo"] = lambda payload, progress: calls.append(payload)
    job = jobs.request("echo", payload={"n": 1})
    for _ in range(3):
        assert run(job).state == "done"
    assert calls == [{"n": 1}] and job.progress == 1


def test_a_vanished_job_is_no_error(db, kinds):
    tasks.run_job.apply([4711], throw=True)


def test_a_message_before_its_time_does_nothing(db, kinds):
    job = jobs.request("echo", run_after=timezone.now() + timedelta(hours=1))
    assert run(job).state == "waiting" and job.attempt == 0


def test_an_unknown_kind_fails_with_a_sentence(db, kinds):
    job = run(jobs.request("future"))
    assert job.state == "failed" and "'future'" in job.error


def test_an_unforeseen_error_is_recorded_and_raised(db, kinds):
    kinds["echo"] = lambda payload, progress: 1 / 0
    job = jobs.request("echo")
    with pytest.raises(ZeroDivisionError):
        run(job)
    job.refresh_from_db()
    assert job.state == "failed" and job.error.startswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("result", [{1, 2}, float("nan")])
def test_a_result_that_is_not_json_fails(db, kinds, result):
    kinds["echo"] = lambda payload, progress: result
    job = jobs.request("echo")
    with pytest.raises((TypeError, ValueError), match="JSON"):
        run(job)
    job.refresh_from_db()
    assert job.state == "failed" and "JSON" in job.error


def test_a_passing_error_is_tried_again_later_until_the_attempts_are_used_up(db, kinds):
    def fail(payload, progress):
        raise jobs.Transient("The model is being loaded.")

    kinds["echo"] = fail
    job = jobs.request("echo")
    waits = []
    for _ in range(ATTEMPTS):
        Job.objects.update(run_after=Now())
        run(job)
        waits.append((job.run_after - job.started_at).total_seconds())
    assert job.state == "failed" and job.error == "The model is being loaded."
    assert job.attempt == ATTEMPTS and run(job).attempt == ATTEMPTS
    assert waits[:-1] == pytest.approx([5, 15, 60, 300], abs=1)


def test_progress_is_stored(db, kinds):
    def work(payload, progress):
        progress(0.5, "Half of it.")
        return Job.objects.values_list("progress", "progress_text").get()

    kinds["echo"] = work
    assert run(jobs.request("echo")).result == [0.5, "Half of it."]


def test_progress_is_not_written_more_often_than_people_look(
    db, kinds, django_assert_max_num_queries
):
    def work(payload, progress):
        for i in range(1000):
            progress(i / 1000, "Counting.")

    kinds["echo"] = work
    job = jobs.request("echo")
    with django_assert_max_num_queries(20):
        run(job)


# Losing the claim


def test_a_lost_claim_writes_nothing(db):
    job = jobs.request("echo")
    lost = take(job)
    fall_silent(job)
    assert Job.objects.rescue_orphans() == 1
    claim = take(job)
    assert claim.attempt == lost.attempt + 1
    for write in (
        lost.record_heartbeat,
        lambda: lost.report(0.9, "Old."),
        lambda: lost.finish("old"),
        lambda: lost.fail("old"),
        lambda: lost.try_later("old"),
    ):
        with pytest.raises(LostClaim):
            write()
    claim.finish("new")
    job.refresh_from_db()
    assert (job.state, job.result, job.error, job.progress_text) == ("done", "new", "", "")


def test_silent_workers_lose_their_jobs_and_living_ones_do_not(db):
    silent, living = jobs.request("echo", key="1"), jobs.request("echo", key="2")
    take(silent), take(living)
    fall_silent(silent)
    assert Job.objects.rescue_orphans() == 1
    silent.refresh_from_db(), living.refresh_from_db()
    assert (silent.state, living.state) == ("waiting", "running")


def test_a_job_that_always_loses_its_worker_fails(db):
    job = jobs.request("echo")
    for _ in range(ATTEMPTS):
        take(job)
        fall_silent(job)
        Job.objects.rescue_orphans()
    job.refresh_from_db()
    assert job.state == "failed" and job.finished_at and "disappeared" in job.error
    assert Job.objects.rescue_orphans() == 0


def test_a_job_that_gets_on_each_time_has_all_its_attempts(db, kinds, monkeypatch):
    monkeypatch.setattr(tasks, "REPORT_EVERY_S", 0)
    shares = iter(number / 10 for number in range(1, 10))

    def lose_its_worker(payload, progress):
        progress(next(shares), "Going on.")
        progress(next(shares), "Going on.")
        raise KeyboardInterrupt

    kinds["long"] = lose_its_worker
    job = jobs.request("long")
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            run(job)
        fall_silent(job)
        Job.objects.rescue_orphans()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.attempts_left) == ("waiting", 4, ATTEMPTS - 1)


def test_a_job_that_always_ends_at_the_same_place_fails(db, kinds, monkeypatch):
    monkeypatch.setattr(tasks, "REPORT_EVERY_S", 0)

    def lose_its_worker(payload, progress):
        progress(0.5, "Going on.")
        progress(0.5, "Going on.")
        raise jobs.Transient("Not now.")

    kinds["long"] = lose_its_worker
    job = jobs.request("long")
    for _ in range(ATTEMPTS):
        Job.objects.update(run_after=Now())
        run(job)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Not now.")


def test_a_long_job_beats_from_a_thread_of_its_own(transactional_db, kinds, monkeypatch):
    monkeypatch.setattr(tasks, "HEARTBEAT_S", 0.01)

    def work(payload, progress):
        fall_silent(Job.objects.get())
        deadline = time.monotonic() + 10
        while Job.objects.filter(heartbeat_at__lt=Now() - timedelta(seconds=5)).exists():
            assert time.monotonic() < deadline

    kinds["echo"] = work
    assert run(jobs.request("echo")).state == "done"


# Cancelling


def test_a_cancelled_waiting_job_is_not_begun(db, kinds):
    job = jobs.request("echo")
    assert job.cancel() and not job.cancel()
    assert run(job).state == "cancelled" and job.attempt == 0


def test_a_running_job_notices_at_its_next_report(db, kinds):
    def work(payload, progress):
        Job.objects.get().cancel()
        progress(0.5, "Half of it.")
        raise AssertionError("not reached")

    kinds["echo"] = work
    job = run(jobs.request("echo"))
    assert job.state == "cancelled" and job.finished_at and job.progress == 0


def test_what_a_cancelled_job_makes_is_not_stored(db, kinds):
    kinds["echo"] = lambda payload, progress: Job.objects.get().cancel()
    assert run(jobs.request("echo")).result is None


# The work itself


def test_the_daily_check_reports_a_whole_notebook(note):
    job = run(jobs.request("verify_integrity"))
    assert job.result["ok"] and job.result["checked"]["notes"] == 1
    assert job.progress_text == "Everything is as it was saved."


def test_the_daily_check_says_what_it_found(note):
    Revision.objects.update(title="tampered")
    job = run(jobs.request("verify_integrity"))
    assert job.state == "done" and not job.result["ok"]
    assert job.progress_text == "1 problems: `manage.py verify_integrity` lists them."
