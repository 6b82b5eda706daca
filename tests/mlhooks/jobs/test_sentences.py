"""What /jobs/ says: the state of the index, jobs by what they do, and whose turn it is."""

import doctest
import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from mlhooks import jobs
from mlhooks.indexes import index_build
from mlhooks.jobs.claims import Claim
from mlhooks.models import EncoderIndex, IndexedNote, Job, Worker
from mlhooks.views import rows
from tests.conftest import person, signed_in


def page(client, address: str = "/jobs/") -> str:
    return client.get(address).content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def listed(client, address: str = "/jobs/") -> list[str]:
    """The rows of the list, each as running words without what it says of its time."""
    found = re.findall(r'<tr id="job-\d+">(.*?)</tr>', page(client, address), re.DOTALL)
    return [
        re.sub(r" ?asked for (?:just now|\d+ s ago)( by \w+)?", ",", words(row)) for row in found
    ]


def headline(client) -> str:
    found = re.search(r'<div class="headline">(.*?)</div>\s*<aside', page(client), re.DOTALL)
    return words(found[1])


@pytest.fixture
def worker(db):
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)


@pytest.fixture
def index(db) -> EncoderIndex:
    made = EncoderIndex.objects.make("first", "1", 3)
    made.activate()
    return made


def take(job: Job) -> Claim:
    claim = Claim.take(job.pk, "background@here")
    assert claim is not None
    return claim


def test_jobs_are_told_by_what_they_do(staff_client, note):
    Job.objects.all().delete()
    jobs.request("build_index", key="gte-small", payload={"encoder": "gte-small"})
    jobs.request("embed_note", key=str(note.pid), payload={"pid": note.pid})
    jobs.request("embed_note", key="999999", payload={"pid": 999999})
    jobs.request("never_heard_of", key="7")
    assert listed(staff_client) == [
        "build the index of gte-small, waiting 1st in line cancel : build the index of gte-small",
        f"read {{{note.pid}}} , revision 0, waiting 2nd in line cancel : read {{{note.pid}}}",
        "read {999999}, waiting 3rd in line cancel : read {999999}",
        "never_heard_of 7, waiting 4th in line cancel : never_heard_of 7",
    ]
    assert f'<a href="/notes/{note.pid}/">{{{note.pid}}}</a>' in page(staff_client)


def test_of_a_note_that_staff_may_not_read_not_even_the_number_is_told(secret, note):
    client = signed_in(person("clerk", is_staff=True))
    said = " ".join(listed(client))
    assert f"read {{{note.pid}}} , revision 0" in said
    assert "read a private note, waiting" in said and f"{{{secret.pid}}}" not in said
    assert f'href="/notes/{secret.pid}/"' not in page(client)


def test_each_queue_is_a_line_of_its_own_on_every_page(staff_client, db, monkeypatch):
    monkeypatch.setattr("mlhooks.views.jobs.PER_PAGE", 2)
    for number in range(3):
        jobs.request("echo", key=f"{number}")
    jobs.request("echo", key="first", queue="interactive")

    def turns(address: str) -> list[str]:
        return re.findall(r"echo (\w+), waiting (\w+) in line", " ".join(listed(*address)))

    assert turns((staff_client, "/jobs/?state=waiting")) == [("first", "1st"), ("0", "1st")]
    assert turns((staff_client, "/jobs/?state=waiting&page=2")) == [("1", "2nd"), ("2", "3rd")]


def test_what_is_done_all_the_time_is_left_out(staff_client, db):
    for kind in ("tend_index", "encode_query", "verify_integrity"):
        take(jobs.request(kind)).finish(None)
    take(jobs.request("encode_query", key="2")).fail("No weights.")
    assert [row.split(",")[0] for row in listed(staff_client)] == ["check all that is kept"]
    assert len(listed(staff_client, "/jobs/?state=done")) == 1
    assert len(listed(staff_client, "/jobs/?state=failed")) == 0
    assert len(listed(staff_client, "/jobs/?all=1")) == 4
    assert len(listed(staff_client, "/jobs/?all=1&state=done")) == 3


def test_what_somebody_searches_for_is_never_shown(staff_client, db):
    payload = {"index": 1, "digest": "d", "text": "what nobody may know"}
    job = jobs.request("encode_query", key="d", payload=payload, queue="interactive")
    shown = page(staff_client) + page(staff_client, f"/jobs/{job.pk}/")
    assert "read what somebody searches for" in shown and "digest" in shown
    assert "what nobody may know" not in shown
    take(job).fail("No weights.")
    assert "do it again" not in page(staff_client, f"/jobs/{job.pk}/")


