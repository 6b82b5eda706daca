"""What somebody may have meant by a word that no note has.

A word is suggested only if it stands in a note the reader may read.
"""

import string
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from wiki.analysis.terms import folded, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.vocabulary import beginning_with, counted, spellings

LETTERS = string.ascii_lowercase + string.digits
MIN_LENGTH, MAX_LENGTH = 3, 30
# Two letters wrong are looked for in words of some length, and among those that begin right.
SHORTEST_TWICE, RIGHT, MAX_ALIKE = 5, 2, 2_000
FURTHEST = 2
MAX_TRIED = 3


def correction(word: str, readable: NoteQuerySet) -> str:
    """Return the word of these notes that is most like a word, or "". At most six queries.

    One letter too many, too few, wrong, or two in the wrong order; where that leads nowhere,
    two such slips. Before others stand words with the same first letter, then frequent ones.
    """
    assert readable.scope is not None, "a search starts at visible_to"
    typed = folded(word)
    if not MIN_LENGTH <= len(typed) <= MAX_LENGTH or any(letter.isdigit() for letter in typed):
        return ""
    near = counted(_lexemes(_slips(typed, LETTERS + typed)), readable.scope)
    if found := _spelled(typed, near, readable):
        return found
    if len(typed) < SHORTEST_TWICE:
        return ""
    small = set(_slips(typed, ""))
    far = counted(_lexemes(again for one in small for again in _slips(one, "")), readable.scope)
    alike = beginning_with(typed[:RIGHT], readable.scope, MAX_ALIKE)
    # Letters that are written without spaces are several lexemes.
    stem = min(_lexemes(iter([typed])), key=len, default=typed)
    far |= {
        lexeme: have
        for lexeme, have in alike.items()
        if OSA.distance(stem, lexeme, score_cutoff=FURTHEST) <= FURTHEST
    }
    return _spelled(typed, far, readable)


def _slips(word: str, letters: str) -> Iterator[str]:
    """Yield what differs from a word by one slip; without letters, those that need none new."""
    for i in range(len(word)):
        before, letter, after = word[:i], word[i], word[i + 1 :]
        yield before + after
        yield before + letter + letter + after
        if after:
            yield before + after[0] + letter + after[1:]
        for other in letters:
            yield before + other + after
            yield before + other + letter + after
    for other in letters:
        yield word + other


def _lexemes(words: Iterator[str]) -> set[str]:
    return {token.lexeme for word in set(words) for token in tokens(word) if not token.is_extra}


def _spelled(typed: str, have: dict[str, int], readable: NoteQuerySet) -> str:
    """Return the best of these lexemes as it stands in a text, if it is still alike there."""

    def rank(lexeme: str) -> tuple[bool, int, str]:
        return lexeme[:1] != typed[:1], -have[lexeme], lexeme

    for lexeme in sorted(have, key=rank)[:MAX_TRIED]:
        written = spellings(lexeme, readable)

        def fitness(word: str, written: dict[str, int] = written) -> tuple[int, bool, int, str]:
            return OSA.distance(typed, folded(word)), not word.islower(), -written[word], word

        best = min(written, key=fitness, default="")
        if best and 0 < OSA.distance(typed, folded(best)) <= FURTHEST:
            return best
    return ""
