"""How current the index is: of one note for whoever may edit it, of all for staff."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mlhooks.indexes import freshness, requests
from mlhooks.jobs.claims import Claim
from mlhooks.models import IndexedNote, Job, UnreadNote, Worker
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki import extensions


@pytest.fixture
def reader_is_there(db):
    """A worker that reads notes was heard of."""
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)


def fail(note, reason: str = "The disk is full.") -> Job:
    job = Job.objects.get(kind="embed_note", key=str(note.pid), state="waiting")
    Claim.take(job.pk, "background@here").fail(reason)
    return job


def said(client, note) -> str:
    """What the page of a note says about its reading, as running words; "" if nothing."""
    html = client.get(note.get_absolute_url()).content.decode()
    found = re.search(
        r'<section class="panel no-print touch-links"[^>]*>(.*?)</section>', html, re.DOTALL
    )
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split()) if found else ""


def top_line(client) -> str:
    html = client.get("/tags/").content.decode()
    found = re.search(r'data-state="(\w+)"></span>([^<]* indexed)', html)
    return f"{found[1]}: {found[2]}" if found else ""


def test_a_note_is_queued_then_read_then_stale(write, work, alice_client, reader_is_there):
    note = write("Gates", GATES)
    assert said(alice_client, note) == "not read for meaning yet; queued"
    work()
    assert re.fullmatch(r"indexed (just now|\d+ s ago), revision 0", said(alice_client, note))
    fields = replace(note.current_fields(), body=BREAD)
    note.save_revision(fields, base=0, author=note.owner)
    assert said(alice_client, note) == "revision 0 was read for meaning, 1 not yet; queued"
    Claim.take(Job.objects.get(state="waiting").pk, "background@here")
    assert said(alice_client, note) == "revision 1 is being read for meaning"


def test_what_nobody_has_asked_for_comes_within_a_minute(write, alice_client, reader_is_there):
    note = write("Gates", GATES)
    Job.objects.all().delete()
    assert said(alice_client, note) == "not read for meaning yet; its turn comes within a minute"


def test_a_note_that_is_tried_again_says_why(write, alice_client, reader_is_there):
    note = write("Gates", GATES)
    Claim.take(Job.objects.get().pk, "background@here").try_later("The database did not answer.")
    assert said(alice_client, note).endswith("The database did not answer. It is tried again.")


def test_a_failed_note_says_why_and_can_be_tried_again(write, alice, alice_client, work):
    note = write("Gates", GATES)
    fail(note, "<b>No</b> weights.")
    assert said(alice_client, note) == (
        "revision 0 could not be read for meaning &lt;b&gt;No&lt;/b&gt; weights. try again"
    )
    reply = alice_client.post(f"/notes/{note.pid}/read/")
    assert (reply.status_code, reply["Location"]) == (302, note.get_absolute_url())
    again = Job.objects.get(state="waiting")
    assert (again.kind, again.key, again.requested_by) == ("embed_note", str(note.pid), alice)
    work()
    assert said(alice_client, note).startswith("indexed ")


def test_a_note_that_stopped_no_build_says_why(write, work, alice_client, reader_is_there):
    note = write("Gates", GATES)
    work()
    IndexedNote.objects.all().delete()
    UnreadNote.objects.create(index=active(), note=note.pid, revision=0, reason="ValueError: odd")
    assert said(alice_client, note) == (
        "revision 0 could not be read for meaning ValueError: odd try again"
    )
    assert freshness.unread() == {note.pid}
    alice_client.post(f"/notes/{note.pid}/read/")
    assert said(alice_client, note).startswith("not read for meaning yet; queued")
    assert freshness.unread() == set()


def test_a_note_that_was_cut_anew_for_another_index_is_not_current(
    write, work, alice_client, reader_is_there
):
    note = write("Gates", GATES)
    work()
    IndexedNote.objects.update(is_whole=False)
    assert said(alice_client, note).startswith("read for meaning, but for a part that is new")


def test_a_form_of_another_site_asks_for_nothing(write, alice):
    note = write("Gates", GATES)
    fail(note)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    html = client.get(note.get_absolute_url()).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)[1]
    assert client.post(f"/notes/{note.pid}/read/").status_code == 403
    sent = client.post(f"/notes/{note.pid}/read/", {"csrfmiddlewaretoken": token})
    assert sent.status_code == 302


def test_without_a_worker_it_says_since_when(write, alice_client):
    note = write("Gates", GATES)
    assert "The worker that reads notes has never run here." in said(alice_client, note)
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)
    Worker.objects.record_heartbeat("interactive@here", queues=["interactive"], host="here", pid=1)
    Worker.objects.filter(name="background@here").update(seen_at=Now() - timedelta(minutes=2))
    assert "has not answered since" in said(alice_client, note)


def test_nobody_else_is_told_or_may_ask(write, client, bob_client, staff_client):
    note, secret = write("Gates", GATES), write("Secret", BREAD, "private")
    assert said(client, note) == said(bob_client, note) == ""
    assert client.post(f"/notes/{note.pid}/read/").status_code == 403
    assert bob_client.post(f"/notes/{note.pid}/read/").status_code == 403
    assert bob_client.post(f"/notes/{secret.pid}/read/").status_code == 404
    assert staff_client.get(f"/notes/{note.pid}/read/").status_code == 405
    assert Job.objects.count() == 2


def test_a_page_asks_once_for_its_status(write, work, alice_client, monkeypatch):
    note = write("Gates", GATES)
    work()

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            alice_client.get(note.get_absolute_url())
        return len(asked)

    count()
    with_status = count()
    monkeypatch.setattr(extensions, "panels", extensions.panels[1:])
    assert count() == with_status - 1


def test_the_top_line_tells_staff_of_how_many_notes_the_index_is_current(
    write, work, staff_client, alice_client, reader_is_there
):
    assert top_line(staff_client) == ""
    cache.clear()
    first = write("Gates", GATES)
    assert top_line(staff_client) == "queued: 0 of 1 indexed"
    work()
    cache.clear()
    assert top_line(staff_client) == "current: 1 of 1 indexed"
    assert top_line(alice_client) == ""
    second = write("Bread", BREAD)
    assert top_line(staff_client) == "current: 1 of 1 indexed", "it is remembered"
    fail(second)
    cache.clear()
    assert top_line(staff_client) == "failed: 1 of 2 indexed"
    Job.objects.filter(key=str(second.pid)).delete()
    Worker.objects.all().delete()
    cache.clear()
    assert top_line(staff_client) == "away: 1 of 2 indexed"
    first.move_to_trash(first.owner)
    second.move_to_trash(second.owner)
    cache.clear()
    assert top_line(staff_client) == ""


def test_a_failure_counts_until_the_note_is_read_or_gone(write, work):
    write("First", "Something that makes an index.")
    work()
    read, gone, again = write("Gates", GATES), write("Bread", BREAD), write("More bread", BREAD)
    for note in (read, gone, again):
        fail(note)
    assert freshness.unread() == {read.pid, gone.pid, again.pid}
    IndexedNote.objects.create(index=active(), note=read.pid, revision=0)
    gone.move_to_trash(gone.owner)
    requests.request([again.pid])
    assert freshness.unread() == set()


def test_remembered_coverage_costs_a_page_no_query(write, staff_client, monkeypatch):
    write("Gates", GATES)

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            staff_client.get("/tags/")
        return len(asked)

    count()
    remembered = count()
    monkeypatch.setattr(extensions, "top_line", [])
    assert count() == remembered


@pytest.mark.parametrize(
    ("current", "total", "share"), [(0, 0, 1.0), (1, 3, 0.3333), (99_999, 100_000, 0.9999)]
)
def test_only_a_whole_index_is_called_whole(current, total, share):
    assert freshness.Coverage(total, current).share == share
