"""The graph of an index: built while people save and delete, and begun anew when it broke."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from mlhooks import tasks
from mlhooks.embeddings import loaded
from mlhooks.indexes import hnsw, index_build, reconciler
from mlhooks.indexes.nearest import nearest
from mlhooks.models import EncoderIndex, Job
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shelf(small: str, write: Any, work: Any, monkeypatch: pytest.MonkeyPatch) -> list[Note]:
    """Notes in an index that is large enough for a graph."""
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 2)
    monkeypatch.setattr(index_build.calibration, "is_due", lambda index: False)
    monkeypatch.setattr(hnsw, "_failed", {})
    written = [write("Gates", GATES), write("Loaves", BREAD)]
    work()
    return written


@contextmanager
def somebody_writing(index: EncoderIndex) -> Iterator[None]:
    """A transaction that has written to the table and takes its time."""
    own = connections["default"].copy()
    own.set_autocommit(False)
    with own.cursor() as cursor:
        cursor.execute(f"DELETE FROM {index.table} WHERE passage = 0")
    try:
        yield
    finally:
        own.rollback()
        own.close()


def is_valid(index: EncoderIndex) -> list[bool]:
    with connection.cursor() as cursor:
        cursor.execute(hnsw.IS_VALID, [f"{index.table}_graph"])
        return [valid for (valid,) in cursor.fetchall()]


def wait_until_begun(index: EncoderIndex) -> None:
    deadline = time.monotonic() + 10
    while hnsw._how_far(index) == "just begun":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nobody_waits_while_it_is_built(shelf, alice):
    index = active()
    gates, bread = shelf
    with somebody_writing(index):
        said = hnsw.maintain(index)
        assert said.startswith("The graph is built: ")
        wait_until_begun(index)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
            bread.move_to_trash(alice)
            index_build.read_note(gates.pid)
            cursor.execute("RESET lock_timeout")
        assert "waiting for writers" in hnsw.maintain(index)
        assert is_valid(index) == [False]
    hnsw._threads[index.pk].join(20)
    assert is_valid(index) == [True] and active().has_graph
    assert hnsw.maintain(active()) is None


def test_searches_walk_it(shelf, asked):
    index, encoder = index_build.active()
    assert hnsw.build(index) and active().has_graph
    vector = "[" + ",".join(map(str, encoder.encode_query("bread").tolist())) + "]"
    assert len(nearest(active(), vector, Note.objects.all(), 10)) == 2


def test_one_that_broke_is_begun_anew(shelf):
    index = active()
    with somebody_writing(index):
        hnsw.maintain(index)
        wait_until_begun(index)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index"
                " WHERE relid = %s::regclass",
                [index.table],
            )
        hnsw._threads[index.pk].join(20)
    assert is_valid(index) == [False] and not active().has_graph
    # Nobody tries again at once, and searches compare meanwhile.
    assert hnsw.maintain(index) is None
    assert hnsw.build(index) and is_valid(index) == [True]


def test_one_that_outlived_its_worker_is_found(shelf):
    index = active()
    hnsw.build(index)
    EncoderIndex.objects.update(has_graph=False)
    reconciler.reconcile()
    assert active().has_graph


def test_only_one_builds_it(shelf):
    index = active()
    with somebody_writing(index):
        hnsw.maintain(index)
        wait_until_begun(index)
        assert hnsw.build(index) is False
    hnsw._threads[index.pk].join(20)


def test_a_build_does_other_things_meanwhile(shelf, other, work, monkeypatch):
    monkeypatch.setattr(index_build, "GRAPH_LOOK_S", 0)
    index_build.request(other)
    job = Job.objects.get(kind="build_index")
    new = EncoderIndex.objects.make(other, loaded.encoder(other)[1], 64, longest=128)
    with somebody_writing(new):
        run_once(job)
        assert (job.state, active().encoder == other) == ("waiting", False)
        wait_until_begun(new)
        run_once(job)
        assert job.state == "waiting"
    hnsw._threads[new.pk].join(20)
    work()
    assert active() == new and active().has_graph and is_valid(new) == [True]


def run_once(job: Job) -> None:
    tasks.run_job.apply([job.pk], throw=True)
    job.refresh_from_db()


def test_small_indexes_and_very_long_vectors_have_none(shelf, monkeypatch):
    index = active()
    index.dimensions = 4_001
    assert not hnsw.is_due(index)
    index.dimensions = 32
    assert hnsw.is_due(index)
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 4)
    assert not hnsw.is_due(index) and hnsw.build(index) is False and is_valid(index) == []
