"""How many word pieces a stretch of a text has."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from mlhooks.passages.inline import cleaned, slices, words

MAX_PIECES = 200

Span = tuple[int, int]
Count = Callable[[Sequence[str]], list[int]]

# An encoder takes what it cannot read, however long, for one word piece.
_MAX_CHARACTERS_OF_A_PIECE = 16


class Ruler:
    """Measures stretches of a text, after reading all of it once.

    Word pieces never reach across a blank, so those of a stretch are those of its words.
    """

    def __init__(
        self,
        body: str,
        stretches: Iterable[tuple[int, int, bool]],
        cuts: Iterable[int],
        count: Count,
    ) -> None:
        """Read a text.

        stretches: (start, end, whether it is code) of all there is to measure, in order. cuts:
        places, in order, where a word ends even if it goes on.
        """
        between = [0, *cuts, len(body)]
        found = [
            (span, body[slice(*span)] if is_code else cleaned(body[slice(*span)]))
            for start, end, is_code in stretches
            for word in words(body, start, end, is_code=is_code)
            for span in _cut(word, between)
        ]
        weights = _weigh([text for _, text in found], count)
        if any(weights[text] > MAX_PIECES for _, text in found):
            found = [part for each in found for part in _sliced(body, *each, weights)]
            weights = _weigh([text for _, text in found], count)
        self._starts = [start for (start, _), _ in found]
        self._ends = [end for (_, end), _ in found]
        self._totals = [0, *accumulate(weights[text] for _, text in found)]

    def _between(self, start: int, end: int) -> tuple[int, int]:
        return bisect_right(self._ends, start), bisect_left(self._starts, end)

    def pieces(self, start: int, end: int) -> int:
        """Count the word pieces from start to end."""
        first, last = self._between(start, end)
        return self._totals[last] - self._totals[first] if first < last else 0

    def words(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans of the words from start to end."""
        first, last = self._between(start, end)
        return list(zip(self._starts[first:last], self._ends[first:last], strict=True))


def beginnings(texts: Sequence[str], most: int, count: Count) -> dict[str, str]:
    """Return of each text as many words as have at most so many word pieces.

    >>> beginnings(["one  two three"], 2, lambda texts: [1 for _ in texts])
    {'one  two three': 'one two'}
    """
    by_text = {text: text.split() for text in texts}
    weights = _weigh([word for found in by_text.values() for word in found], count)
    begun = {}
    for text, found in by_text.items():
        totals = accumulate(weights[word] for word in found)
        begun[text] = " ".join(
            word for word, total in zip(found, totals, strict=True) if total <= most
        )
    return begun


def _cut(word: Span, cuts: list[int]) -> Iterator[Span]:
    start, end = word
    for cut in cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]:
        yield start, cut
        start = cut
    yield start, end


def _sliced(
    body: str, word: Span, text: str, weights: dict[str, int]
) -> Iterator[tuple[Span, str]]:
    """Yield a word, or its slices if no passage can hold it."""
    if weights[text] <= MAX_PIECES:
        yield word, text
    else:
        yield from ((part, body[slice(*part)]) for part in slices(body, *word))


def _weigh(texts: Sequence[str], count: Count) -> dict[str, int]:
    different = list(dict.fromkeys(texts))
    return {
        text: max(pieces, -(-len(text) // _MAX_CHARACTERS_OF_A_PIECE))
        for text, pieces in zip(different, count(different) if different else [], strict=True)
    }
