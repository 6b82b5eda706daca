"""Notes to measure with, put together from real sentences: the same for the same seed.

Of each note's sentences two fifths come from one note of Simon Willison's "Today I Learned"
(til.jsonl.gz, Apache License 2.0), three tenths from a second one and the rest from anywhere,
so that words come together, and as often, as they do in notes; a note is half as long as the
prose of one of those. Headings, lists, tables, formulas and links to earlier notes are put
in, about as many as notes on papers have, and each title holds a number that no other has.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from wiki.fields import Fields
from wiki.models.visibility import NoteType, Visibility

SOURCE = Path(__file__).with_name("til.jsonl.gz")
MAX_TITLE_LENGTH = 300
PARAGRAPH = 300  # characters

# What papers are full of; # is replaced by a number, so that few are equal.
FORMULAS = [
    r"\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_{#}}}\right) V",
    r"Z_{#} = \sigma(X U)",
    r"s(Z) = Z_1 \odot (W Z_2 + b_{#})",
    r"\hat{y}_{#} = \sum_{i=1}^{n} w_i x_i + b",
    r"p(x_{#} \mid x_{<t}) = \prod_{t=1}^{T} p_\theta(x_t)",
    r"\mathcal{L}_{#} = -\mathbb{E}_{q}\left[\log p(x \mid z)\right] + \mathrm{KL}(q \,\|\, p)",
    r"\nabla_\theta J = \frac{1}{N} \sum_{i=1}^{N} R_{#} \nabla_\theta \log \pi_\theta(a_i)",
    r"u_{n} = u_{n-1} + u_{n-#}",
    r"\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{#}",
    r"\begin{pmatrix} a & b \\ c & d_{#} \end{pmatrix}",
    r"f(x) = \begin{cases} x^{#} & x > 0 \\ 0 & \text{otherwise} \end{cases}",
    r"\|x - y\|_2^2 \le \epsilon_{#}",
    r"\alpha_{#}",
    r"O(n \log n)^{#}",
]


@dataclass(frozen=True)
class Source:
    """One note that sentences are taken from; its folder names what it is about."""

    title: str
    folder: str
    sentences: tuple[str, ...]
    words: int


@cache
def sources() -> tuple[Source, ...]:
    """Read the notes that sentences are taken from."""
    found = []
    with gzip.open(SOURCE, "rt", encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            folder = said["path"].split("/")[0]
            words = sum(len(sentence.split()) for sentence in said["sentences"])
            found.append(Source(said["title"], folder, tuple(said["sentences"]), words))
    return tuple(found)


class Corpus:
    """Makes notes; two of one seed make the same ones."""

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)
        self.sources = sources()
        self.anything = [text for source in self.sources for text in source.sentences]

    def notes(self, count: int) -> Iterator[Fields]:
        """Yield so many public notes, linked to earlier ones."""
        for number in range(count):
            first, second = self._source(number), self.random.choice(self.sources)
            room = max(10, self.random.choice(self.sources).words // 2)
            parts = []
            while room > 0:
                part = self._part(number, first, second)
                parts.append(part)
                room -= len(part.split())
            yield self._note(number, "\n\n".join(parts), first, second)

    def heavy(self, count: int, size: int, formulas: int, tag: str) -> Iterator[Fields]:
        """Yield so many notes of about `size` characters with exactly so many formulas."""
        for number in range(count):
            source = self._source(number)
            said = self._note(number, self.text(size, formulas), source, source)
            yield replace(said, title=f"Heavy note {number}", tags=(tag,))

    def text(self, size: int, formulas: int) -> str:
        """Return paragraphs of about `size` characters in all, the first so many with a formula."""
        parts = max(formulas, size // PARAGRAPH)
        written, total = [], 0
        for i in range(parts):
            piece = self._heading() if i % 10 == 0 else ""
            formula = self._formula(i) if i < formulas else ""
            room = size * (i + 1) // parts - total - len(piece) - len(formula)
            while room > 0:
                sentence = self._plain_sentence()[:room].strip()
                piece, room = f"{piece}{sentence} ", room - len(sentence) - 1
            piece += f"{formula}\n\n"
            written.append(piece)
            total += len(piece)
        return "".join(written)

    def changed(self, body: str) -> str:
        """Return the text with one line in the middle replaced."""
        lines = body.split("\n")
        lines[len(lines) // 2] = self.random.choice(self.anything)
        return "\n".join(lines)

    def title(self, number: int) -> str:
        """Return the title of a note, by which others link to it."""
        return f"{self._source(number).title[:MAX_TITLE_LENGTH]} {number}"

    def queries(self, count: int) -> list[str]:
        """Return what somebody may look for: two to five words that one sentence has."""
        found: list[str] = []
        while len(found) < count:
            words = [word for word in self._plain_sentence().split() if word.isalpha()]
            if len(words) >= 5:
                start = self.random.randrange(len(words) - 4)
                found.append(" ".join(words[start : start + self.random.randint(2, 5)]))
        return found

    def questions(self, count: int) -> list[str]:
        """Return whole sentences to look for."""
        return [self._plain_sentence() for _ in range(count)]

    def _source(self, number: int) -> Source:
        return self.sources[number * 7919 % len(self.sources)]

    def _note(self, number: int, body: str, first: Source, second: Source) -> Fields:
        third = self.random.choice(self.sources)
        return Fields(
            title=self.title(number),
            body=body,
            ref=f"Willison-{2020 + number % 7}.{1 + number % 12:02}",
            type=NoteType.NOTE,
            tags=tuple(dict.fromkeys((first.folder, second.folder, third.folder))),
            visibility=Visibility.PUBLIC,
        )

    def _part(self, number: int, first: Source, second: Source) -> str:
        kind = self.random.random()
        texts = [self._sentence(first, second) for _ in range(self.random.randint(2, 5))]
        if kind < 0.1:
            return f"{self._heading()}{' '.join(texts)}"
        if kind < 0.2:
            return "\n".join(f"- {text}" for text in texts)
        if kind < 0.23:
            rows = (f"| {text.replace('|', ' ')} | {self._formula(1)} |" for text in texts)
            return "| a | b |\n|---|---|\n" + "\n".join(rows)
        link = f" See [[{self.title(self.random.randrange(number + 1))}]]." if kind > 0.7 else ""
        formula = f" {self._formula(self.random.randint(1, 9))}" if kind > 0.8 else ""
        return f"{' '.join(texts)}{formula}{link}"

    def _sentence(self, first: Source, second: Source) -> str:
        kind = self.random.random()
        if kind < 0.4:
            return self.random.choice(first.sentences)
        return self.random.choice(second.sentences if kind < 0.7 else self.anything)

    def _plain_sentence(self) -> str:
        """Return a sentence without any sign that means something to Markdown."""
        while True:
            sentence = self.random.choice(self.anything)
            if not set(sentence) & set("[]()`*_<>|$#~^\\"):
                return sentence

    def _heading(self) -> str:
        return f"## {' '.join(self._plain_sentence().split()[:5])}\n\n"

    def _formula(self, number: int) -> str:
        sign = "$$" if number % 7 == 0 else "$"
        return sign + self.random.choice(FORMULAS).replace("#", str(number)) + sign
