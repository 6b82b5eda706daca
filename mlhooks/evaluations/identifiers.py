"""`evaluate identifiers`: whoever types a name that few notes have finds these notes first.

A name is a word with a digit, an underscore, a dot or a dash in it, in camel case, or after two
dashes. Every name that stands in at most MOST_NOTES notes of a set is looked for by both legs; it
is found if all these notes are among the first MOST_NOTES. A note has a name also where it is a
part of a longer one, between dots or dashes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from django.conf import settings

from mlhooks.evaluations.reading import Reader
from wiki.benchmarks.machine import Machine
from wiki.evaluations.notebook import Notebook, read_set, readable, write
from wiki.search.finding import find
from wiki.search.fuse import By
from wiki.search.query import parse

MOST_NOTES = 3
CASES = 1_000
SEED = 20

WORD = re.compile(r"(?<![\w.-])(?:--)?\w(?:[\w.-]*\w)?")
NAME = re.compile(r"\d|_|\.|(?<=\w)-|^--|[^\W\d_A-Z][A-Z]")
JOINT = re.compile(r"([.-]+)")
# Of a chain of more parts, such as a long address, no shorter chain is counted.
MOST_PARTS = 12


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Evaluate on the set in options["corpus"], with at most options["cases"] names.

    Raises NothingToEvaluate.
    """
    machine, one = Machine.now(), read_set(options.get("corpus"))
    names = rare_names({name: f"{title}\n{text}" for name, title, text in one.documents()})
    cases = min(options.get("cases") or CASES, len(names))
    asked = Random(SEED).sample(sorted(names), cases)
    notebook = write(one)
    Reader(options.get("cache")).read(asked)
    misses = [miss for name in asked if (miss := _missed(name, names[name], notebook))]
    return {
        "corpus": one.name,
        "encoder": str(settings.WIKI_ENCODER),
        "names": len(names),
        "queries": len(asked),
        "in_top_3": round(1 - len(misses) / len(asked), 4) if asked else None,
        "misses": misses,
        **machine.as_json(),
    }


def rare_names(documents: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return every name that at most MOST_NOTES documents have, and these documents.

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
        word: frozenset(having[key])
        for key, word in names.items()
        if len(having[key]) <= MOST_NOTES
    }


def _parts(word: str) -> Iterator[str]:
    """Yield a word, and every chain of its parts between dots or dashes."""
    yield word
    bare = word.removeprefix("--")
    pieces = JOINT.split(bare)
    if len(pieces) > 2 * MOST_PARTS:
        pieces = [bare]
    for first in range(0, len(pieces), 2):
        for last in range(first, len(pieces), 2):
            chain = "".join(pieces[first : last + 1])
            yield chain
            if first == 0 and bare != word:
                yield f"--{chain}"


def _missed(name: str, right: frozenset[str], notebook: Notebook) -> dict[str, Any] | None:
    """Look for a name; return what was found if that is not all that it should be."""
    found = find(parse(name), readable(), MOST_NOTES, By.BOTH)
    first = [notebook.documents[hit.pid] for hit in found.hits]
    if right.issubset(first):
        return None
    return {"query": name, "right": sorted(right), "found": first}
