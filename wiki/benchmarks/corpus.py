"""Notes nobody wrote, for measuring: the same for the same seed.

Words come as often as words do in a language (Zipf); texts hold headings, lists, tables,
formulas and links to each other, about as many as notes on papers do.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from random import Random

from wiki.merge import Fields
from wiki.models.visibility import NoteType, Visibility

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
WORDS, TAGS = 5_000, 200
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


class Corpus:
    """Makes notes; two of one seed make the same ones."""

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)
        self.words = self._names(WORDS)
        self.tags = self._names(TAGS)
        self.rank = list(accumulate(1 / place for place in range(1, WORDS + 1)))
        self.tag_rank = self.rank[:TAGS]

    def notes(self, count: int) -> Iterator[Fields]:
        """Yield so many notes of 20 to 600 words, public, linked to earlier ones."""
        for number in range(count):
            paragraphs = self.random.randint(1, 8)
            yield self._note(number, "\n\n".join(self._part(number) for _ in range(paragraphs)))

    def heavy(self, count: int, size: int, formulas: int, tag: str) -> Iterator[Fields]:
        """Yield so many notes of about `size` characters with exactly so many formulas."""
        for number in range(count):
            said = self._note(number, self.text(size, formulas))
            yield replace(said, title=f"Heavy note {number}", tags=(tag,))

    def text(self, size: int, formulas: int) -> str:
        """Return paragraphs of about `size` characters in all, the first so many with a formula."""
        parts = max(formulas, size // PARAGRAPH)
        body = ""
        for i in range(parts):
            body += self._heading() if i % 10 == 0 else ""
            formula = self._formula(i) if i < formulas else ""
            room = size * (i + 1) // parts - len(body) - len(formula)
            while room > 0:
                sentence = self._sentence(min(15, room // 7 + 1))
                body, room = f"{body}{sentence} ", room - len(sentence)
            body += f"{formula}\n\n"
        return body

    def changed(self, body: str) -> str:
        """Return the text with one sentence in the middle replaced."""
        lines = body.split("\n")
        lines[len(lines) // 2] = self._sentence(12)
        return "\n".join(lines)

    def _note(self, number: int, body: str) -> Fields:
        chosen = self.random.choices(self.tags, cum_weights=self.tag_rank, k=5)
        return Fields(
            title=title(number),
            body=body,
            ref=f"{self.words[number % WORDS].title()}-{1990 + number % 35}",
            type=NoteType.NOTE,
            tags=tuple(dict.fromkeys(chosen)),
            visibility=Visibility.PUBLIC,
        )

    def _part(self, number: int) -> str:
        kind = self.random.random()
        if kind < 0.15:
            return f"{self._heading()}{self._sentence(40)}"
        if kind < 0.3:
            return "\n".join(f"- {self._sentence(12)}" for _ in range(5))
        if kind < 0.35:
            return "| a | b |\n|---|---|\n" + "\n".join(
                f"| {self._sentence(2)} | {self._formula(1)} |" for _ in range(4)
            )
        link = f" See [[{title(self.random.randrange(number + 1))}]]." if kind > 0.7 else ""
        return f"{self._sentence(50)} {self._formula(self.random.randint(1, 9))}{link}"

    def _heading(self) -> str:
        return f"## {self._sentence(4)}\n\n"

    def _sentence(self, words: int) -> str:
        chosen = self.random.choices(self.words, cum_weights=self.rank, k=words)
        return " ".join(chosen).capitalize() + "."

    def _formula(self, number: int) -> str:
        sign = "$$" if number % 7 == 0 else "$"
        return sign + self.random.choice(FORMULAS).replace("#", str(number)) + sign

    def _names(self, count: int) -> list[str]:
        """Return so many different words of two to four syllables."""
        names: dict[str, None] = {}
        while len(names) < count:
            names["".join(self.random.choices(SYLLABLES, k=self.random.randint(2, 4)))] = None
        return list(names)


def title(number: int) -> str:
    """Return the title of a note, by which others link to it."""
    return f"Note {number}"
