"""The queries that a notebook of research has no answer to."""

import doctest
import re

from mlhooks.indexes import off_topic_queries
from mlhooks.indexes.off_topic_queries import EVERYDAY, gibberish

SMALL = {"and", "are", "can", "for", "from", "how", "the", "what"}


def content(query: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", query.lower())) - SMALL


def test_half_are_keywords_and_half_are_questions():
    questions = [query for query in EVERYDAY if query.endswith("?")]
    keywords = [query for query in EVERYDAY if not query.endswith("?")]
    assert len(questions) == len(keywords) == 80
    assert all(2 <= len(query.split()) <= 5 for query in keywords)
    assert all(6 <= len(query.split()) <= 14 for query in questions)


def test_no_two_ask_the_same():
    words = [content(query) for query in EVERYDAY]
    for k, some in enumerate(words):
        for others in words[:k]:
            assert len(some & others) < 0.5 * len(some | others), (some, others)


def test_gibberish_is_made_of_one_to_four_different_words_without_sense():
    queries = gibberish(400, seed=3)
    assert len(queries) == 400 == len(set(queries))
    assert {len(query.split()) for query in queries} == {1, 2, 3, 4}
    hard = [query for query in queries if re.search(r"[^aeiou\s]{5}", query)]
    assert 100 < len(hard) < 300


def test_the_examples_are_true():
    assert doctest.testmod(off_topic_queries).failed == 0
