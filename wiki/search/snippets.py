"""Snippets: the fragments of a text in which the words of a query are, marked. Pure.

The words are found by the analyser that made the index, so what is marked is what counted.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wiki.analysis.terms import PART, Token, tokens
from wiki.search.plain_text import FORMULA_OR_CODE, SEPARATOR, plain

# Of a long text only so many blocks are analysed, those with most of the words.
BLOCK, MAX_BLOCKS = 1_000, 12
FRAGMENT, LEAD, MAX_FRAGMENTS = 200, 60, 2
# How far an end moves, for the sake of a sentence or a formula.
SENTENCE_REACH, WHOLE_REACH = 40, 150
SENTENCE = re.compile(rf"(?:[.!?…][)\"”’]?|{SEPARATOR}) ")
SEEN_AGAIN, PHRASE = 0.1, 2.0
# Limits for a text that repeats a word: marks so near begin no window, and so many count.
NEAR, MAX_MARKS = 20, 12


class Piece(NamedTuple):
    """Some words, and whether they are to be marked."""

    text: str
    is_marked: bool


class Mark(NamedTuple):
    """A place in a text, the lexeme or phrase there, and its weight."""

    start: int
    end: int
    lexeme: str
    weight: float


@dataclass(frozen=True)
class Highlighter:
    """Marks the words of a query: lexemes with their weights, and phrases as typed."""

    weights: Mapping[str, float]
    phrases: Sequence[str] = ()

    def marks(self, text: str) -> list[Mark]:
        """Return the marks of a text, phrases as a whole, in their order."""
        found = [token for token in tokens(text) if token.lexeme in self.weights]
        marks = [Mark(t.start, t.end, t.lexeme, self.weights[t.lexeme]) for t in found]
        for phrase in self.phrases:
            weight = PHRASE * max(self.weights.values(), default=1)
            for start, end in (*_in_order(phrase, found), *_word_for_word(phrase, text)):
                marks.append(Mark(start, end, phrase, weight))
        return sorted(marks)


class Window(NamedTuple):
    """A part of a block that has words of the query, and the weight of those."""

    score: float
    block: int
    start: int
    end: int


def fragments(text: str, highlighter: Highlighter) -> list[list[Piece]]:
    """Return the one or two fragments of most weight; without any, the beginning of the text."""
    blocks = _blocks(text, highlighter)
    for shape in (plain, lambda block: " ".join(block.split())):
        shaped = {number: shape(block) for number, block in blocks.items()}
        marked = {number: highlighter.marks(block) for number, block in shaped.items()}
        if windows := _best(marked):
            spans = _joined([_widened(shaped[window.block], window) for window in windows])
            return [_cut(shaped[span.block], marked[span.block], span) for span in spans]
    first = plain(text[: 2 * BLOCK])
    return [_cut(first, [], _widened(first, Window(0, 0, 0, 0)))] if first else []


def marked(line: str, highlighter: Highlighter) -> list[Piece]:
    """Return a short text whole, with its words marked."""
    return _pieces(line, 0, len(line), highlighter.marks(line))


def _blocks(text: str, highlighter: Highlighter) -> dict[int, str]:
    """Split a text at ends of lines or words; of many blocks keep those with most of the words."""
    blocks, start = [], 0
    while start < len(text):
        end = start + BLOCK
        if end < len(text):
            end = max(text.rfind("\n", start + BLOCK // 2, end), start) + 1
            end = end if end > start + 1 else text.rfind(" ", start, start + BLOCK) + 1
            end = end if end > start else start + BLOCK
        blocks.append(text[start:end])
        start = end
    if len(blocks) <= MAX_BLOCKS:
        return dict(enumerate(blocks))
    # A stem and its word have a prefix in common.
    prefixes = [
        (word[: max(3, len(word) - 2)], weight) for word, weight in highlighter.weights.items()
    ]

    def block_weight(number: int) -> float:
        block = blocks[number].lower()
        if not block.isascii():
            block = unicodedata.normalize("NFKD", block).replace("\u0301", "")
        return sum(weight for prefix, weight in prefixes if prefix in block)

    best = sorted(range(len(blocks)), key=lambda number: (-block_weight(number), number))
    return {number: blocks[number] for number in sorted(best[:MAX_BLOCKS])}


def _in_order(phrase: str, found: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where the words of a phrase follow each other, whatever their endings."""
    asked = [token for token in tokens(phrase) if not token.is_extra]
    if not asked:
        return
    at = {(token.position, token.lexeme): token for token in found if not token.is_extra}
    for token in found:
        if token.lexeme == asked[0].lexeme and not token.is_extra:
            shift = token.position - asked[0].position
            last = [at.get((word.position + shift, word.lexeme)) for word in asked]
            if None not in last and last[-1] is not None:
                yield token.start, last[-1].end


