"""/jobs/: staff see and steer the work; to everybody else the pages do not exist."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlhooks import jobs
from mlhooks.jobs.claims import Claim
from mlhooks.models import Job, Worker


@pytest.fixture
def job(db):
    return jobs.request("verify_integrity")


def pages(job: Job) -> list[tuple[str, str]]:
    return [
        ("get", "/jobs/"),
        ("get", f"/jobs/{job.pk}/"),
        ("post", f"/jobs/{job.pk}/retry/"),
        ("post", f"/jobs/{job.pk}/cancel/"),
        ("post", "/jobs/retry/"),
    ]


@pytest.mark.parametrize("who", ["alice_client", "bob_client", "charlie_client"])
def test_the_pages_do_not_exist_for_people(request, job, who):
    client = request.getfixturevalue(who)
    for method, page in pages(job):
        assert getattr(client, method)(page).status_code == 404
    job.refresh_from_db()
    assert job.state == "waiting" and Job.objects.count() == 1


def test_the_pages_ask_strangers_to_sign_in(client, job):
    for method, page in pages(job):
        reply = getattr(client, method)(page)
        assert reply.status_code == (302 if method == "get" else 403)
        if method == "get":
            assert reply["Location"].startswith("/login/")
    job.refresh_from_db()
    assert job.state == "waiting"


def test_looking_changes_nothing_and_changing_needs_a_post(staff_client, job):
    for _, page in pages(job)[2:]:
        assert staff_client.get(page).status_code == 405


def test_staff_see_the_jobs_and_the_workers(staff_client, job):
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)
    Claim.take(job.pk, "background@here").fail("The disk is full.")
    reply = staff_client.get("/jobs/").content.decode()
    for text in (
        "check all that is kept",
        "failed",
        "The disk is full.",
        "background, heard just now",
        "try again",
    ):
        assert text in reply


@pytest.mark.parametrize(
    ("state", "count"), [("", 1), ("waiting", 1), ("done", 0), ("nonsense", 1)]
)
def test_the_list_can_be_narrowed_to_a_state(staff_client, job, state, count):
    reply = staff_client.get("/jobs/", {"state": state}).content.decode()
    assert reply.count(f'<tr id="job-{job.pk}"') == count


@pytest.mark.parametrize("page", ["/jobs/", "/jobs/?state=waiting", "/jobs/?all=1"])
def test_the_list_makes_the_same_queries_however_long(staff_client, staff, note, page):
    def count(wanted: int) -> int:
        for i in range(wanted):
            jobs.request("echo", key=str(i), user=staff)
            for kind in ("echo", "embed_note"):
                Claim.take(jobs.request(kind, key=f"1{i}").pk, "somebody").fail("It broke.")
        with CaptureQueriesContext(connection) as asked:
            staff_client.get(page)
        return len(asked)

    count(1)
    assert count(2) == count(20) <= 20


def test_a_job_has_a_page(staff_client, staff, job):
    Claim.take(job.pk, "background@here").finish({"ok": True})
    reply = staff_client.get(f"/jobs/{job.pk}/").content.decode()
    for text in ("verify_integrity", "done", "background@here", "the site itself", "ok"):
        assert text in reply
    assert staff_client.get(f"/jobs/{job.pk + 1}/").status_code == 404


def test_what_a_job_says_is_text(staff_client, job):
    Claim.take(job.pk, "somebody").fail("<script>alert(1)</script>")
    for page in ("/jobs/", f"/jobs/{job.pk}/"):
        assert "<script>alert" not in staff_client.get(page).content.decode()


def test_staff_can_cancel(staff_client, job):
    reply = staff_client.post(f"/jobs/{job.pk}/cancel/")
    assert reply.status_code == 302 and reply["Location"] == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_doing_it_again_is_a_new_job_of_the_one_who_asks(staff_client, staff, job):
    Claim.take(job.pk, "somebody").fail("It broke.")
    staff_client.post(f"/jobs/{job.pk}/retry/")
    again = Job.objects.exclude(pk=job.pk).get()
    assert (again.kind, again.state, again.requested_by) == (job.kind, "waiting", staff)
    staff_client.post(f"/jobs/{job.pk}/retry/")
    assert Job.objects.count() == 2
