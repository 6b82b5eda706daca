"""How close is close: what an encoder says of texts that have nothing to do with each other.

A cosine means something else for every encoder and every notebook: the nearest of many
passages is nearer by chance than the nearest of few. So queries about everyday things
(everyday.py) are put to the notebook itself; a passage counts as close to a query if it is
closer than the nearest passage is to nearly all of these. For two notes, the cosines of
passages of different notes drawn at random tell what is usual.
"""

from typing import TYPE_CHECKING, Any

from django.db import connection

from mlhooks import notes
from mlhooks.embeddings.everyday import EVERYDAY
from mlhooks.embeddings.indexing import literal
from mlhooks.embeddings.nearest import nearest
from mlhooks.models import EncoderIndex

if TYPE_CHECKING:
    from mlhooks.embeddings.infer import Encoder

# Closer than the nearest passage is for so many of the everyday queries.
QUANTILE = 0.90
PAIRS = 2_000
GROWN = 1.5

# Passages in an order that has nothing to do with what they say.
SAMPLE = """
    WITH sample AS MATERIALIZED (
        SELECT note, vector, row_number() OVER (ORDER BY hashint8(passage)) AS number
          FROM {table} ORDER BY number LIMIT {rows}
    )
    SELECT 1 - (one.vector <=> other.vector) AS cosine
      FROM sample AS one JOIN sample AS other ON other.number = one.number + 1
     WHERE one.note <> other.note ORDER BY cosine
"""


def calibrate(index: EncoderIndex, encoder: "Encoder") -> None:
    """Learn from the passages that are there what is close, and remember it with the index."""
    passages = index.about_passages()
    tops = sorted(_tops(index, encoder)) if passages else []
    # Nothing is found where the notes of all passages are just being read anew: next time.
    closeness: dict[str, Any] = {"passages": passages if tops else 0}
    if tops:
        closeness |= {
            "least": round(_quantile(tops, QUANTILE), 4),
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


def _tops(index: EncoderIndex, encoder: "Encoder") -> list[float]:
    """Return the cosine of the nearest passage for each everyday query."""
    found = []
    for text in EVERYDAY:
        vector = literal(encoder.encode_query(text).tolist())
        for near in nearest(index, vector, notes.live(), 1, scope="all"):
            found.append(near.cosine)
    return found


def _pairs(index: EncoderIndex) -> list[float]:
    """Return 101 quantiles of the cosines of passages of different notes."""
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE.format(table=index.table, rows=PAIRS))
        ordered = [cosine for (cosine,) in cursor.fetchall()]
    return [_quantile(ordered, part / 100) for part in range(101)] if ordered else []


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
