"""Which words of a query are rare: one that few notes have tells more than any likeness. Pure."""

import re
from collections.abc import Mapping

from wiki.analysis.terms import term, tokens
from wiki.search.fusion import RareWord
from wiki.search.query import ParsedQuery, Word

# So many notes at most have a rare word, of those a reader may read.
MAX_NOTES = 3
# What tells a name: a sign or a digit among its letters, or a capital after a small one. A
# hyphen or a slash may stand between words as well.
NAME = re.compile(r"[\\_.+@^#]|^--?\w|[^\W\d_]\d|\d[^\W\d_]|[^\W\d_A-Z][A-Z]")


def rare_words(
    query: ParsedQuery, have: Mapping[int, int], terms: Mapping[int, frozenset[int]]
) -> list[RareWord]:
    """Return the rare words of a query, each with its notes.

    have: how many notes have each term. terms: by pid, the terms of the query that a note has.
    """
    return [
        RareWord(frozenset(pid for pid, has in terms.items() if number in has), is_name)
        for word in (*query.words, *query.phrases)
        for number, is_name in _read(word, have)
        if 0 < have.get(number, 0) <= MAX_NOTES
    ]


def is_one_word(query: ParsedQuery, have: Mapping[int, int]) -> bool:
    """Tell whether a query is one word or one name, apart from its operators."""
    read = [_read(word, have) for word in (*query.words, *query.phrases)]
    return sum(map(len, read)) == 1


def _read(word: Word, have: Mapping[int, int]) -> list[tuple[int, bool]]:
    """Return the terms a typed word is, and whether each is a name.

    A name with a joint is one term if any note has it, else its parts.
    """
    found = list(tokens(word.text))
    parts = [token for token in found if not token.is_extra]
    wholes = [
        token
        for token in found
        if token.is_extra
        and have.get(term(token.lexeme))
        and not any(part.start <= token.start and token.end <= part.end for part in parts)
    ]
    apart = [
        part
        for part in parts
        if not any(whole.start <= part.start and part.end <= whole.end for whole in wholes)
    ]
    return [
        (term(token.lexeme), NAME.search(word.text[token.start : token.end]) is not None)
        for token in (*wholes, *apart)
    ]
