"""PostgreSQL's own ranking, to compare with: what most notebooks on PostgreSQL search by.

A stored tsvector with the title at weight A and a GIN index; the query as AND of its words
(websearch_to_tsquery), and as OR where that finds nothing. It knows nothing of readers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

BUILD = """
    CREATE UNLOGGED TABLE ts_rank_words AS
    SELECT note.pid, setweight(to_tsvector('english', note.title), 'A')
                     || to_tsvector('english', left(revision.body, 500000)) AS words
      FROM wiki_note AS note JOIN wiki_revision AS revision ON revision.id = note.head_id;
    CREATE INDEX ON ts_rank_words USING gin (words);
    ANALYZE ts_rank_words
"""
ALL_WORDS = "websearch_to_tsquery('english', %(text)s)"
ANY_WORD = "replace(plainto_tsquery('english', left(%(text)s, 1000))::text, ' & ', ' | ')::tsquery"
RANKING = """
    SELECT pid FROM ts_rank_words, (SELECT {asked} AS asked) AS query
     WHERE words @@ asked ORDER BY ts_rank(words, asked) DESC, pid LIMIT %(limit)s
"""


@contextmanager
def built() -> Iterator[None]:
    """Index all notes as they are now, for as long as they are asked about."""
    with connection.cursor() as cursor:
        cursor.execute(BUILD)
        try:
            yield
        finally:
            cursor.execute("DROP TABLE ts_rank_words")


def best(text: str, limit: int) -> list[int]:
    """Return the best notes for all words of the text, or for any where no note has all."""
    return _ranked(ALL_WORDS, text, limit) or any_word(text, limit)


def any_word(text: str, limit: int) -> list[int]:
    """Return the best notes for any word of the text."""
    return _ranked(ANY_WORD, text, limit)


def _ranked(asked: str, text: str, limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(RANKING.format(asked=asked), {"text": text, "limit": limit})
        return [pid for (pid,) in cursor.fetchall()]
