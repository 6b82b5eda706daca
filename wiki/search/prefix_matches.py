"""What a word may become that somebody is still typing: `atten` is on its way to attention."""

from collections.abc import Iterator

from django.conf import settings

from wiki.analysis.terms import PART, folded, tokens
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.vocabulary import beginning_with, counted

# Half a word tells half as much.
WEIGHT = 0.5
MAX_LEXEMES = 6
# Rarer than this beside the most frequent one, a word is hardly the one that is meant.
RARE_PART = 5
# A stem is shorter than its word: `attentio` is not the beginning of `attent`, but with one
# letter more it is attention.
ENGLISH = """
able ably ally ality ance ances ation ations ed ence ences er ers est ful fulness ial ible
ically ied ies ing ings ion ions ional ionally ism ist ists ities ity ive ively iveness ization
izations ize ized izes izing less ly ment ments ness ous ously
"""
ENDINGS = {"english": ENGLISH.split()}


def begun(word: str, readable: NoteQuerySet) -> dict[str, float]:
    """Return lexemes that an unfinished word may become, with their weight.

    readable: made by visible_to. Two queries, three for a name with a joint.
    """
    scope = readable.scope
    assert scope is not None, "a search starts at visible_to"
    part = PART.findall(word)[-1:]
    if not part:
        return {}
    found = beginning_with(folded(word), scope, MAX_LEXEMES) if part[0] != word else {}
    found = found or beginning_with(folded(part[0]), scope, MAX_LEXEMES)
    found = found or counted(set(_continued(part[0])), scope)
    most = max(found.values(), default=0)
    return {lexeme: WEIGHT for lexeme, have in found.items() if have * RARE_PART >= most}


def _continued(word: str) -> Iterator[str]:
    """Yield the lexemes of a word that goes on with an ending it has begun.

    >>> sorted(set(_continued("attentio")))
    ['attent', 'attenti']
    """
    for ending in ENDINGS.get(settings.WIKI_LANGUAGE, ()):
        for i in range(1, len(ending)):
            if word.endswith(ending[:i]):
                yield from (token.lexeme for token in tokens(word + ending[i:]))
