"""Which terms of a query are rare: few notes have them, so they outrank similarity. Pure."""

import re
from collections.abc import Mapping

from wiki.analysis.terms import term, tokens
from wiki.search.fusion import RareTerm
from wiki.search.query import ParsedQuery, Word

# A rare term is in so many notes at most, of those a reader may read.
MAX_NOTES = 3
# A name has a sign or a digit among its letters, or a capital after a small one. A hyphen or a
# slash may stand between words as well.
NAME = re.compile(r"[\\_.+@^#]|^--?\w|[^\W\d_]\d|\d[^\W\d_]|[^\W\d_A-Z][A-Z]")


def find_rare_terms(
    query: ParsedQuery, note_counts: Mapping[int, int], terms: Mapping[int, frozenset[int]]
) -> list[RareTerm]:
    """Return the rare terms of a query, each with its notes.

    note_counts: how many notes have each term. terms: by pid, the terms of the query in a note.
    """
    return [
        RareTerm(frozenset(pid for pid, has in terms.items() if number in has), is_name)
        for word in (*query.words, *query.phrases)
        for number, is_name in _terms_of(word, note_counts)
        if 0 < note_counts.get(number, 0) <= MAX_NOTES
    ]


def is_single_term(query: ParsedQuery, note_counts: Mapping[int, int]) -> bool:
    """Tell whether a query is one word or one name, apart from its operators."""
    terms = [_terms_of(word, note_counts) for word in (*query.words, *query.phrases)]
    return sum(map(len, terms)) == 1


def _terms_of(word: Word, note_counts: Mapping[int, int]) -> list[tuple[int, bool]]:
    """Return the terms of a typed word, and whether each is a name.

    A compound name is one term if any note has it, else its parts.
    """
    found = list(tokens(word.text))
    parts = [token for token in found if not token.is_extra]
    wholes = [
        token
        for token in found
        if token.is_extra
        and note_counts.get(term(token.lexeme))
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
