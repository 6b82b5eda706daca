"""Notes related to one, each with the two passages that say why.

The passages nearest to the mean of a note's vectors are candidates. Of each note among them
the one that is closest to any passage of this note counts, and the pair must be closer than
two notes of this notebook usually are.
"""

import re
import struct
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from mlhooks import gateway
from mlhooks.embeddings.sentence_attribution import most_telling
from mlhooks.gateway import Note
from mlhooks.indexes import nearest
from mlhooks.models import EncoderIndex
from wiki.reader import Reader
from wiki.search.plain_text import FORMULA_OR_CODE, SEPARATOR, plain

SHOWN = 5
# Of a longer note the passages nearest to its mean are compared.
MAX_COMPARED = 32
# Beside a note nobody waits as for a search: so many of all readable passages are compared; of
# more, so many are met on a walk.
MAX_READ = MAX_SCANNED = 20_000
EXCERPT, SHORT = 160, 60
# What a formula on a line of its own says is seen where it stands.
DISPLAYED = re.compile(r"\$\$[^$]{1,500}\$\$|\\\[.{1,500}?\\\]", re.DOTALL)
WITHIN_QUOTES = str.maketrans("“”", "‘’")
EDGES = f" {SEPARATOR}"
# About so many notes pass by chance: of a large notebook one in a hundred, of a small one more.
BY_CHANCE, MIN_OF_100, MAX_OF_100 = 2, 90, 99
# In a smaller notebook nobody can tell what is usual.
MIN_NOTES = 10

RELATED = """
    WITH mine AS MATERIALIZED (
        SELECT passage.id, passage.start, passage."end", vector
          FROM {table} AS kept
          JOIN mlhooks_passage AS passage ON passage.id = kept.passage AND {tells}
          JOIN mlhooks_indexednote AS indexed
            ON indexed.note = kept.note AND indexed.index_id = {index}
         WHERE kept.note = %(note)s AND indexed.revision = %(revision)s
    ), middle AS MATERIALIZED (
        SELECT avg(vector) AS vector FROM mine
    ), near AS MATERIALIZED (
        SELECT passage, note FROM {table} AS kept
         {readable} AND note <> %(note)s AND (SELECT vector FROM middle) IS NOT NULL
         ORDER BY {distance} LIMIT {nearest}
    ), ours AS MATERIALIZED (
        SELECT * FROM mine ORDER BY vector <=> (SELECT vector FROM middle) LIMIT {compared}
    ), theirs AS MATERIALIZED (
        SELECT near.note, passage.id, passage.start, passage."end", vector
          FROM near JOIN mlhooks_passage AS passage ON passage.id = near.passage AND {tells}
          JOIN {table} AS kept ON kept.passage = near.passage
    ), pairs AS MATERIALIZED (
        SELECT DISTINCT ON (theirs.note) theirs.note, ours.vector <=> theirs.vector AS distance,
               ours.id AS our_id, ours.start AS our_start, ours."end" AS our_end,
               theirs.id AS their_id, theirs.start AS their_start, theirs."end" AS their_end
          FROM theirs CROSS JOIN ours ORDER BY theirs.note, distance, ours.id, theirs.id
    ), best AS MATERIALIZED (
        SELECT pairs.*, shown.title, shown.body, shown.links_here
          FROM pairs
          JOIN ({shown}) AS shown (pid, title, revision, body, links_here)
            ON shown.pid = pairs.note
          JOIN mlhooks_indexednote AS indexed
            ON indexed.note = pairs.note AND indexed.index_id = {index}
           AND indexed.revision = shown.revision
         WHERE pairs.distance <= %(most)s
         ORDER BY pairs.distance, pairs.note LIMIT {limit}
    )
    SELECT best.note, title, links_here, 1 - distance, our_start, our_end,
           our.sentences, halfvec_send(our.vector),
           substr(body, their_start + 1, their_end - their_start),
           their.sentences, halfvec_send(their.vector)
      FROM best
      JOIN {table} AS our ON our.passage = our_id
      JOIN {table} AS their ON their.passage = their_id
     ORDER BY distance, best.note
"""
# Code looks alike whatever it is for, and a few words are near to what their title is near to.
TELLS = """(NOT is_code AND (passage."end" - passage.start >= 60 OR passage."end" = 0))"""
MIDDLE = "(SELECT vector FROM middle)"


@dataclass(frozen=True)
class Related:
    """A note, and what it and the note at hand say: theirs and ours may be "" (a title alone)."""

    pid: int
    title: str
    links_here: bool
    theirs: str
    ours: str

    @property
    def quoted(self) -> str:
        """Return what the note at hand says, to stand within quotation marks."""
        return self.ours.translate(WITHIN_QUOTES)


