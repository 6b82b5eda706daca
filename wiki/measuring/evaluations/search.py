"""How good search is, on sets of documents with queries and known answers.

Each set becomes the notes of a notebook, by the way that imports take; each query is asked
as an anonymous reader does in the search box. PostgreSQL's ts_rank ranks the same notes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.evaluations import ts_rank
from wiki.measuring.evaluations.notebook import (
    Notebook,
    NothingToEvaluate,
    read_sets,
    readable,
    write,
)
from wiki.measuring.evaluations.retrieval import (
    Query,
    Scores,
    difference,
    mean,
    ndcg,
    recall,
    reciprocal_rank,
)
from wiki.measuring.subject import Arguments, Options, Subject, add_corpus
from wiki.search.fusion import Mode
from wiki.search.query import parse
from wiki.search.retrieval import retrieve

SEARCHED_DEPTH = 100

System = Callable[[str], list[int]]


@dataclass(frozen=True)
class Reading:
    """Who reads notebooks for meaning.

    encoder: its name. read(notebook) returns when every note is read, and every query's vector
    is kept.
    """

    encoder: str
    read: Callable[[Notebook], None]


def run(options: Options, reading: Reading | None = None) -> dict[str, Any]:
    """Evaluate on options["corpus"]: a set, or a folder of sets. Raises NothingToEvaluate.

    options["mode"]: the one system that is measured beside ts_rank, or "all". Without a reading
    nothing is measured by meaning. Empties the database it runs on for each set.
    """
    machine, sets = Machine.now(), read_sets(options.get("corpus"))
    measured = _measured(options.get("mode") or "all", reading)
    scores: dict[str, dict[str, Scores]] = {name: {} for name in measured}
    said = {}
    for one in sets:
        notebook = write(one)
        if reading is not None:
            reading.read(notebook)
        with ts_rank.built():
            for name in measured:
                scores[name][one.name] = measure(notebook, SYSTEMS[name])
        said[one.name] = {
            "corpus": one.name,
            "documents": len(notebook.documents),
            "queries": len(one.queries),
            "encoder": reading.encoder if reading is not None else None,
            **dict.fromkeys(SYSTEMS),
            **{name: summary([scores[name][one.name]], machine) for name in measured},
            "worst_to_better_leg": to_better_leg(scores, one.name),
        }
    if len(sets) == 1 and sets[0].name == Path(options["corpus"]).name:
        return {**said[sets[0].name], **machine.as_json()}
    return {
        "sets": said,
        "macro": {name: summary(list(scores[name].values()), machine) for name in measured},
        "differences": {
            f"{one}-{other}": difference(scores[one], scores[other])
            for one, other in COMPARED
            if one in scores and other in scores
        },
        **machine.as_json(),
    }


def to_better_leg(scores: dict[str, dict[str, Scores]], name: str) -> dict[str, Any] | None:
    """Return how much better both legs together are on a set than the better one alone.

    None unless all three were measured.
    """
    if "hybrid" not in scores or not scores.keys() >= set(LEGS):
        return None
    better = max(LEGS, key=lambda leg: mean(scores[leg][name].ndcg))
    together, alone = scores["hybrid"][name], scores[better][name]
    return {"leg": better, **difference({name: together}, {name: alone})}


def _measured(mode: str, reading: Reading | None) -> list[str]:
    """Return the names of the systems to measure, in order. Raises NothingToEvaluate."""
    can = [name for name in SYSTEMS if reading is not None or name not in BY_MEANING]
    if mode == "all":
        return can
    if mode not in can:
        raise NothingToEvaluate(
            f"Nothing is read for meaning here, so there is no mode {mode!r}: set WIKI_ML=1."
        )
    return [mode, "ts_rank"]


def measure(notebook: Notebook, system: System) -> Scores:
    """Ask every query; the first is asked once more before, which does not count."""
    queries = notebook.retrieval_set.queries
    system(queries[0].text)
    rows = [_ask(query, system, notebook.documents) for query in queries]
    return Scores(*map(list, zip(*rows, strict=True)))


def _ask(query: Query, system: System, documents: dict[int, str]) -> tuple[float, ...]:
    begin = perf_counter()
    pids = system(query.text)
    seconds = perf_counter() - begin
    found = [documents[pid] for pid in pids if documents[pid] != query.exclude]
    relevant = query.relevant
    return ndcg(found, relevant), recall(found, relevant), reciprocal_rank(found, relevant), seconds


def summary(scores: list[Scores], machine: Machine) -> dict[str, Any]:
    """Return the means of one set, or of several sets with equal weight each."""
    seconds = [second for one in scores for second in one.seconds]
    return {
        "ndcg_at_10": round(mean([mean(one.ndcg) for one in scores]), 4),
        "recall_at_10": round(mean([mean(one.recall) for one in scores]), 4),
        "mrr": round(mean([mean(one.reciprocal_rank) for one in scores]), 4),
        "p50_ms": machine.milliseconds(seconds, 0.50),
        "p95_ms": machine.milliseconds(seconds, 0.95),
    }


def _searching(mode: Mode) -> System:
    """Search as somebody does who has no account."""

    def search(text: str) -> list[int]:
        found = retrieve(parse(text), readable(), SEARCHED_DEPTH, mode)
        if found.unavailable:
            raise RuntimeError(f"{text!r} cannot be looked for by meaning. {found.unavailable}")
        return [hit.pid for hit in found.hits]

    return search


SYSTEMS: dict[str, System] = {
    "lexical": _searching(Mode.LEXICAL),
    "semantic": _searching(Mode.SEMANTIC),
    "hybrid": _searching(Mode.HYBRID),
    "ts_rank": lambda text: ts_rank.best(text, SEARCHED_DEPTH),
}
LEGS = ("lexical", "semantic")
BY_MEANING = ("semantic", "hybrid")
COMPARED = (("hybrid", "lexical"), ("hybrid", "semantic"), ("lexical", "ts_rank"))
MODES = ("lexical", "semantic", "hybrid", "all")


def add_arguments(arguments: Arguments) -> None:
    """Declare the set, and how it is searched."""
    add_corpus(arguments)
    arguments.add("mode", choices=MODES, default="all", help="how to search")


SUBJECT = Subject(run, add_arguments)
