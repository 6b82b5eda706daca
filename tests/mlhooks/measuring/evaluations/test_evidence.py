"""`evaluate evidence`: sentences are taken away, and the order is added up again."""

from dataclasses import replace

import pytest

from mlhooks.indexes import ranking
from mlhooks.measuring.evaluations import evidence
from mlhooks.measuring.evaluations.result_order import is_recomputed
from wiki.extensions import Hit
from wiki.search.fusion import Mode, Pinned, fuse

DOCS = {
    "dogs": "The bakery opens at six. Puppies chew shoes while their teeth come in. Paint dries.",
    "ships": "A barge carries gravel. Sailors once ate hard biscuits at sea. Grass is green.",
}
QUERIES = [("1", "why do young dogs chew on things", "dogs"), ("2", "food aboard ships", "ships")]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_cosine_falls_more_without_the_sentence_shown(options, monkeypatch):
    made = options(DOCS, QUERIES)
    result = evidence.run(made)
    # The two notes of each query; and the right one's sentence is never the last.
    assert (result["cases"], result["orders"], result["recomputed"]) == (4, 2, 1)
    assert result["shown_counts_more"] >= 0.75
    assert result["mean_fall"]["shown"] > result["mean_fall"]["other"]
    monkeypatch.setattr(ranking, "explain", _the_last_sentence)
    assert evidence.run(made)["shown_counts_more"] <= 0.25
    assert evidence.run(made | {"cases": 1})["cases"] == 1


def _the_last_sentence(query, hits):
    found = {}
    for hit in hits:
        body = next(body for body in DOCS.values() if len(body) == hit.passage.end)
        found[hit.pid] = (body.rindex(". ") + 2, len(body))
    return found


WORDS = [Hit(1, 9.0), Hit(2, 5.0), Hit(3, 1.0), Hit(5, 0.5)]
MEANING = [Hit(3, 0.8), Hit(4, 0.6), Hit(1, 0.1)]


def test_an_order_is_made_again_from_what_it_says():
    shown = fuse(WORDS, MEANING, Mode.HYBRID)
    assert is_recomputed(shown)
    assert not is_recomputed([shown[1], shown[0], *shown[2:]])
    assert not is_recomputed([replace(shown[0], share=shown[0].share - 0.000001), *shown[1:]])
    two = next(one for one in shown if one.pid == 2)
    wrong = replace(two, lexical=replace(two.lexical, share=0.6))
    assert not is_recomputed([wrong if one is two else one for one in shown])
    gone = [one for one in shown if one.pid != 2]
    assert not is_recomputed(gone)


def test_what_was_moved_may_only_have_moved_up():
    shown = fuse(WORDS, MEANING, Mode.HYBRID, titles={4}, pinned=Pinned(in_front=frozenset({5})))
    assert {one.pid for one in shown if one.pinned_by} == {4, 5}
    assert is_recomputed(shown)
    title, *others = shown
    assert not is_recomputed([*others, title])


def test_words_beyond_the_hundred_count_nothing_and_keep_their_order():
    words = [Hit(200 - number, 200.0 - number) for number in range(150)]
    shown = fuse(words, MEANING, Mode.HYBRID)
    assert is_recomputed(shown)
    assert not is_recomputed([*shown[:-2], shown[-1], shown[-2]])
