"""Which index answers: forward, back at once, and what may be deleted."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.embeddings import loaded
from mlhooks.indexes import active_index, embedder, index_build, store
from mlhooks.models import ActiveIndex, EncoderIndex, IndexedNote, IndexInUse, Job, Passage
from tests.mlhooks.indexes.conftest import BREAD, GATES, active


def build(name):
    return index_build.build({"encoder": name}, lambda share, sentence: None)


def tables():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^passage_vector_[0-9]+$'")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def two(db, small, other, write, work):
    """An old index and the new one that answers."""
    for title, body in (("Gates", GATES), ("Loaves", BREAD)):
        write(title, body)
    work()
    old = active()
    build(other)
    return old, active()


def test_back_and_forth_at_once(two):
    old, new = two
    assert active_index.go_back() == old and active() == old
    assert active_index.go_back() == new and active() == new


def test_a_change_is_one_update(two, django_assert_max_num_queries):
    """Of the row that names the index; before and after it every search sees one of them."""
    old, _ = two
    with django_assert_max_num_queries(10) as done:
        old.activate()
    changes = [query["sql"] for query in done if 'UPDATE "mlhooks_activeindex"' in query["sql"]]
    assert len(changes) == 1 and '"index_id" =' in changes[0]


def test_gone_back_the_old_index_reads_what_it_missed(two, write, work):
    old, _ = two
    note = write("New", BREAD)
    work()
    assert not IndexedNote.objects.filter(index=old, note=note.pid).exists()
    active_index.go_back()
    work()
    assert IndexedNote.objects.filter(index=old, note=note.pid).exists()
    assert active() == old


def test_there_is_nothing_to_go_back_to(db, small, write, work):
    with pytest.raises(active_index.NotNow, match="nothing to go back to"):
        active_index.go_back()
    write("Gates", GATES)
    work()
    with pytest.raises(active_index.NotNow, match="nothing to go back to"):
        active_index.go_back()


def test_an_index_that_was_never_finished_does_not_answer(two, static):
    encoder, sha256 = loaded.encoder(static)
    half = EncoderIndex.objects.make(static, sha256, encoder.dimensions)
    with pytest.raises(active_index.NotNow, match="not finished. Go on with it"):
        active_index.let_answer(half)
    assert active() == two[1]


def test_an_index_that_lacks_too_much_does_not_answer(two, monkeypatch):
    old, new = two
    monkeypatch.setattr(active_index, "MAX_LACKING", 1)
    IndexedNote.objects.filter(index=old).update(revision=9)
    with pytest.raises(active_index.NotNow, match="lacks 2 of 2 notes"):
        active_index.let_answer(old)
    assert active() == new


def test_an_index_that_answers_is_not_deleted(two):
    with pytest.raises(active_index.NotNow, match="answers searches. Let another"):
        active_index.drop(two[1])
    assert tables() >= {index.table for index in two}


def test_an_index_that_answered_a_moment_ago_is_not_deleted(two):
    """Another process may not have noticed yet."""
    with pytest.raises(active_index.NotNow, match="a moment ago"):
        active_index.drop(two[0])


def test_a_deleted_index_gives_its_room_back(two):
    old, new = two
    ActiveIndex.objects.update(since=Now() - timedelta(minutes=1))
    dropped = old.table
    active_index.drop(old)
    # A test before this one may have left others, whose rows are gone.
    assert new.table in tables() and dropped not in tables()
    assert list(EncoderIndex.objects.all()) == [new]
    assert not IndexedNote.objects.exclude(index=new).exists()
    with pytest.raises(active_index.NotNow, match="nothing to go back to"):
        active_index.go_back()


def test_deleting_an_index_ends_the_work_on_it(two, static):
    encoder, sha256 = loaded.encoder(static)
    half = EncoderIndex.objects.make(static, sha256, encoder.dimensions)
    job, table = index_build.request(static), half.table
    assert table in tables()
    active_index.drop(half)
    job.refresh_from_db()
    assert job.state == "cancelled" and table not in tables()


def test_the_worker_of_a_deleted_index_stores_nothing(two, static):
    encoder, sha256 = loaded.encoder(static)
    half = EncoderIndex.objects.make(static, sha256, encoder.dimensions)
    pids = list(gateway.live().values_list("pid", flat=True))
    cuts = embedder.split_notes(half, list(gateway.heads(pids).values()))
    embedder.read(encoder, cuts)
    before = set(Passage.objects.values_list("pk", flat=True))
    active_index.drop(EncoderIndex.objects.get(pk=half.pk))
    with pytest.raises(EncoderIndex.DoesNotExist):
        store.store(half, cuts)
    assert set(Passage.objects.values_list("pk", flat=True)) == before
    with pytest.raises(EncoderIndex.DoesNotExist):
        half.activate()
    assert active() == two[1]


def test_cancelling_keeps_what_was_read(two, static):
    job = index_build.request(static)
    assert active_index.cancel(static) and not active_index.cancel(static)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not Job.objects.unfinished().filter(kind="build_index").exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_an_index_that_is_written_to_is_refused_soon(small, other, write, work):
    write("Loaves", BREAD)
    work()
    build(other)
    old = ActiveIndex.objects.get().before
    ActiveIndex.objects.update(since=Now() - timedelta(minutes=1))
    own = connections["default"].copy()
    own.set_autocommit(False)
    with own.cursor() as cursor:
        cursor.execute(f"DELETE FROM {old.table}")
    begin = time.monotonic()
    with pytest.raises(IndexInUse, match="is being worked on"):
        old.drop()
    assert time.monotonic() - begin < 10
    own.rollback()
    old.drop()
    own.close()


@pytest.mark.django_db(transaction=True)
def test_a_note_is_deleted_while_an_index_is(small, other, write, work, alice):
    """Whoever comes later waits for the other, and finds things as they are then."""
    note = write("Loaves", BREAD)
    work()
    build(other)
    old = ActiveIndex.objects.get().before
    ActiveIndex.objects.update(since=Now() - timedelta(minutes=1))
    errors = []

    def move() -> None:
        try:
            note.move_to_trash(alice)
        except OperationalError as error:
            errors.append(error)
        finally:
            connections.close_all()

    with transaction.atomic():
        old.drop()
        moving = threading.Thread(target=move)
        moving.start()
        time.sleep(0.5)
        assert moving.is_alive()
    moving.join(10)
    assert not errors and not Passage.objects.exists()
