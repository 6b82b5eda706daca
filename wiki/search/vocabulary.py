"""Which words there are in the notes of a reader; others' private words are not.

There is no list of words: one would have to be counted for every reader. What is asked here
is looked up in the index of the notes, for the reader's audiences.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.db import connection

from wiki.analysis.terms import MAX_LEXEME_LENGTH, folded, quoted, term, tokens
from wiki.markup import as_read
from wiki.models.note_queryset import NoteQuerySet, Scope

# Nobody needs to know of how many more notes have a word.
MAX_COUNTED = 1_000
# Words that begin in some way are taken from the newest notes that have one.
MAX_LOOKED_INTO = 200
MAX_TEXTS, MAX_OF_A_TEXT = 20, 20_000

OF_READERS = "(%(audiences)s::bigint[] IS NULL OR audience = ANY(%(audiences)s::bigint[]))"
COUNTS = f"""
    SELECT asked.term, (SELECT count(*) FROM (
               SELECT FROM wiki_posting WHERE term = asked.term AND {OF_READERS} LIMIT %(most)s
           ) AS counted)
      FROM unnest(%(terms)s::bigint[]) AS asked(term)
"""
BEGINNINGS = f"""
    WITH texts AS MATERIALIZED (
        SELECT words FROM wiki_notewords WHERE words @@ %(asked)s::tsquery AND {OF_READERS}
         ORDER BY note_id DESC LIMIT %(most)s
    )
    SELECT lexeme, count(*) FROM texts, unnest(tsvector_to_array(words)) AS lexeme
     WHERE starts_with(lexeme, %(beginning)s) GROUP BY lexeme
     ORDER BY count(*) DESC, lexeme LIMIT %(limit)s
"""


def counted(lexemes: Collection[str], scope: Scope) -> dict[str, int]:
    """Return how many notes have each of these lexemes, without those that none has.

    One query; it counts no further than MAX_COUNTED.
    """
    by_term = {term(lexeme): lexeme for lexeme in lexemes}
    rows = _asked(COUNTS, scope, terms=list(by_term), most=MAX_COUNTED)
    return {by_term[number]: have for number, have in rows if have}


def beginning_with(beginning: str, scope: Scope, limit: int) -> dict[str, int]:
    """Return lexemes that begin so, the most frequent first, and in how many notes they are.

    One query, in the newest MAX_LOOKED_INTO notes that have such a word.
    """
    beginning = beginning[:MAX_LEXEME_LENGTH]
    asked = f"{quoted(beginning)}:*"
    return dict(
        _asked(
            BEGINNINGS,
            scope,
            asked=asked,
            beginning=beginning,
            most=MAX_LOOKED_INTO,
            limit=limit,
        )
    )


def spellings(lexeme: str, readable: NoteQuerySet) -> Counter[str]:
    """Return how a lexeme is written in some of these notes, and how often.

    One query, for the beginnings of MAX_TEXTS texts.
    """
    having = readable.filter(postings__term=term(lexeme)).order_by("pid")
    texts = having.values_list("title", "head__body")[:MAX_TEXTS]
    found: Counter[str] = Counter()
    for title, body in texts:
        text = f"{title}\n{as_read(body or '')}"[:MAX_OF_A_TEXT]
        if lexeme[:2] in folded(text):
            found.update(
                text[token.start : token.end] for token in tokens(text) if token.lexeme == lexeme
            )
    return found


def _asked(statement: str, scope: Scope, **parameters: Any) -> list[tuple[Any, int]]:
    parameters["audiences"] = None if scope.audiences is None else list(scope.audiences)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
