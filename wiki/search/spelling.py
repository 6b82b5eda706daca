"""Spelling correction of a word that no note has.

A correction is always a word of a note that the reader may read.
"""

import string
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from wiki.analysis.terms import folded, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.vocabulary import counted, lexemes_with_prefix, spellings

LETTERS = string.ascii_lowercase + string.digits
MIN_LENGTH, MAX_LENGTH = 3, 30
# Words with two errors are looked for only if they have this length, and among words with the
# same first letters.
MIN_LENGTH_TWO_ERRORS, PREFIX_LENGTH, MAX_SIMILAR = 5, 2, 2_000
MAX_DISTANCE = 2
MAX_TRIED = 3


def correction(word: str, readable: NoteQuerySet) -> str:
    """Return the word of these notes that is most similar to a word, or "". At most six queries.

    One error is a letter too many, too few or wrong, or two letters swapped; where that finds
    nothing, two errors. Words with the same first letter come first, then frequent ones.
    """
    assert readable.scope is not None, "a search starts at visible_to"
    typed = folded(word)
    if not MIN_LENGTH <= len(typed) <= MAX_LENGTH or any(letter.isdigit() for letter in typed):
        return ""
    near = counted(_lexemes(_edits(typed, LETTERS + typed)), readable.scope)
    if found := _spelled(typed, near, readable):
        return found
    if len(typed) < MIN_LENGTH_TWO_ERRORS:
        return ""
    edited = set(_edits(typed, ""))
    far = counted(_lexemes(again for word in edited for again in _edits(word, "")), readable.scope)
    similar = lexemes_with_prefix(typed[:PREFIX_LENGTH], readable.scope, MAX_SIMILAR)
    # Letters that are written without spaces are several lexemes.
    stem = min(_lexemes(iter([typed])), key=len, default=typed)
    far |= {
        lexeme: count
        for lexeme, count in similar.items()
        if OSA.distance(stem, lexeme, score_cutoff=MAX_DISTANCE) <= MAX_DISTANCE
    }
    return _spelled(typed, far, readable)


def _edits(word: str, letters: str) -> Iterator[str]:
    """Yield what differs from a word by one error; new letters are taken from `letters`."""
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


def _spelled(typed: str, counts: dict[str, int], readable: NoteQuerySet) -> str:
    """Return the best of these lexemes as it is spelled in a text, if that is similar too."""

    def rank(lexeme: str) -> tuple[bool, int, str]:
        return lexeme[:1] != typed[:1], -counts[lexeme], lexeme

    for lexeme in sorted(counts, key=rank)[:MAX_TRIED]:
        written = spellings(lexeme, readable)

        def fitness(word: str, written: dict[str, int] = written) -> tuple[int, bool, int, str]:
            return OSA.distance(typed, folded(word)), not word.islower(), -written[word], word

        best = min(written, key=fitness, default="")
        if best and 0 < OSA.distance(typed, folded(best)) <= MAX_DISTANCE:
            return best
    return ""
