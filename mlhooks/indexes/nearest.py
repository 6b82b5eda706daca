"""The notes whose passages are nearest to a vector, among those a reader may read.

Distances are cosine distances. Up to MAX_READ readable passages are all compared, exactly.
For more, pgvector's HNSW graph (Malkov and Yashunin 2016) is walked outward until enough
readable passages were met, so a filter never empties the result.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import QuerySet

from mlhooks.models import EncoderIndex

# Comparing so many, strewn among others, takes as long as a search may. A walk is faster where
# nearly all are readable, and misses some; where few are, it is slower as well.
MAX_READ = 80_000
# So many of the nearest passages are looked at for notes; on a walk, which misses some at its
# edge, so many are met.
NEAREST, MET = 400, 2_000
# As widely as pgvector walks.
EF_SEARCH, MAX_SCANNED = 1_000, 200_000
REMEMBERED_S = 60

SETTINGS = f"""
    SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
           set_config('hnsw.ef_search', '{EF_SEARCH}', true),
           set_config('hnsw.max_scan_tuples', %s, true),
           set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)
"""
# The graph is walked only for this very expression; adding 0 leaves no choice but to compare.
COMPARE, WALK = "(vector <=> %(vector)s::halfvec) + 0", "vector <=> %(vector)s::halfvec"
BEST = """
    WITH nearest AS MATERIALIZED (
        SELECT passage, note, {distance} AS distance FROM {table} AS kept
         {readable} ORDER BY {distance} LIMIT {nearest}
    ), best AS MATERIALIZED (
        SELECT note, passage, distance FROM (
            SELECT DISTINCT ON (note) note, passage, distance
              FROM nearest ORDER BY note, distance, passage
        ) AS noted ORDER BY distance, note LIMIT {limit}
    )
    SELECT best.note, best.distance, passage.id, passage.start, passage."end", passage.heading,
           indexed.revision, indexed.indexed_at
      FROM best JOIN mlhooks_passage AS passage ON passage.id = best.passage
      JOIN mlhooks_indexednote AS indexed ON indexed.note = best.note AND indexed.index_id = {index}
     ORDER BY best.distance, best.note
"""
SENTENCES = "SELECT passage, sentences FROM {table} WHERE passage = ANY(%s)"


@dataclass(frozen=True)
class Near:
    """A note, its nearest passage, and the cosine of that with what was looked for."""

    pid: int
    cosine: float
    passage: int
    start: int
    end: int
    heading: str
    revision: int
    indexed_at: datetime


def nearest(
    index: EncoderIndex,
    vector: str,
    readable: QuerySet[Any],
    limit: int,
    *,
    scope: str | None = None,
) -> list[Near]:
    """Return the `limit` nearest notes of a queryset, nearest first.

    vector: as pgvector reads it. scope: names the queryset where it is all that some reader may
    read; how many these are is then remembered for a while. Two queries, or three.
    """
    compares = not index.has_graph or count(index, readable, scope) <= MAX_READ
    parameters: dict[str, Any] = {"vector": vector}
    statement = BEST.format(
        table=index.table,
        index=index.pk,
        distance=COMPARE if compares else WALK,
        readable=in_set(readable, parameters) if compares else one_by_one(readable, parameters),
        nearest=NEAREST if compares else MET,
        limit=int(limit),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        if not compares:
            cursor.execute(SETTINGS, [str(MAX_SCANNED)])
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    return [Near(pid, 1 - distance, *rest) for pid, distance, *rest in rows]


def packed_sentences(index: EncoderIndex, passages: Sequence[int]) -> dict[int, bytes]:
    """Return the packed sentences of these passages. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SENTENCES.format(table=index.table), [list(passages)])
        return {passage: bytes(packed) for passage, packed in cursor.fetchall()}


def count(index: EncoderIndex, readable: QuerySet[Any], scope: str | None) -> int:
    """Return how many passages these notes have; MAX_READ + 1 stands for all that are more."""
    name = f"passages:{index.pk}:{scope}".replace(" ", "")
    if scope is not None and (remembered := cache.get(name)) is not None:
        return int(remembered)
    parameters: dict[str, Any] = {}
    within = in_set(readable, parameters)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {index.table} AS kept {within}"
            f" LIMIT {MAX_READ + 1}) AS counted",
            parameters,
        )
        counted = int(cursor.fetchone()[0])
    if scope is not None:
        cache.set(name, counted, REMEMBERED_S)
    return counted


def in_set(readable: QuerySet[Any], parameters: dict[str, Any]) -> str:
    """Return the condition that a row is of these notes; its values go into parameters."""
    return f"WHERE note IN ({_pids(readable, parameters)})"


def one_by_one(readable: QuerySet[Any], parameters: dict[str, Any]) -> str:
    """Return the same, asked of each row that a walk meets; a join would gather all notes first."""
    return (
        f"WHERE (SELECT true FROM ({_pids(readable, parameters)}) AS readable (pid)"
        " WHERE readable.pid = kept.note LIMIT 1)"
    )


def _pids(readable: QuerySet[Any], parameters: dict[str, Any]) -> str:
    return inlined(readable.order_by().values("pid"), parameters, "readable")


def inlined(chosen: QuerySet[Any, Any], parameters: dict[str, Any], name: str) -> str:
    """Return a queryset as a part of another query; its values go into parameters, by this name."""
    query, values = chosen.query.sql_with_params()
    names = [f"{name}_{i}" for i in range(len(values))]
    parameters |= dict(zip(names, values, strict=True))
    places = iter(names)
    return re.sub("%s", lambda _: f"%({next(places)})s", query)
