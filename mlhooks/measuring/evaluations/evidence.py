"""`evaluate evidence`: whether the sentence shown for a note is why it is near, and the order true.

The sentence is computed from sums that were stored when its passage was encoded
(embeddings/sentence_attribution.py).
Here passages are read again without it, and without another one: the cosine with the query
should fall more without the one that is shown. And whoever adds up the ranks, scores and shares
that each note comes with must arrive at the order that is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from django.conf import settings

from mlhooks import gateway
from mlhooks.indexes import embedder, ranking
from mlhooks.measuring.evaluations.notebooks import Reader
from mlhooks.measuring.evaluations.result_order import is_recomputed
from mlhooks.models import EncoderIndex
from mlhooks.passages import split
from wiki.extensions import Hit
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.evaluations.notebook import NothingToEvaluate, read_set, readable, write
from wiki.measuring.subject import Options, Subject, add_corpus_and_cases
from wiki.search.fusion import Mode
from wiki.search.query import ParsedQuery, parse
from wiki.search.retrieval import retrieve

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Encoder

CASES = 200
SEED = 21
HITS = 10  # of each query
MIN_SENTENCES = 3


@dataclass(frozen=True)
class Case:
    """A passage that was found, without the sentence that is shown, and without another one."""

    query: str
    text: str
    without_shown: str
    without_other: str


def run(options: Options) -> dict[str, Any]:
    """Evaluate on the set in options["corpus"], with options["cases"] pairs of query and note.

    shown_counts_more: the share of cases in which the cosine falls more without the sentence
    shown. Raises NothingToEvaluate.
    """
    machine, one = Machine.now(), read_set(options.get("corpus"))
    write(one)
    queries = [query.text for query in one.queries]
    reader = Reader(options.get("cache"))
    index = reader.read(queries)
    _, encoder = reader.active()
    wanted = options.get("cases") or CASES
    cases = list(_cases(index, queries, wanted, Random(SEED)))
    if not cases:
        raise NothingToEvaluate(f"No passage found in {one.name} has {MIN_SENTENCES} sentences.")
    falls = [_falls(encoder, case) for case in cases]
    orders = [is_recomputed(reader.ask(query, with_weak=True).retrieval.hits) for query in queries]
    return {
        "corpus": one.name,
        "encoder": str(settings.WIKI_ENCODER),
        "cases": len(cases),
        "shown_counts_more": round(sum(shown > other for shown, other in falls) / len(falls), 4),
        "mean_fall": {
            "shown": round(sum(shown for shown, _ in falls) / len(falls), 4),
            "other": round(sum(other for _, other in falls) / len(falls), 4),
        },
        "orders": len(orders),
        "recomputed": round(sum(orders) / len(orders), 4),
        **machine.as_json(),
    }


def _cases(
    index: EncoderIndex, queries: Sequence[str], wanted: int, random: Random
) -> Iterator[Case]:
    """Yield cases in a random order."""
    pairs: list[tuple[ParsedQuery, Hit]] = []
    for text in queries:
        query = parse(text)
        found = retrieve(query, readable(), HITS, Mode.SEMANTIC, with_weak=True)
        pairs += [(query, hit.semantic.hit) for hit in found.hits if hit.semantic]
    random.shuffle(pairs)
    for query, hit in pairs:
        if wanted and (case := _case(index, query, hit, random)):
            wanted -= 1
            yield case


def _case(index: EncoderIndex, query: ParsedQuery, hit: Hit, random: Random) -> Case | None:
    """Return what a hit's passage is without some sentences; None for one of few sentences."""
    place = ranking.explain(query, [hit]).get(hit.pid)
    passage = hit.passage
    (one,) = embedder.split_notes(index, list(gateway.heads([hit.pid]).values()))
    found = [
        p for p in one.passages if passage and (p.start, p.end) == (passage.start, passage.end)
    ]
    if place is None or not found:
        return None
    text, start = found[0].text, found[0].start
    raw = one.head.body[start : found[0].end]
    said = {
        (start + first, start + last): split.cleaned(raw[first:last])
        for first, last in split.sentences(raw, is_code=found[0].is_code)
    }
    # A sentence that stands there twice could not be told from its double.
    others = [
        sentence for where, sentence in said.items() if where != place and text.count(sentence) == 1
    ]
    shown = said.get(place, "")
    if len(said) < MIN_SENTENCES or not others or text.count(shown) != 1:
        return None
    other = random.choice(others)
    return Case(query.text, text, text.replace(shown, ""), text.replace(other, ""))


def _falls(encoder: "Encoder", case: Case) -> tuple[float, float]:
    """Return how much the cosine falls without the shown sentence, and without the other."""
    query = encoder.encode_query(case.query)
    whole, shown, other = (
        float(vector @ query)
        for vector in encoder.encode([case.text, case.without_shown, case.without_other])
    )
    return whole - shown, whole - other


SUBJECT = Subject(run, add_corpus_and_cases)
