"""The vocabulary of the notes a reader may read, without the words of others' private notes.

There is no table of words, which would have to be counted per reader. Words are looked up in
the index of the notes, for the reader's audiences.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.db import connection

from wiki.analysis.terms import MAX_LEXEME_LENGTH, folded, quoted, term, tokens
from wiki.markup import as_read
from wiki.models.note_queryset import NoteQuerySet, Scope

# Counting stops here: nobody needs to know how many more notes have a word.
MAX_COUNTED = 1_000
# Prefix matches are taken from so many notes, the newest that have one.
MAX_PREFIX_NOTES = 200
MAX_TEXTS, MAX_OF_A_TEXT = 20, 20_000

OF_READERS = "(%(audiences)s::bigint[] IS NULL OR audience = ANY(%(audiences)s::bigint[]))"
COUNTS = f"""
    SELECT asked.term, (SELECT count(*) FROM (
               SELECT FROM wiki_posting WHERE term = asked.term AND {OF_READERS} LIMIT %(max_notes)s
           ) AS counted)
      FROM unnest(%(terms)s::bigint[]) AS asked(term)
"""
PREFIX_MATCHES = f"""
    WITH texts AS MATERIALIZED (
        SELECT words FROM wiki_notewords WHERE words @@ %(asked)s::tsquery AND {OF_READERS}
         ORDER BY note_id DESC LIMIT %(max_notes)s
    )
    SELECT lexeme, count(*) FROM texts, unnest(tsvector_to_array(words)) AS lexeme
     WHERE starts_with(lexeme, %(prefix)s) GROUP BY lexeme
     ORDER BY count(*) DESC, lexeme LIMIT %(limit)s
"""


def counted(lexemes: Collection[str], scope: Scope) -> dict[str, int]:
    """Return how many notes have each of these lexemes, without those that none has.

    One query; it counts no further than MAX_COUNTED.
    """
    by_term = {term(lexeme): lexeme for lexeme in lexemes}
    rows = _rows(COUNTS, scope, terms=list(by_term), max_notes=MAX_COUNTED)
    return {by_term[number]: count for number, count in rows if count}


def lexemes_with_prefix(prefix: str, scope: Scope, limit: int) -> dict[str, int]:
    """Return lexemes with this prefix, most frequent first, and how many notes have each.

    One query, over the newest MAX_PREFIX_NOTES notes that have such a word.
    """
    prefix = prefix[:MAX_LEXEME_LENGTH]
    asked = f"{quoted(prefix)}:*"
    return dict(
        _rows(
            PREFIX_MATCHES,
            scope,
            asked=asked,
            prefix=prefix,
            max_notes=MAX_PREFIX_NOTES,
            limit=limit,
        )
    )


def spellings(lexeme: str, readable: NoteQuerySet) -> Counter[str]:
    """Return the spellings of a lexeme in some of these notes, and how often each is used.

    One query, for the first MAX_OF_A_TEXT characters of MAX_TEXTS texts.
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


def _rows(
    statement: str, scope: Scope, **parameters: list[int] | str | int
) -> list[tuple[Any, int]]:
    audiences = None if scope.audiences is None else list(scope.audiences)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "audiences": audiences})
        return list(cursor.fetchall())
