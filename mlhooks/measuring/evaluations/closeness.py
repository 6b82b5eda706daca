"""`evaluate closeness`: whether "nothing is close enough" is said when it is true, and only then.

Three groups of queries are put to a set as somebody without an account types them into the page:
gibberish, questions of daily life that the set knows nothing about, and the set's own queries,
which it can answer. Besides, the cosine of the nearest passage and the part of the query that
words cover are told for each group, since the two decide.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings

from mlhooks.indexes.off_topic_queries import EVERYDAY
from mlhooks.measuring.evaluations.notebooks import Reader
from mlhooks.measuring.evaluations.off_topic_queries import OFF_TOPIC, gibberish
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.evaluations.notebook import read_set, write
from wiki.measuring.evaluations.retrieval import mean
from wiki.measuring.subject import Options, Subject, add_corpus_and_cases
from wiki.search.results_page import ResultsPage

GIBBERISH = 100
QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)


def run(options: Options) -> dict[str, Any]:
    """Evaluate on the set in options["corpus"], with at most options["cases"] of its queries.

    gibberish, off_topic, known_item_wrongly: the share to which nothing was called close enough.
    Raises NothingToEvaluate.
    """
    machine, one = Machine.now(), read_set(options.get("corpus"))
    notebook = write(one)
    reader = Reader(options.get("cache"))
    groups = {
        "gibberish": list(gibberish(GIBBERISH)),
        "off_topic": [text for text in OFF_TOPIC if text not in EVERYDAY],
        "known_item": [query.text for query in one.queries][: options.get("cases")],
    }
    index = reader.read([text for group in groups.values() for text in group])
    answers = {name: [reader.ask(text) for text in group] for name, group in groups.items()}
    shares = {name: _share_of_nothing(group) for name, group in answers.items()}
    return {
        "corpus": one.name,
        "documents": len(notebook.documents),
        "encoder": str(settings.WIKI_ENCODER),
        "least": index.closeness.get("least"),
        "gibberish": shares["gibberish"],
        "off_topic": shares["off_topic"],
        "known_item_wrongly": shares["known_item"],
        "counts": {name: len(group) for name, group in answers.items()},
        "top_cosine": {name: _quantiles(map(_top_cosine, said)) for name, said in answers.items()},
        "coverage": {name: _quantiles(map(_coverage, said)) for name, said in answers.items()},
        **machine.as_json(),
    }


def _share_of_nothing(answers: Sequence[ResultsPage]) -> float:
    """Return the share of answers that list no note: all were held back, or there was none."""
    return round(mean([not one.results for one in answers]), 4)


def _top_cosine(one: ResultsPage) -> float | None:
    listed = (*one.retrieval.hits, *one.retrieval.weak)
    return max((each.semantic.score for each in listed if each.semantic), default=None)


def _coverage(one: ResultsPage) -> float | None:
    return one.retrieval.idf_share


def _quantiles(values: Iterable[float | None]) -> dict[str, float]:
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {str(part): round(ordered[round(part * last)], 4) for part in QUANTILES}


SUBJECT = Subject(run, add_corpus_and_cases)
