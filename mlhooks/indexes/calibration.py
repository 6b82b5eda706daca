"""How close is close: what an encoder says of texts that have nothing to do with each other.

A cosine means something else for every encoder and every notebook: the nearest of many
passages is nearer by chance than the nearest of few. So queries about everyday things, and
nonsense (everyday.py), are put to the notebook itself; a passage counts as close to a query if
it is closer than the nearest passage is to nearly all of these. For two notes, pairs of notes
drawn at random tell how close two passages of theirs usually are.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection

from mlhooks import gateway
from mlhooks.indexes.nearest import nearest
from mlhooks.indexes.off_topic_queries import EVERYDAY, gibberish
from mlhooks.indexes.related import TELLS
from mlhooks.indexes.store import vector_literal
from mlhooks.models import EncoderIndex

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Encoder

# Closer than the nearest passage is for so many of the everyday queries, and of the nonsense:
# a notebook may be about something everyday, but none is about nonsense.
QUANTILE, QUANTILE_OF_NONSENSE = 0.90, 0.97
NONSENSE, SEED = 160, 1
# So many notes are drawn, about so many pairs of them, and of a long note so many passages.
NOTES, PAIRS, OF_EACH = 500, 1_000, 40
GROWN = 1.5

# Notes in an order that has nothing to do with what they say, each with some that follow it; of
# each pair, how close the two passages are that are closest.
SAMPLE = f"""
    WITH drawn AS MATERIALIZED (
        SELECT note, row_number() OVER (ORDER BY hashint8(note)) AS number
          FROM (SELECT DISTINCT note FROM {{table}}) AS indexed ORDER BY number LIMIT {NOTES}
    ), numbered AS (
        SELECT drawn.number, vector,
               row_number() OVER (PARTITION BY drawn.note ORDER BY hashint8(passage.id)) AS place
          FROM drawn JOIN {{table}} AS kept USING (note)
          JOIN mlhooks_passage AS passage ON passage.id = kept.passage AND {TELLS}
    ), passages AS MATERIALIZED (
        SELECT number, vector FROM numbered WHERE place <= {OF_EACH}
    ), pairs AS MATERIALIZED (
        SELECT one.number AS one, other.number AS other FROM drawn AS one JOIN drawn AS other
            ON other.number - one.number BETWEEN 1 AND (SELECT {PAIRS} / count(*) FROM drawn)
    )
    SELECT max(1 - (one.vector <=> other.vector)) AS cosine
      FROM pairs JOIN passages AS one ON one.number = pairs.one
      JOIN passages AS other ON other.number = pairs.other
     GROUP BY pairs.one, pairs.other ORDER BY cosine
"""


def calibrate(index: EncoderIndex, encoder: "Encoder") -> None:
    """Learn from the passages that are there what is close, and remember it with the index."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), count(DISTINCT note) FROM {index.table}")
        passages, noted = cursor.fetchone()
    tops = sorted(_tops(index, encoder, EVERYDAY)) if passages else []
    # Nothing is found where the notes of all passages are just being read anew: next time.
    closeness: dict[str, Any] = {"passages": passages if tops else 0, "notes": noted}
    if tops:
        nonsense = sorted(_tops(index, encoder, gibberish(NONSENSE, SEED)))
        least = max(_quantile(tops, QUANTILE), _quantile(nonsense, QUANTILE_OF_NONSENSE))
        closeness |= {
            "least": round(least, 4),
            "everyday": [round(top, 4) for top in tops],
            "pairs": [round(cosine, 4) for cosine in _pairs(index)],
        }
    index.closeness = closeness
    EncoderIndex.objects.filter(pk=index.pk).update(closeness=closeness)


def is_due(index: EncoderIndex) -> bool:
    """Tell whether there are so many more, or fewer, passages than when it was calibrated."""
    passages = index.about_passages()
    known = index.closeness.get("passages", 0)
    return bool(passages > GROWN * known or passages * GROWN < known)


def _tops(index: EncoderIndex, encoder: "Encoder", texts: Iterable[str]) -> list[float]:
    """Return the cosine of the nearest passage for each of these queries."""
    found = []
    for text in texts:
        vector = vector_literal(encoder.encode_query(text).tolist())
        for near in nearest(index, vector, gateway.live(), 1, scope="all"):
            found.append(near.cosine)
    return found


def _pairs(index: EncoderIndex) -> list[float]:
    """Return 101 quantiles of how close the closest passages of two notes are."""
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE.format(table=index.table))
        ordered = [cosine for (cosine,) in cursor.fetchall()]
    return [_quantile(ordered, part / 100) for part in range(101)] if ordered else []


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
