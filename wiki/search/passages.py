"""Quoting the passage of a note that is closest by meaning, and how fresh it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wiki.analysis.terms import tokens
from wiki.extensions import Passage
from wiki.search.plain_text import SEPARATOR, plain
from wiki.search.snippets import SENTENCE, Highlighter, Piece, marked

# About so many characters are quoted; one long sentence may have more.
TARGET_LENGTH, MAX_LENGTH = 240, 400
# A passage is cut here, should it be far longer than passages are.
MAX_PASSAGE_LENGTH = 8_000
# With this share of its words shown already, a sentence adds nothing.
MAX_OVERLAP = 0.8
ENDS = (".", "!", "?", "…", ".”", '."', ".)")
# What may precede the words of a line.
MARKS = " \t-*+>#|0123456789.)"


@dataclass(frozen=True)
class Quote:
    """A passage as quoted on the results page, from the newest revision.

    text: the passage as typed. sentence: the one that sentence attribution names, as typed, or
    "". pieces: that sentence with its neighbours, as plain text, marked.
    """

    text: str
    sentence: str
    pieces: Sequence[Piece]
    heading: str

    def says_more_than(self, shown: Sequence[Sequence[Piece]]) -> bool:
        """Tell whether this has words that these fragments have not."""
        quoted = _words(plain(self.sentence) or "".join(piece.text for piece in self.pieces))
        known = {word for pieces in shown for word in _words("".join(p.text for p in pieces))}
        return len(quoted & known) < MAX_OVERLAP * len(quoted)


@dataclass(frozen=True)
class Freshness:
    """Which revision of a note was indexed, how long ago, and which is the newest."""

    indexed: int
    newest: int
    age_s: float

    @property
    def is_current(self) -> bool:
        """Tell whether the newest revision is the one that was indexed."""
        return self.indexed == self.newest


def quote(
    body: str, passage: Passage, sentence: tuple[int, int] | None, highlighter: Highlighter
) -> Quote:
    """Quote a passage.

    body: of the revision that was indexed. sentence: where the attributed one is in it.
    """
    start = max(0, passage.start)
    end = max(start, min(passage.end, len(body), start + MAX_PASSAGE_LENGTH))
    first, last = (min(max(at, start), end) for at in sentence or (start, start))
    before = _sentences(plain(body[start:first]))
    middle = plain(body[first:last]).strip(f" {SEPARATOR}")
    after = _sentences(plain(body[last:end]))
    earlier, later = _neighbours(middle, before, after)
    text = _cut(" ".join([*earlier, *([middle] if middle else []), *later]).strip(f" {SEPARATOR}"))
    # A neighbour that is not the first of its passage begins after the end of another.
    is_within = len(earlier) < len(before) if earlier else False
    begins = is_within or _begins_here(body, start if earlier or not middle else first)
    is_whole = len(later) == len(after) and body[end : end + 1] in ("", "\n")
    ends = not text or is_whole or text.endswith(ENDS)
    shown = f"{'' if begins else '… '}{text}{'' if ends else ' …'}"
    return Quote(body[start:end], body[first:last], marked(shown, highlighter), passage.heading)


def freshness(passage: Passage, newest: int, now: datetime) -> Freshness:
    """Return how fresh an indexed passage is. newest: the number of its note's head."""
    return Freshness(passage.revision, newest, (now - passage.indexed_at).total_seconds())


def _neighbours(
    middle: str, before: Sequence[str], after: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the sentences before and after one that there is room for, at least one in all."""
    room, earlier, later = TARGET_LENGTH - len(middle), len(before), 0
    while later < len(after) and (room > len(after[later]) or not (middle or later)):
        room -= len(after[later]) + 1
        later += 1
    while earlier and room > len(before[earlier - 1]):
        room -= len(before[earlier - 1]) + 1
        earlier -= 1
    return before[earlier:], after[:later]


def _begins_here(body: str, at: int) -> bool:
    """Tell whether a sentence, a line or an item of a list begins here."""
    line = body[body.rfind("\n", 0, at) + 1 : at].rstrip()
    return not line.strip(MARKS) or line.endswith(ENDS)


def _cut(text: str) -> str:
    """Cut what is far too long at the end of a word."""
    if len(text) <= MAX_LENGTH:
        return text
    space = text.rfind(" ", TARGET_LENGTH, MAX_LENGTH)
    return text[: space if space > 0 else MAX_LENGTH] + " …"


def _sentences(text: str) -> list[str]:
    """Split plain text into sentences."""
    ends = [0, *(place.end() for place in SENTENCE.finditer(text)), len(text)]
    found = (text[start:end].strip() for start, end in zip(ends, ends[1:], strict=False))
    return [sentence for sentence in found if sentence.strip(SEPARATOR)]


def _words(text: str) -> set[str]:
    return {token.lexeme for token in tokens(text) if not token.is_extra}