def _word_for_word(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a phrase is as typed: the analyser leaves out words such as `the`."""
    words = PART.findall(phrase)
    if len(words) > 1:
        pattern = r"(?<!\w)" + r"\W{1,3}".join(map(re.escape, words)) + r"(?!\w)"
        yield from (place.span() for place in re.finditer(pattern, text, re.IGNORECASE))


def _best(marked: Mapping[int, list[Mark]]) -> list[Window]:
    """Return the windows of most weight; words of the first count little for the second."""
    chosen: list[Window] = []
    seen: set[str] = set()
    while len(chosen) < MAX_FRAGMENTS:
        windows = [
            window
            for number, marks in marked.items()
            for window in _windows(number, marks, seen)
            if all(window.block != other.block or _apart(window, other) for other in chosen)
        ]
        # The first of equals: what a text is about is seldom at its end.
        best = max(windows, key=lambda window: (window.score, -window.block), default=None)
        if best is None or (chosen and best.score < SEEN_AGAIN * chosen[0].score):
            break
        inside = _inside(marked[best.block], best)
        if chosen and seen >= {mark.lexeme for mark in inside}:
            break
        chosen.append(best)
        seen |= {mark.lexeme for mark in inside}
    return sorted(chosen, key=lambda window: (window.block, window.start))


def _windows(number: int, marks: Sequence[Mark], seen: set[str]) -> Iterator[Window]:
    """Yield a window that begins at each mark."""
    for i, first in enumerate(marks):
        if i and marks[i - 1].lexeme == first.lexeme and first.start - marks[i - 1].start < NEAR:
            continue
        weights: dict[str, float] = {}
        end, again = first.end, 0
        for mark in marks[i : i + MAX_MARKS]:
            if mark.end > first.start + FRAGMENT - LEAD and mark is not first:
                break
            end = max(end, mark.end)
            again += mark.lexeme in weights
            weights[mark.lexeme] = mark.weight * (SEEN_AGAIN if mark.lexeme in seen else 1)
        total = sum(weights.values())
        yield Window(total * (1 + min(again, 5) / 50), number, first.start, end)


def _apart(one: Window, other: Window) -> bool:
    return one.start > other.end + FRAGMENT - LEAD or other.start > one.end + FRAGMENT - LEAD


def _inside(marks: Sequence[Mark], window: Window) -> list[Mark]:
    return [mark for mark in marks if window.start <= mark.start and mark.end <= window.end]


def _widened(text: str, window: Window) -> Window:
    """Let a window begin and end with sentences, or else with words; never inside a formula."""
    start = _start(text, window.start)
    end = _end(text, max(window.end, start + FRAGMENT))
    for whole in FORMULA_OR_CODE.finditer(text):
        if whole.start() < start < whole.end() and start - whole.start() < WHOLE_REACH:
            start = whole.start()
        if whole.start() < end < whole.end() and whole.end() - end < WHOLE_REACH:
            end = whole.end()
    return window._replace(start=start, end=end)


def _joined(windows: Sequence[Window]) -> list[Window]:
    """Merge windows that meet."""
    joined: list[Window] = []
    for window in windows:
        if joined and joined[-1].block == window.block and window.start <= joined[-1].end:
            joined[-1] = joined[-1]._replace(end=max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return joined


def _cut(text: str, marks: Sequence[Mark], window: Window) -> list[Piece]:
    """Return the pieces of a window, with an ellipsis where it cuts a sentence."""
    start, end = window.start, window.end
    goes_before = start if start else window.block
    begins = not goes_before or SENTENCE.fullmatch(text[max(0, start - 2) : start])
    ends = end == len(text) or text[:end].rstrip().endswith((".", "!", "?"))
    before = [] if begins else [Piece("… ", False)]
    after = [] if ends else [Piece(" …", False)]
    return [*before, *_pieces(text, start, end, marks), *after]


def _start(text: str, at: int) -> int:
    """Return where a fragment begins: with its sentence, or some words before."""
    earliest = max(0, at - LEAD - SENTENCE_REACH)
    sentences = [place.end() for place in SENTENCE.finditer(text, earliest, at)]
    if sentences:
        return sentences[0] if at - sentences[0] <= LEAD else sentences[-1]
    if earliest == 0:
        return 0
    return text.find(" ", max(0, at - LEAD), at) + 1 or at


def _end(text: str, at: int) -> int:
    """Return where a fragment ends: with a sentence that ends near, or with a word."""
    if at + SENTENCE_REACH >= len(text):
        return len(text)
    if sentence := SENTENCE.search(text, at - 1, at + SENTENCE_REACH):
        return sentence.end() - 1
    space = text.find(" ", at, at + SENTENCE_REACH)
    return space if space >= 0 else at


def _pieces(text: str, start: int, end: int, marks: Sequence[Mark]) -> list[Piece]:
    """Split a text into marked and unmarked pieces; marks that touch are merged."""
    spans: list[list[int]] = []
    for mark in marks:
        if mark.start < start or mark.end > end:
            continue
        if spans and mark.start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], mark.end)
        else:
            spans.append([mark.start, mark.end])
    pieces, at = [], start
    for first, last in spans:
        pieces += [Piece(text[at:first], False), Piece(text[first:last], True)]
        at = last
    pieces.append(Piece(text[at:end], False))
    words = [piece for piece in pieces if piece.text]
    if words and not words[0].is_marked:
        words[0] = Piece(words[0].text.lstrip(f" {SEPARATOR}"), False)
    return [piece for piece in words if piece.text]
