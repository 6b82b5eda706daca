"""Somebody who searches, for something else each time."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.drills.rig import Site
from tests.drills.visitor import Visitor
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.search.query import parse

# No sign that means something to the search, so that words and meaning are both asked.
PLAIN = re.compile(r"[A-Z][a-z]+(?:,? [a-z]+){4,15}\.?")
AGAIN_S = 0.3


@dataclass(frozen=True)
class Answered:
    """An answer as JSON tells it; away: why meaning was not asked."""

    question: str
    by: str
    away: str
    with_meaning: int
    seconds: float


class Searches:
    """Asks questions nobody has asked before, signed in as nobody."""

    def __init__(self, site: Site, seed: int) -> None:
        self._visitor = Visitor(site.port)
        self._questions = questions(seed)

    def ask(self, by: str = "both") -> Answered:
        """Ask the next question. Raises AssertionError unless it is answered."""
        question = next(self._questions)
        begun = time.monotonic()
        reply = self._visitor.get(
            f"/search/?{urlencode({'q': question, 'by': by, 'format': 'json'})}"
        )
        seconds = time.monotonic() - begun
        assert reply.status == 200, reply
        said = json.loads(reply.text)
        with_meaning = sum(hit["meaning"] is not None for hit in said["hits"])
        return Answered(question, said["by"], said["away"] or "", with_meaning, seconds)

    def page(self, question: str) -> str:
        """Return the page for a question."""
        reply = self._visitor.get(f"/search/?{urlencode({'q': question})}")
        assert reply.status == 200, reply
        return reply.text

    def ask_until_by_meaning(self, limit_s: float) -> tuple[float, list[Answered]]:
        """Ask until meaning counts; return how long that took, and the answers by words alone."""
        begun, away = time.monotonic(), []
        while (answered := self.ask()).away:
            away.append(answered)
            assert time.monotonic() - begun < limit_s, f"by words alone for {limit_s:.0f} s"
            time.sleep(AGAIN_S)
        assert answered.by == "both", answered
        return time.monotonic() - begun, away


def questions(seed: int) -> Iterator[str]:
    """Yield three to seven words that stand together somewhere, none twice."""
    corpus, told = Corpus(seed), set()
    sentences = [text for text in corpus.anything if PLAIN.fullmatch(text)]
    while True:
        words = corpus.random.choice(sentences).split()
        start = corpus.random.randrange(len(words) - 3)
        question = " ".join(words[start : start + corpus.random.randint(3, 7)])
        # Such words as all notes have say nothing to look for.
        if question not in told and len(parse(question).terms) > 1:
            told.add(question)
            yield question
