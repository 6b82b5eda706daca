"""Prefix matches: the lexemes that an unfinished word may become, as `atten` attention."""

from collections.abc import Iterator

from django.conf import settings

from wiki.analysis.terms import PART, folded, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.vocabulary import counted, lexemes_with_prefix

# A prefix match weighs half as much as the word itself.
WEIGHT = 0.5
MAX_LEXEMES = 6
# A match that is so many times rarer than the most frequent one is left out.
MAX_FREQUENCY_RATIO = 5
# A stem is shorter than its word: `attentio` is not the beginning of `attent`, but with one
# letter more it is attention.
ENGLISH = """
able ably ally ality ance ances ation ations ed ence ences er ers est ful fulness ial ible
ically ied ies ing ings ion ions ional ionally ism ist ists ities ity ive ively iveness ization
izations ize ized izes izing less ly ment ments ness ous ously
"""
ENDINGS = {"english": ENGLISH.split()}


def expand_prefix(word: str, readable: NoteQuerySet) -> dict[str, float]:
    """Return the lexemes that an unfinished word may become, with their weights.

    readable: made by visible_to. Two queries, three for a compound name.
    """
    scope = readable.scope
    assert scope is not None, "a search starts at visible_to"
    part = PART.findall(word)[-1:]
    if not part:
        return {}
    matches = lexemes_with_prefix(folded(word), scope, MAX_LEXEMES) if part[0] != word else {}
    matches = matches or lexemes_with_prefix(folded(part[0]), scope, MAX_LEXEMES)
    matches = matches or counted(set(_continued(part[0])), scope)
    greatest = max(matches.values(), default=0)
    return {
        lexeme: WEIGHT
        for lexeme, count in matches.items()
        if count * MAX_FREQUENCY_RATIO >= greatest
    }


def _continued(word: str) -> Iterator[str]:
    """Yield the lexemes of a word that goes on with an ending it has begun.

    >>> sorted(set(_continued("attentio")))
    ['attent', 'attenti']
    """
    for ending in ENDINGS.get(settings.WIKI_LANGUAGE, ()):
        for i in range(1, len(ending)):
            if word.endswith(ending[:i]):
                yield from (token.lexeme for token in tokens(word + ending[i:]))
