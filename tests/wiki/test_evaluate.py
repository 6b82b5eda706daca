"""`evaluate search`: sets become notes, queries are asked, answers are scored."""

import json

import pytest
from django.core.management import call_command

from wiki import extensions
from wiki.extensions import Away
from wiki.management.base import Refused
from wiki.measuring.benchmarks import searches
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.evaluations import retrieval, search, ts_rank

QUIET = Machine(cores=2, model="a machine", load=0.5)
DOCS = {
    "a": ("Attention", "A network of queries and keys."),
    "b": ("Gates", "A network that multiplies; no queries."),
    "c": ("Sleep", "People sleep at night."),
}


@pytest.fixture
def folder(tmp_path):
    for name in ("first", "second"):
        made = tmp_path / name
        made.mkdir()
        lines = [json.dumps({"id": i, "title": t, "text": b}) for i, (t, b) in DOCS.items()]
        (made / "docs.jsonl").write_text("\n".join(lines))
        queries = [
            {"id": "1", "text": "how do people sleep"},
            {"id": "2", "text": "queries of networks", "exclude": "b"},
            {"id": "3", "text": "nobody judged this"},
        ]
        (made / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
        (made / "qrels.tsv").write_text("1\tc\t1\n2\ta\t2\n2\tb\t0\n")
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_a_folder_of_sets_gets_each_sets_scores_and_their_mean(folder, monkeypatch):
    monkeypatch.setattr(Machine, "now", lambda: QUIET)
    result = search.run({"corpus": folder})
    assert result["sets"].keys() == {"first", "second"}
    one = result["sets"]["first"]
    assert (one["documents"], one["queries"]) == (3, 2)
    assert one["lexical"]["ndcg_at_10"] == one["lexical"]["recall_at_10"] == 1
    assert one["lexical"]["mrr"] == one["ts_rank"]["mrr"] == 1
    assert 0 < one["lexical"]["p50_ms"] <= one["lexical"]["p95_ms"]
    assert result["macro"]["lexical"]["ndcg_at_10"] == 1
    assert result["differences"] == {"lexical-ts_rank": {"ndcg_at_10": 0, "ci95": [0, 0]}}
    assert one["encoder"] is one["semantic"] is one["hybrid"] is one["worst_to_better_leg"] is None


@pytest.mark.django_db(transaction=True)
def test_a_worse_system_scores_less(folder, monkeypatch):
    monkeypatch.setitem(search.SYSTEMS, "ts_rank", lambda text: ts_rank.any_word(text, 9)[::-1])
    result = search.run({"corpus": folder})
    assert result["macro"]["ts_rank"]["ndcg_at_10"] <= 1
    monkeypatch.setitem(search.SYSTEMS, "ts_rank", lambda text: [])
    result = search.run({"corpus": folder})
    assert result["macro"]["ts_rank"]["ndcg_at_10"] == 0
    assert result["differences"]["lexical-ts_rank"] == {"ndcg_at_10": 1, "ci95": [1, 1]}


def test_the_better_leg_is_the_one_that_both_together_are_compared_with():
    def scores(*gains):
        return retrieval.Scores(gains, gains, gains, gains)

    hybrid, lexical, semantic = scores(0.5, 0.5), scores(0.9, 0.1), scores(0.6, 0.6)
    all_three = {"hybrid": hybrid, "lexical": lexical, "semantic": semantic}
    found = search.to_better_leg({name: {"a": one} for name, one in all_three.items()}, "a")
    assert found == {"leg": "semantic", "ndcg_at_10": -0.1, "ci95": [-0.1, -0.1]}
    assert search.to_better_leg({"hybrid": {"a": hybrid}, "lexical": {"a": lexical}}, "a") is None


@pytest.mark.django_db
def test_a_search_that_did_not_ask_for_meaning_is_not_scored(folder, monkeypatch):
    def rank(*args):
        raise Away("Nobody is there.")

    monkeypatch.setattr(extensions, "rankers", [rank])
    with pytest.raises(RuntimeError, match="Nobody is there"):
        search.SYSTEMS["hybrid"]("networks")


def test_scores_are_those_of_the_textbook():
    relevant = frozenset({"a", "c", "x"})
    assert retrieval.ndcg(["a", "b", "c"], relevant) == pytest.approx(1.5 / (1.5 + 0.63093), 1e-4)
    assert retrieval.recall(["a", "b", "c"], relevant) == pytest.approx(2 / 3)
    assert retrieval.reciprocal_rank(["b", "a"], relevant) == 0.5
    assert retrieval.reciprocal_rank(["b"], relevant) == 0


@pytest.mark.parametrize(
    "options", [[], ["--corpus", "/nowhere"], ["--corpus", "{folder}", "--mode", "hybrid"]]
)
def test_what_cannot_be_evaluated_is_refused_with_a_sentence(
    options, folder, monkeypatch, settings
):
    monkeypatch.setitem(
        extensions.evaluations, "search", "wiki.measuring.evaluations.search.SUBJECT"
    )
    monkeypatch.setenv("COMMONPLACE_BENCH", str(settings.WIKI_DATA_DIR))
    monkeypatch.setattr("wiki.management.own_database.call_command", lambda *a, **k: None)
    with pytest.raises(Refused, match=r"--corpus DIR|no set in|WIKI_ML=1"):
        call_command("evaluate", "search", *(text.format(folder=folder) for text in options))


@pytest.mark.django_db(transaction=True)
def test_the_search_benchmark_measures_three_readers_beside_ts_rank(monkeypatch):
    monkeypatch.setattr(Machine, "now", lambda: QUIET)
    monkeypatch.setattr(searches, "QUERIES", 4)
    result = searches.run({"notes": 60})
    assert 0 < result["public"] < 20
    for name in ("lexical", "lexical_of_owner", "lexical_tenth", "ts_rank"):
        assert result[name].keys() == {"p50_ms", "p95_ms", "web_cpu_ms"}
    assert result["bytes"]["postings"] > 0 < result["ratio_to_ts_rank"]
    by_meaning = ("passages", "vectors", "semantic", "hybrid", "hybrid_cached", "recall_at_10")
    assert all(result[name] is None for name in (*by_meaning, "away"))