@dataclass(frozen=True)
class Usual:
    """How close pairs of notes are in a notebook: of 100 pairs so many are not closer."""

    of_100: int
    cosine: float


def usual(index: EncoderIndex) -> Usual | None:
    """Return what two notes must exceed to be called related; None while nobody can tell."""
    pairs, count = index.closeness.get("pairs"), index.closeness.get("notes", 0)
    if not pairs or count < MIN_NOTES:
        return None
    of_100 = round(100 * (1 - BY_CHANCE / count))
    of_100 = min(max(of_100, MIN_OF_100), MAX_OF_100)
    return Usual(of_100, pairs[of_100])


def related(index: EncoderIndex, note: Note, reader: Reader) -> list[Related]:
    """Return the notes most closely related to a note among those that reader may read.

    note: one with its head. Those it links to are left out: the text itself leads there. So are
    notes that were saved since they were read, because places in their text hold for what was
    read; and if that is so of this note, there are none. One query; where the index has a graph,
    another for its settings.
    """
    threshold = usual(index)
    if threshold is None:
        return []
    rows = _rows(index, note, reader, 1 - threshold.cosine)
    body = gateway.shown_text(note) if rows else ""
    return [_explained(body, *row) for row in rows]


def _rows(index: EncoderIndex, note: Note, reader: Reader, most: float) -> Sequence[Sequence[Any]]:
    readable = gateway.readable(reader)
    count = nearest.count(index, readable, str(readable.scope)) if index.has_graph else 0
    compares = count <= MAX_READ
    values: dict[str, Any] = {"note": note.pid, "revision": note.head_revision.number, "most": most}
    within = nearest.in_set if compares else nearest.one_by_one
    distance = nearest.COMPARE if compares else nearest.WALK
    statement = RELATED.format(
        table=index.table,
        index=index.pk,
        tells=TELLS,
        readable=within(readable, values),
        shown=nearest.inlined(gateway.beside(note, reader), values, "shown"),
        distance=distance.replace("%(vector)s::halfvec", MIDDLE),
        nearest=nearest.NEAREST,
        compared=MAX_COMPARED,
        limit=SHOWN,
    )
    with nullcontext() if compares else transaction.atomic(), connection.cursor() as cursor:
        if not compares:
            cursor.execute(nearest.SETTINGS, [str(MAX_SCANNED)])
        cursor.execute(statement, values)
        found: Sequence[Sequence[Any]] = cursor.fetchall()
    return found


def _explained(
    body: str,
    pid: int,
    title: str,
    links_here: bool,
    cosine: float,
    start: int,
    end: int,
    our_sentences: bytes,
    our_vector: bytes,
    theirs: str,
    their_sentences: bytes,
    their_vector: bytes,
) -> Related:
    return Related(
        pid,
        title,
        links_here,
        excerpt(theirs, most_telling(their_sentences, _floats(our_vector), cosine)),
        excerpt(body[start:end], most_telling(our_sentences, _floats(their_vector), cosine)),
    )


def excerpt(passage: str, place: tuple[int, int] | None) -> str:
    """Return a sentence of a passage as running words, or what stands around it.

    place: start and end of the sentence; None: the first one counts. A short one is shown with
    what follows it; one that is a formula or a row of a table gives way to the rest.

    >>> excerpt("One. **Two** is longer than a line may be, so that it stands by itself.", (5, 67))
    'Two is longer than a line may be, so that it stands by itself.'
    >>> excerpt("One. Two.", (5, 9))
    'One. Two.'
    """
    start, end = place or (0, 0)
    parts = (passage[start:end], passage[start:], passage)
    words = [plain(DISPLAYED.sub("", part)).strip(EDGES) for part in parts]
    said = next(filter(_is_prose, words), words[-1])
    if len(said) <= EXCERPT:
        return said
    return said[:EXCERPT].rsplit(" ", 1)[0].rstrip(" .,;:·") + "…"


def _is_prose(words: str) -> bool:
    return any(len(part) >= SHORT for part in FORMULA_OR_CODE.sub("", words).split(SEPARATOR))


def _floats(sent: bytes) -> tuple[float, ...]:
    """Return the numbers of a halfvec as PostgreSQL sends it."""
    sent = bytes(sent)
    (count,) = struct.unpack_from(">H", sent)
    return struct.unpack_from(f">{count}e", sent, 4)
