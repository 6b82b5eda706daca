"""BM25 over the postings a reader may know of (Robertson and Zaragoza 2009, §3.2).

Everything that is counted (how many notes, how long, how many have a word) is counted among
the notes of the reader's audiences only, so no score, no order and no number tells anything
of what others keep private.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from wiki.models.note_queryset import NoteQuerySet, Scope
from wiki.search.query import ParsedQuery

K1, B = 1.2, 0.75
# A word in more than a tenth of the notes tells little beside two rarer ones, and reading
# its postings takes most of the time. In a small notebook it takes none: all words count.
COMMON_PART, ALWAYS_READ, RARER = 10, 2_000, 2
MOST_TERMS = 64
# Scores are summed as whole millionths: the order of summing never shows in them.
UNIT = 1_000_000

COUNTS = """
    WITH readable AS MATERIALIZED (
        SELECT count(*) AS notes, coalesce(sum(length), 0)::bigint AS length
          FROM wiki_notewords {of_readers}
    )
    SELECT 0, notes, length FROM readable
    UNION ALL
    SELECT asked.term, (SELECT count(*) FROM (
               SELECT FROM wiki_posting WHERE term = asked.term {and_of_readers}
                LIMIT (SELECT greatest(notes / %(part)s, %(always)s) + 1 FROM readable)
           ) AS counted), 0
      FROM unnest(%(terms)s::bigint[]) AS asked(term)
"""
RANKING = """
    SELECT note_id, sum((
               (%(weights)s::float8[])[array_position(%(terms)s::bigint[], term)]
               * tf / (tf + %(floor)s + %(slope)s * length)
           )::int4) AS score, count(*) OVER ()
      FROM wiki_posting
     WHERE term = ANY(%(terms)s::bigint[]) {and_of_readers} {and_narrowed}
     GROUP BY note_id ORDER BY score DESC, note_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Hit:
    """A note that was found; score only means something beside the others of its query."""

    pid: int
    score: float


@dataclass(frozen=True)
class Ranking:
    """The best hits, best first, and how many notes there are in all.

    have: how many notes a reader may read have each term, narrowed or not; of a common term
    only that it is common. passed_over: terms that are too common beside the others. notes:
    how many notes there are.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    have: Mapping[int, int] = field(default_factory=dict)
    passed_over: frozenset[int] = frozenset()
    notes: int = 0


def rank(query: ParsedQuery, readable: NoteQuerySet, limit: int) -> Ranking:
    """Return the `limit` best notes of `readable` for the words of the query.

    readable: made by visible_to, narrowed or not. Two queries. Equal scores: older first.
    """
    assert readable.scope is not None, "a search starts at visible_to"
    asked = dict(list(query.terms.items())[:MOST_TERMS])
    if not asked:
        return Ranking()
    notes, length, have = _counted(list(asked), readable.scope)
    kept = _telling(have, notes)
    if not kept:
        return Ranking(have=have, notes=notes)
    weights = [asked[term] * _idf(have[term], notes) * (K1 + 1) * UNIT for term in kept]
    parameters: dict[str, Any] = {
        "terms": kept,
        "weights": weights,
        "floor": K1 * (1 - B),
        "slope": K1 * B * notes / max(1, length),
        "limit": limit,
    }
    statement = RANKING.format(
        and_of_readers=_and_of_readers(readable.scope, parameters),
        and_narrowed=_and_narrowed(readable, parameters),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    hits = tuple(Hit(pid, float(score) / UNIT) for pid, score, _ in rows)
    passed_over = frozenset(term for term in have if have[term]) - set(kept)
    return Ranking(hits, rows[0][2] if rows else 0, have, passed_over, notes)


def _counted(terms: list[int], scope: Scope) -> tuple[int, int, dict[int, int]]:
    """Return how many notes there are, their length in all, and how many have each term.

    Of a common term only that it is common: reading on would take time.
    """
    parameters: dict[str, Any] = {"terms": terms, "part": COMMON_PART, "always": ALWAYS_READ}
    and_of_readers = _and_of_readers(scope, parameters)
    statement = COUNTS.format(
        and_of_readers=and_of_readers, of_readers=and_of_readers.replace("AND", "WHERE")
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (_, notes, length), *rows = cursor.fetchall()
    return notes, length, {term: have for term, have, _ in rows}


def _telling(have: Mapping[int, int], notes: int) -> list[int]:
    """Leave out common terms beside enough rarer ones; terms that no note has say nothing."""
    most = max(notes // COMMON_PART, ALWAYS_READ)
    rare = [term for term, count in have.items() if 0 < count <= most]
    return rare if len(rare) >= RARER else [term for term, count in have.items() if count]


def _idf(have: int, notes: int) -> float:
    return math.log(1 + (notes - have + 0.5) / (have + 0.5))


def _and_of_readers(scope: Scope, parameters: dict[str, Any]) -> str:
    if scope.audiences is None:
        return ""
    parameters["audiences"] = list(scope.audiences)
    return "AND audience = ANY(%(audiences)s)"


def _and_narrowed(readable: NoteQuerySet, parameters: dict[str, Any]) -> str:
    """Keep the notes of the queryset, where these are not all that the reader may read."""
    if not readable.is_narrowed:
        return ""
    query, values = readable.order_by().values("pid").query.sql_with_params()
    names = [f"narrowed_{i}" for i in range(len(values))]
    parameters |= dict(zip(names, values, strict=True))
    places = iter(names)
    return f"AND note_id IN ({re.sub('%s', lambda _: f'%({next(places)})s', query)})"
