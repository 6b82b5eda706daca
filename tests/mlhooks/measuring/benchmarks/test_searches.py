"""`bench search` with the ML app: an index is filled, asked, and compared with an exact scan."""

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection

from mlhooks.indexes import hnsw, nearest
from mlhooks.measuring.benchmarks import nearest_neighbours, searches, synthetic_vectors
from mlhooks.measuring.benchmarks.binary_copy import read_vectors, write_vectors
from mlhooks.measuring.evaluations.notebooks import Reader
from mlhooks.models import EncoderIndex, IndexedNote, Job, Passage, SplitNote
from wiki.measuring.benchmarks import searches as wiki_searches
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import write_many

pytestmark = pytest.mark.slow

QUIET = Machine(cores=2, model="a machine", load=0.5)


@pytest.fixture(autouse=True)
def forgotten():
    """Nothing that an earlier test let this process remember."""
    cache.clear()


def test_a_small_run_tells_every_figure(
    transactional_db, broker_address, child_env, monkeypatch, tmp_path
):
    for name, value in child_env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Machine, "now", lambda: QUIET)
    monkeypatch.setattr(wiki_searches, "QUERIES", 4)
    monkeypatch.setattr(searches, "NEAREST_QUERIES", 10)
    monkeypatch.setattr(synthetic_vectors, "ENCODED", 20)
    monkeypatch.setattr(synthetic_vectors, "NOTES_AT_A_TIME", 10)
    monkeypatch.setattr(hnsw, "GRAPH_FROM", 100)
    monkeypatch.setattr(nearest, "MAX_READ", 30)
    result = searches.run({"notes": 40, "cache": tmp_path})
    assert (result["notes"], result["vectors"], result["sigma"]) == (40, "synthetic", 0.8)
    assert 20 <= result["encoded"] < 60 < result["passages"]
    for name in ("lexical", "semantic", "hybrid", "hybrid_cached"):
        assert 0 < result[name]["p50_ms"] <= result[name]["p95_ms"]
    assert result["ratio_to_ts_rank"] > 0 and result["ratio_to_exact"] > 0
    assert result["recall_at_10"].keys() == {"1.0", "0.1", "0.001"}
    assert all(0.9 <= recall <= 1 for recall in result["recall_at_10"].values())
    told = result["nearest"]
    assert [told[part]["readable"] for part in ("1.0", "0.1", "0.001")] == [40, 4, 1]
    assert [told[part]["way"] for part in ("1.0", "0.1")] == ["graph", "compared"]
    assert told["1.0"]["first_ms"] > 0 and told["1.0"]["seventh_ms"] > 0
    assert result["bytes"]["vectors"] > 100_000


@pytest.fixture
def filled(transactional_db, alice, monkeypatch, tmp_path):
    """The topics of 30 notes, of which the first few were read; and what was said of them."""
    monkeypatch.setattr(synthetic_vectors, "ENCODED", 10)
    monkeypatch.setattr(synthetic_vectors, "NOTES_AT_A_TIME", 5)
    fields = list(Corpus().notes(30))
    topics = dict(zip(write_many(fields, alice), (one.tags[0] for one in fields), strict=True))
    return topics, synthetic_vectors.fill(Reader(tmp_path), topics)


def test_copies_are_as_far_from_each_other_as_is_said(filled):
    index = EncoderIndex.objects.get()
    passages, notes, vectors = read_vectors(index.table, index.dimensions)
    assert Passage.objects.count() == len(passages)
    topics, said = filled
    assert set(notes.tolist()) == set(topics)
    assert 10 <= said["encoded"] < len(passages) == said["passages"]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=0.01)
    originals, copies = vectors[: said["encoded"]], vectors[said["encoded"] :]
    nearest_original = (copies @ originals.T).max(axis=1)
    # A vector moved by noise of 0.8 has a cosine of 1 / sqrt(1 + 0.64) with what it was.
    assert np.median(nearest_original) == pytest.approx(0.78, abs=0.05)


def test_every_note_counts_as_read_and_nothing_waits(filled):
    assert not Job.objects.filter(kind="embed_note").exists()
    assert IndexedNote.objects.count() == SplitNote.objects.count() == 30
    for pid in filled[0]:
        places = list(Passage.objects.filter(note=pid).order_by("start").values("start", "end"))
        assert all(place["start"] < place["end"] for place in places)
    assert Passage.objects.create(note=1, start=99_999, end=100_000, is_code=False).pk


def test_a_part_is_of_few_topics():
    topics = dict(enumerate("aaaaaabbbc"))
    assert nearest_neighbours.part_of(topics, 1.0) == list(range(10))
    assert nearest_neighbours.part_of(topics, 0.6) == [0, 1, 2, 3, 4, 5]
    assert nearest_neighbours.part_of(topics, 0.5) == [6, 7, 8, 9, 0]
    assert nearest_neighbours.part_of(topics, 0.4) == [6, 7, 8, 9]
    assert nearest_neighbours.part_of(topics, 0.001) == [9]
    assert nearest_neighbours.part_of(dict.fromkeys(range(10), "a"), 0.2) == [0, 1]


def test_the_scan_keeps_to_what_is_readable_and_what_it_misses_counts(filled):
    index = EncoderIndex.objects.get()
    scan = nearest_neighbours.Scan(index)
    pids = list(filled[0])
    query = scan.vectors[-1].tolist()
    whole = scan.best(query, scan.among(pids))
    assert whole[0] == pids[-1] and len(whole) == len(set(whole)) == 30
    hidden = scan.best(query, scan.among(pids[:7]))
    assert set(hidden) == set(pids[:7])
    near = [nearest.Near(pid, 0, 0, 0, 0, "", 0, None) for pid in whole[5:]]
    assert nearest_neighbours.shared(near, whole) == 0.5


def test_vectors_come_back_as_they_were_written(transactional_db):
    index = EncoderIndex.objects.make("any", "0" * 64, 3)
    vectors = np.array([[0.5, -0.25, 1.0], [2.0, 0.0, -8.0]], dtype=np.float32)
    write_vectors(index.table, [7, 4], [1, 2], vectors, [b"seven", b""])
    passages, notes, found = read_vectors(index.table, 3)
    assert (passages.tolist(), notes.tolist()) == ([4, 7], [2, 1])
    assert found.tolist() == vectors[::-1].tolist()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sentences, vector::text FROM {index.table} ORDER BY passage")
        assert [(bytes(a), b) for a, b in cursor.fetchall()] == [
            (b"", "[2,0,-8]"),
            (b"seven", "[0.5,-0.25,1]"),
        ]
