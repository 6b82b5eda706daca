"""Searching by meaning: who finds what, when a worker answers and when none does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models.functions import Now

from mlhooks.indexes import ranking, reconciler
from mlhooks.models import EncoderIndex, Job, QueryVector, Queue, Worker
from tests.mlhooks.indexes.conftest import BREAD, GATES
from wiki import extensions
from wiki.extensions import Away
from wiki.models import Note
from wiki.search.query import parse

QUESTION = "how do I make a crusty sourdough"


def rank(text, user=None, limit=10):
    query = parse(text)
    return ranking.rank(
        query, query.narrow(Note.objects.visible_to(user or AnonymousUser())), limit
    )


@pytest.fixture
def kitchen(db, write, work, asked):
    """Gates and bread, both read; and the question was asked before."""
    notes = write("Gates", GATES), write("Loaves", BREAD)
    work()
    asked(QUESTION)
    return notes


def test_it_finds_what_shares_no_word(kitchen):
    gates, bread = kitchen
    first, second = rank(QUESTION)
    assert (first.pid, second.pid) == (bread.pid, gates.pid)
    assert first.score > 0.3 > second.score
    assert BREAD[first.passage.start : first.passage.end] == BREAD
    assert first.passage.revision == 0


def test_private_notes_are_found_by_those_who_may_read_them(db, write, work, asked, alice, bob):
    bread = write("Loaves", BREAD, "private")
    work()
    asked(QUESTION)
    assert [hit.pid for hit in rank(QUESTION, alice)] == [bread.pid]
    assert rank(QUESTION, bob) == rank(QUESTION) == []


def test_a_note_that_was_made_private_is_gone_at_once(kitchen):
    _, bread = kitchen
    private = replace(bread.current_fields(), visibility="private")
    bread.save_revision(private, base=0, author=bread.owner)
    assert bread.pid not in [hit.pid for hit in rank(QUESTION)]


def test_operators_narrow_before_ranking(kitchen):
    gates, _ = kitchen
    assert [hit.pid for hit in rank(f"{QUESTION} in:title")] == []
    assert [hit.pid for hit in rank(f"{QUESTION} -flour")] == [gates.pid]


def test_the_explained_sentence_is_the_one_that_says_it(db, write, work, asked):
    body = (
        "The harbour was quiet that morning. A loaf of bread needs flour, water and salt. "
        "Nobody had seen the ferry for days."
    )
    note = write("A morning", body)
    work()
    asked("baking bread")
    hits = rank("baking bread")
    place = ranking.explain(parse("baking bread"), hits)[note.pid]
    assert body[slice(*place)] == "A loaf of bread needs flour, water and salt."


def test_without_an_index_words_alone_answer(db):
    with pytest.raises(Away, match="No note has been read"):
        rank("anything")


def test_the_page_says_once_that_words_alone_were_searched(db, client):
    page = client.get("/search/", {"q": "anything"}).content.decode()
    assert page.count("earched by words only") == 1
    assert "Searched by words only. No note has been read for meaning yet." in page


def test_without_a_worker_nobody_waits(kitchen, monkeypatch):
    monkeypatch.setattr("mlhooks.jobs.listening", None)
    with pytest.raises(Away, match="does not answer"):
        rank("another question")
    Worker.objects.record_heartbeat("interactive@here", queues=["interactive"], host="here", pid=1)
    Worker.objects.update(seen_at=Now() - timedelta(seconds=16))
    with pytest.raises(Away, match="does not answer since"):
        rank("another question")
    assert not Job.objects.filter(kind="encode_query").exists()


def test_a_second_query_does_not_wait_behind_one_that_was_not_answered(kitchen, monkeypatch):
    Worker.objects.record_heartbeat("interactive@here", queues=["interactive"], host="here", pid=1)
    Job.objects.create(kind="encode_query", key="x", queue=Queue.INTERACTIVE)
    Job.objects.update(created_at=Now() - timedelta(seconds=1))
    monkeypatch.setattr("mlhooks.jobs.listening", None)
    with pytest.raises(Away, match="busy"):
        rank("another question")


def queries():
    asked = Job.objects.filter(kind="encode_query").order_by("pk")
    return list(asked.values_list("state", flat=True))


def test_a_worker_begins_while_words_are_looked_up(kitchen, work, monkeypatch):
    """Nobody listens for what is there by then."""
    monkeypatch.setattr("mlhooks.jobs.listening", None)
    Worker.objects.record_heartbeat("interactive@here", queues=["interactive"], host="here", pid=1)
    for _ in range(2):
        ranking.prepare(parse("another question"))
        assert queries() == ["waiting"]
    work()
    ranking.prepare(parse("another question"))
    assert queries() == ["done"] and rank("another question")


def test_a_page_begins_only_what_it_is_going_to_ask(kitchen, client, monkeypatch):
    begun = []
    monkeypatch.setattr(extensions, "preparers", [lambda query: begun.append(query.text)])
    for how in ({"by": "words"}, {"typing": "1"}, {"by": "meaning"}, {}):
        client.get("/search/", {"q": QUESTION, **how})
    assert begun == [QUESTION] * 2


def test_nobody_waits_twice_for_the_same_words(kitchen, monkeypatch):
    Worker.objects.record_heartbeat("interactive@here", queues=["interactive"], host="here", pid=1)
    ranking.prepare(parse("another question"))
    Job.objects.filter(kind="encode_query").update(created_at=Now() - timedelta(seconds=1))
    monkeypatch.setattr("mlhooks.jobs.listening", None)
    with pytest.raises(Away, match="busy"):
        rank("another question")


def test_nothing_is_begun_that_nobody_can_do(kitchen):
    ranking.prepare(parse("another question"))
    assert queries() == []


def test_a_worker_keeps_the_vector_and_lets_go_of_the_words(kitchen, work):
    index = EncoderIndex.objects.active()
    payload = {"index": index.pk, "digest": "d" * 64, "text": "another question"}
    job = Job.objects.create(kind="encode_query", key="d" * 64, payload=payload)
    work()
    job.refresh_from_db()
    assert job.state == "done" and "text" not in job.payload and job.result is None
    assert len(QueryVector.objects.of("d" * 64)) == index.dimensions


def test_nobody_keeps_the_words_of_a_query_that_failed_or_was_cancelled(db):
    payload = {"index": 1, "digest": "d", "text": "another question"}
    for state in Job.State.values:
        ended = None if state in Job.UNFINISHED else Now()
        Job.objects.create(
            kind="encode_query", key=state, payload=payload, state=state, finished_at=ended
        )
    reconciler.reconcile()
    keeping = Job.objects.filter(payload__has_key="text").values_list("state", flat=True)
    assert set(keeping) == set(Job.UNFINISHED)


def test_how_to_search_says_which_language_is_understood(kitchen, client, settings):
    said = "By meaning English is understood"
    assert said in client.get("/search/").content.decode()
    EncoderIndex.objects.update(encoder="/srv/another")
    cache.clear()
    assert said not in client.get("/search/").content.decode()
