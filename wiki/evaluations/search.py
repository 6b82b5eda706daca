"""How good search is, on sets of documents with queries and known answers.

Each set becomes the notes of a notebook, by the way that imports take; each query is asked
as an anonymous reader does in the search box. PostgreSQL's ts_rank ranks the same notes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command

from wiki.benchmarks.machine import Machine
from wiki.benchmarks.population import settle, write_many
from wiki.evaluations import ts_rank
from wiki.evaluations.retrieval import (
    Query,
    RetrievalSet,
    Scores,
    difference,
    mean,
    ndcg,
    recall,
    reciprocal_rank,
    sets_in,
)
from wiki.merge import Fields
from wiki.models import Note
from wiki.models.visibility import NoteType, Visibility
from wiki.search.finding import find
from wiki.search.fuse import By
from wiki.search.query import parse

SEARCHED_DEPTH = 100
MODES = ("lexical", "all")

System = Callable[[str], list[int]]


class NothingToEvaluate(Exception):
    """The folder holds no set; the text says what is expected."""


@dataclass(frozen=True)
class Notebook:
    """A set as notes: which document each note is."""

    retrieval_set: RetrievalSet
    documents: dict[int, str]


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Evaluate on options["corpus"]: a set, or a folder of sets. Raises NothingToEvaluate.

    Empties the database it runs on for each set.
    """
    machine, folder = Machine.now(), Path(options["corpus"])
    try:
        sets = sets_in(folder)
    except (OSError, ValueError, KeyError) as error:
        raise NothingToEvaluate(f"{folder} cannot be read as a set: {error}") from error
    if not sets:
        raise NothingToEvaluate(
            f"There is no set in {folder}: a set is a folder with docs.jsonl(.gz), "
            "queries.jsonl and qrels.tsv."
        )
    scores: dict[str, dict[str, Scores]] = {name: {} for name in SYSTEMS}
    said = {}
    for one in sets:
        notebook = write(one)
        with ts_rank.built():
            for name, system in SYSTEMS.items():
                scores[name][one.name] = measure(notebook, system)
        said[one.name] = {
            "corpus": one.name,
            "documents": len(notebook.documents),
            "queries": len(one.queries),
            "encoder": None,
            "semantic": None,
            "hybrid": None,
            **{name: summary([scores[name][one.name]], machine) for name in SYSTEMS},
        }
    if len(sets) == 1 and sets[0].name == folder.name:
        return {**said[sets[0].name], **machine.as_json()}
    return {
        "sets": said,
        "macro": {name: summary(list(scores[name].values()), machine) for name in SYSTEMS},
        "differences": {"lexical-ts_rank": difference(scores["lexical"], scores["ts_rank"])},
        **machine.as_json(),
    }


def write(one: RetrievalSet) -> Notebook:
    """Make the documents of a set the notes of an empty notebook."""
    call_command("flush", interactive=False, verbosity=0)
    owner = get_user_model().objects.create_superuser("owner")
    names: list[str] = []

    def fields() -> Any:
        for name, title, text in one.documents():
            names.append(name)
            yield Fields(title, text, "", NoteType.NOTE, (), Visibility.PUBLIC)

    pids = write_many(fields(), owner)
    settle()
    return Notebook(one, dict(zip(pids, names, strict=True)))


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


def lexical(text: str) -> list[int]:
    """Search as an anonymous reader does."""
    found = find(parse(text), Note.objects.visible_to(AnonymousUser()), SEARCHED_DEPTH, By.WORDS)
    return [hit.pid for hit in found.hits]


SYSTEMS: dict[str, System] = {
    "lexical": lexical,
    "ts_rank": lambda text: ts_rank.best(text, SEARCHED_DEPTH),
}