def test_a_failure_is_listed_until_it_is_settled(staff_client, note, index):
    job = Job.objects.get(kind="embed_note")
    take(job).fail("The disk is full.")
    take(jobs.request("verify_integrity")).fail("The disk is full.")
    assert len(listed(staff_client, "/jobs/?state=failed")) == 2
    assert "failed 2" in words(page(staff_client))
    take(jobs.request("verify_integrity")).finish({})
    IndexedNote.objects.create(index=index, note=note.pid, revision=0)
    assert listed(staff_client, "/jobs/?state=failed") == []
    assert len(listed(staff_client, "/jobs/?all=1&state=failed")) == 2


def test_all_failed_notes_are_tried_again_at_once(staff_client, note, secret, index):
    for job in Job.objects.filter(kind="embed_note"):
        take(job).fail("The disk is full.")
    assert "0 of 2 notes read" in headline(staff_client)
    assert "2 could not be read try all of them again" in headline(staff_client)
    assert staff_client.get("/jobs/retry/").status_code == 405
    reply = staff_client.post("/jobs/retry/")
    assert (reply.status_code, reply["Location"]) == (302, "/jobs/")
    waiting = Job.objects.filter(kind="embed_note", state="waiting")
    assert {job.key for job in waiting} == {str(note.pid), str(secret.pid)}
    assert "could not be read" not in headline(staff_client)


def test_the_headline_tells_of_how_many_notes_the_index_is_current(
    staff_client, note, secret, index
):
    assert headline(staff_client).startswith("0 of 2 notes read The others are found by their")
    for one in (note, secret):
        IndexedNote.objects.create(index=index, note=one.pid, revision=0)
    assert headline(staff_client) == (
        "2 of 2 notes read All of them are found by meaning as they are now, with first."
    )


def test_without_notes_there_is_nothing_to_count(staff_client):
    assert headline(staff_client) == "Jobs There is no note to be read for meaning yet."


def test_it_tells_how_long_the_rest_will_take(staff_client, note, secret, index):
    done = Job.objects.get(kind="embed_note", key=str(note.pid))
    take(done).finish({"embedded": 1, "reused": 2})
    assert "0.0 notes a second · about 1 min left" in headline(staff_client)
    assert "1 passage read, 2 known already" in " ".join(listed(staff_client))
    Job.objects.update(result={"embedded": 9, "reused": 0, "gone": 1, "together": 3})
    assert "with 2 others: 9 passages read" in " ".join(listed(staff_client))


def test_while_an_index_is_built_searches_use_the_old_one(staff_client, note, secret, index):
    job = index_build.request("second")
    assert "waits for its turn cancel" in headline(staff_client)
    other = EncoderIndex.objects.make("second", "2", 3)
    IndexedNote.objects.create(index=other, note=note.pid, revision=0)
    take(job).report(0.5, "1 of 2 notes read, note {7}; about 3 min left.")
    said = headline(staff_client)
    assert said.startswith("1 of 2 notes re-read Changing the encoder from first to second.")
    assert "Searches use the old index until the new one is whole" in said
    assert "about 3 min left. cancel" in said
    assert f'action="/jobs/{job.pk}/cancel/"' in page(staff_client)
    job.cancel()
    index_build.request("second", answers=False)
    assert "Searches go on with first." in headline(staff_client)


def test_nobody_reads(staff_client, note, worker):
    assert "No background worker" not in page(staff_client)
    Worker.objects.update(seen_at=Now() - timedelta(seconds=90))
    assert (
        "No background worker has answered for 1 min. Notes are saved and found by their words; "
        "meaning waits. Nothing is lost: 1 job is kept in the database."
    ) in words(page(staff_client))
    Worker.objects.all().delete()
    assert "No background worker has ever answered here." in words(page(staff_client))


def test_the_page_asks_for_itself_only_while_something_moves(staff_client, note):
    assert "data-hx-get" not in page(staff_client)
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)
    html = page(staff_client, "/jobs/?state=waiting")
    assert 'data-hx-get="/jobs/?state=waiting"' in html and "htmx" in html and "<noscript>" in html
    claim = take(Job.objects.get(kind="embed_note"))
    Worker.objects.all().delete()
    assert "data-hx-get" in page(staff_client)
    claim.finish({})
    html = page(staff_client)
    assert "data-hx-get" not in html and "htmx" not in html and "<noscript>" not in html


def test_places_are_written_out():
    assert doctest.testmod(rows).failed == 0
