"""BM25 over the postings a reader may see (Robertson and Zaragoza 2009, §3.2).

All counts (how many notes, how long, how many have a term) are of the notes of the reader's
audiences only, so no score, no order and no number reveals what others keep private.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from django.core.cache import cache
from django.db import connection

from wiki.extensions import Hit
from wiki.models.note_queryset import NoteQuerySet, Scope
from wiki.search.query import ParsedQuery

K1, B = 1.2, 0.75
MAX_TERMS = 96
# The rarest terms select the candidates, as many terms as have this many postings together; the
# others, which weigh little beside them, count for the best candidates only. In a notebook of
# some thousand notes every term selects.
MAX_POSTINGS, CANDIDATES = 20_000, 500
# Greater counts take longer than a millisecond, so they are cached.
MIN_CACHED, CACHED_S = 5_000, 60
# Scores are summed as whole millionths: the order of summing never shows in them.
UNIT = 1_000_000

COUNTS = """
    SELECT term, (SELECT count(*) FROM wiki_posting WHERE term = asked.term AND {readers}), 0
      FROM unnest(%(terms)s::bigint[]) AS asked(term)
     UNION ALL
    SELECT NULL, count(*), coalesce(sum(length), 0)
      FROM wiki_notewords WHERE %(with_size)s AND {readers}
"""
# OFFSET 0: for each word a range of the index is read, whatever the planner believes.
GAIN = "(weight * tf / (tf + %(floor)s::float8 + %(slope)s::float8 * length))::int4"
RANKING = f"""
    WITH candidate AS MATERIALIZED (
        SELECT note_id, sum({GAIN}) AS score, count(*) OVER () AS total
          FROM unnest(%(terms)s::bigint[], %(weights)s::float8[]) AS asked(term, weight)
         CROSS JOIN LATERAL (
             SELECT note_id, tf, length FROM wiki_posting
              WHERE term = asked.term AND {{readers}} {{narrowed}} OFFSET 0
         ) AS posting
         GROUP BY note_id ORDER BY score DESC, note_id LIMIT %(candidates)s
    )
    SELECT note_id, score + coalesce((
               SELECT sum({GAIN})
                 FROM unnest(%(others)s::bigint[], %(other_weights)s::float8[])
                      AS asked(term, weight)
                CROSS JOIN LATERAL (
                    SELECT tf, length FROM wiki_posting
                     WHERE note_id = candidate.note_id AND term = asked.term OFFSET 0
                ) AS posting
           ), 0) AS score, total
      FROM candidate ORDER BY score DESC, note_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Ranking:
    """The best hits, best first, and how many notes there are in all.

    note_counts: how many notes that the reader may read have each term, narrowed or not.
    common: terms that many notes have; these count for the best notes only, and not in total.
    notes: how many notes there are. weights: the IDF weight of each term of the query, also of
    one that no note has.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    note_counts: Mapping[int, int] = field(default_factory=dict)
    common: frozenset[int] = frozenset()
    notes: int = 0
    weights: Mapping[int, float] = field(default_factory=dict)


def rank(query: ParsedQuery, readable: NoteQuerySet, limit: int) -> Ranking:
    """Return the `limit` best notes of `readable` for the words of the query.

    readable: made by visible_to, narrowed or not. Three queries at most. Equal scores: older
    first. total counts the notes with a term that selects candidates.
    """
    assert readable.scope is not None, "a search starts at visible_to"
    asked = dict(list(query.terms.items())[:MAX_TERMS])
    if not asked:
        return Ranking()
    notes, length, note_counts = _counted(list(asked), readable.scope)
    selecting = _selecting(note_counts)
    idf = {term: asked[term] * _idf(count, notes) for term, count in note_counts.items()}
    if not selecting:
        return Ranking(note_counts=note_counts, notes=notes, weights=idf)
    weights = {term: idf[term] * (K1 + 1) * UNIT for term in note_counts}
    others = [term for term, count in note_counts.items() if count and term not in selecting]
    parameters: dict[str, Any] = {
        "terms": selecting,
        "weights": [weights[term] for term in selecting],
        "others": others,
        "other_weights": [weights[term] for term in others],
        "floor": K1 * (1 - B),
        "slope": K1 * B * notes / max(1, length),
        "candidates": max(limit, CANDIDATES),
        "limit": limit,
        "audiences": list(readable.scope.audiences or ()),
    }
    narrowed = _narrowed(readable, parameters)
    rows = _rows(RANKING.format(readers=_readers(readable.scope), narrowed=narrowed), parameters)
    hits = tuple(Hit(pid, float(score) / UNIT) for pid, score, _ in rows)
    total = rows[0][2] if rows else 0
    return Ranking(hits, total, note_counts, frozenset(others), notes, idf)


def _selecting(note_counts: Mapping[int, int]) -> list[int]:
    """Return the rarest terms with at most MAX_POSTINGS postings together, but at least one."""
    selected: list[int] = []
    postings = 0
    for term, count in sorted(note_counts.items(), key=itemgetter(1)):
        if not count:
            continue
        postings += count
        if selected and postings > MAX_POSTINGS:
            break
        selected.append(term)
    return selected


def _counted(terms: list[int], scope: Scope) -> tuple[int, int, dict[int, int]]:
    """Return how many notes there are, their length in all, and how many have each term.

    One query; none if all of it is cached.
    """
    names = {term: _cache_key(scope, str(term)) for term in terms}
    size_name = _cache_key(scope, "size")
    cached = cache.get_many([*names.values(), size_name])
    size: tuple[int, int] | None = cached.get(size_name)
    counts = {term: cached[name] for term, name in names.items() if name in cached}
    asked = [term for term in terms if term not in counts]
    if asked or size is None:
        parameters = {
            "terms": asked,
            "with_size": size is None,
            "audiences": list(scope.audiences or ()),
        }
        *counted, (_, notes, length) = _rows(COUNTS.format(readers=_readers(scope)), parameters)
        counts |= {term: count for term, count, _ in counted}
        size = size or (notes, int(length))
        new = {names[term]: counts[term] for term in asked} | {size_name: size}
        slow = {name: value for name, value in new.items() if _is_slow(value)}
        cache.set_many(slow, CACHED_S)
    return *size, {term: counts[term] for term in terms}


def _is_slow(value: int | tuple[int, int]) -> bool:
    return (value if isinstance(value, int) else value[0]) >= MIN_CACHED


def _cache_key(scope: Scope, what: str) -> str:
    """Return the cache key of a count; without a space, which some caches refuse."""
    readers = "all" if scope.audiences is None else ",".join(map(str, scope.audiences))
    return f"bm25:{readers}:{what}"


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _idf(count: int, notes: int) -> float:
    # Cached counts of a large notebook may be a minute old, so count may exceed notes.
    return math.log(1 + max(0, notes - count + 0.5) / (count + 0.5))


def _readers(scope: Scope) -> str:
    return "true" if scope.audiences is None else "audience = ANY(%(audiences)s)"


def _narrowed(readable: NoteQuerySet, parameters: dict[str, Any]) -> str:
    """Keep the notes of the queryset, where these are not all that the reader may read."""
    if not readable.is_narrowed:
        return ""
    query, values = readable.order_by().values("pid").query.sql_with_params()
    names = [f"narrowed_{i}" for i in range(len(values))]
    parameters |= dict(zip(names, values, strict=True))
    places = iter(names)
    return f"AND note_id IN ({re.sub('%s', lambda _: f'%({next(places)})s', query)})"
