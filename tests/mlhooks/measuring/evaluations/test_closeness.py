"""`evaluate closeness`: how often nothing is called close enough, and how close things are."""

import pytest

from mlhooks.indexes.off_topic_queries import EVERYDAY
from mlhooks.measuring.evaluations import closeness
from mlhooks.measuring.evaluations.off_topic_queries import OFF_TOPIC, gibberish


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_each_group_is_told_apart(options, monkeypatch):
    monkeypatch.setattr(closeness, "OFF_TOPIC", OFF_TOPIC[:5])
    monkeypatch.setattr(closeness, "GIBBERISH", 5)
    result = closeness.run(options())
    assert result["counts"] == {"gibberish": 5, "off_topic": 5, "known_item": 3}
    assert result["known_item_wrongly"] == 0
    assert result["gibberish"] >= 0.8
    cosine = result["top_cosine"]
    assert cosine["known_item"]["0.5"] > max(cosine["gibberish"]["0.5"], cosine["off_topic"]["0.5"])
    assert list(cosine["known_item"].values()) == sorted(cosine["known_item"].values())
    assert 0 <= result["coverage"]["known_item"]["0.0"] <= result["coverage"]["known_item"]["1.0"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_word_that_may_be_meant_is_asked_by_meaning_too(options):
    """The page corrects a slip, and looks for other words than those that were typed."""
    queries = [("1", "multipilcative", "gates")]
    result = closeness.run(options(queries=queries) | {"cases": 1})
    assert result["known_item_wrongly"] == 0
    assert result["top_cosine"]["known_item"]["1.0"] > 0


def test_there_are_a_hundred_of_each_and_none_calibrates():
    assert len(set(OFF_TOPIC)) == len(OFF_TOPIC) == len(set(gibberish(100))) == 100
    assert list(gibberish(100)) == list(gibberish(100))
    assert not set(OFF_TOPIC) & set(EVERYDAY)
