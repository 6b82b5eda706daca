"""`evaluate identifiers`: whoever types a name that few notes have finds these notes first.

A name is a word with a digit, an underscore, a dot or a dash in it, in camel case, or after two
dashes. Names that stand in at most MAX_NOTES notes of a set are looked for by both legs; one is
found if all these notes are among the first MAX_NOTES. A note has a name also where it is a part
of a longer one, between dots or dashes. Names that stand by themselves in each of their notes are
counted apart from those that some note has only inside of something longer, such as an address.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from django.conf import settings

from mlhooks.measuring.evaluations.notebooks import Reader
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.evaluations.notebook import Notebook, read_set, readable, write
from wiki.measuring.subject import Options, Subject, add_corpus_and_cases
from wiki.search.fusion import Mode
from wiki.search.query import parse
from wiki.search.retrieval import retrieve

MAX_NOTES = 3
CASES = 1_000
SEED = 20

WORD = re.compile(r"(?<![\w.-])(?:--)?\w(?:[\w.-]*\w)?")
NAME = re.compile(r"\d|_(?=.*[^\W_])|(?<=[^\W_])_|\.|(?<=\w)-|^--|[^\W\d_A-Z][A-Z]")
JOINT = re.compile(r"([.-]+)")
# What joins a name to something longer, once or twice, as in `https://`.
JOINED = r"[._/:+@^'’\\-]"
# Of a chain of more parts, such as a long address, no shorter chain is counted.
MAX_PARTS = 12


def run(options: Options) -> dict[str, Any]:
    """Evaluate on the set in options["corpus"], with at most options["cases"] names of each kind.

    queries, in_top_3 (a share), misses: of names by themselves; "inside" has those of the others.
    Raises NothingToEvaluate.
    """
    machine, one = Machine.now(), read_set(options.get("corpus"))
    documents = {name: f"{title}\n{text}" for name, title, text in one.documents()}
    names = rare_names(documents)
    alone: list[str] = []
    inside: list[str] = []
    for name in sorted(names):
        is_alone = all(stands_alone(name, documents[document]) for document in names[name])
        (alone if is_alone else inside).append(name)
    random, most = Random(SEED), options.get("cases") or CASES
    asked = [random.sample(some, min(most, len(some))) for some in (alone, inside)]
    notebook = write(one)
    Reader(options.get("cache")).read([name for some in asked for name in some])
    of_alone, of_inside = (_figures(some, names, notebook) for some in asked)
    return {
        "corpus": one.name,
        "encoder": str(settings.WIKI_ENCODER),
        **of_alone,
        "inside": of_inside,
        **machine.as_json(),
    }


def rare_names(documents: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return every name that at most MAX_NOTES documents have, and these documents.

    Case makes no difference; a name is returned as it is written first.
    """
    having: dict[str, set[str]] = defaultdict(set)
    names: dict[str, str] = {}
    for document, text in documents.items():
        for word in set(WORD.findall(text)):
            for part in _parts(word.casefold()):
                having[part].add(document)
            if NAME.search(word):
                names[word.casefold()] = min(word, names.get(word.casefold(), word))
    return {
        word: frozenset(having[key]) for key, word in names.items() if len(having[key]) <= MAX_NOTES
    }


def _parts(word: str) -> Iterator[str]:
    """Yield a word, and every chain of its parts between dots or dashes."""
    yield word
    bare = word.removeprefix("--")
    pieces = JOINT.split(bare)
    if len(pieces) > 2 * MAX_PARTS:
        pieces = [bare]
    for first in range(0, len(pieces), 2):
        for last in range(first, len(pieces), 2):
            chain = "".join(pieces[first : last + 1])
            yield chain
            if first == 0 and bare != word:
                yield f"--{chain}"


def stands_alone(name: str, text: str) -> bool:
    """Tell whether a name stands anywhere in a text without being part of something longer."""
    around = (
        rf"(?<!\w)(?<!\w{JOINED})(?<!\w{JOINED}{{2}})(?<!\\){re.escape(name)}(?!{JOINED}{{0,2}}\w)"
    )
    return re.search(around, text, re.IGNORECASE) is not None


def _figures(
    asked: Sequence[str], names: Mapping[str, frozenset[str]], notebook: Notebook
) -> dict[str, Any]:
    misses = [miss for name in asked if (miss := _missed(name, names[name], notebook))]
    return {
        "queries": len(asked),
        "in_top_3": round(1 - len(misses) / len(asked), 4) if asked else None,
        "misses": misses,
    }


def _missed(name: str, right: frozenset[str], notebook: Notebook) -> dict[str, Any] | None:
    """Look for a name; return what was found if that is not all that it should be."""
    found = retrieve(parse(name), readable(), MAX_NOTES, Mode.HYBRID)
    first = [notebook.documents[hit.pid] for hit in found.hits]
    if right.issubset(first):
        return None
    return {"query": name, "right": sorted(right), "found": first}


SUBJECT = Subject(run, add_corpus_and_cases)
