"""An index for many notes: the first are read by the encoder, the others get copies with noise.

Encoding some hundred thousand passages takes hours, so after the first ENCODED passages each
note gets those of DONORS of the notes that were read and are about the same. Each of their
vectors is moved by noise SIGMA times as long as it is, in a direction of its own: far enough
that copies are no near-duplicates, which any index finds. The figures call these vectors
synthetic; nothing is said about quality by them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import connection
from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.indexes import calibration, embedder, hnsw
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.measuring.benchmarks.binary_copy import Vectors, read_vectors, write_vectors
from mlhooks.measuring.evaluations.notebooks import NOTES_AT_A_TIME, Reader
from mlhooks.models import EncoderIndex, IndexedNote, Job, Passage, SplitNote
from mlhooks.passages import split
from wiki.measuring.benchmarks.population import settle

ENCODED = 20_000
# Notes are about three times as long as those of the benchmarks' corpus, which have two passages.
DONORS = 3
SIGMA = 0.8
SEED = 30
WRITTEN_AT_A_TIME = 1_000  # notes

PASSAGES = 'COPY mlhooks_passage (id, note, start, "end", heading, is_code, sha256) FROM STDIN'
NEXT = "SELECT setval(pg_get_serial_sequence('mlhooks_passage', 'id'), %s)"


@dataclass(frozen=True)
class Donor:
    """A passage that was read: its row among the vectors, where it stands, its sentences."""

    row: int
    heading: str
    is_code: bool
    packed: bytes


def fill(reader: Reader, topics: Mapping[int, str]) -> dict[str, Any]:
    """Let every note be read, or seem so; return "passages", "vectors", "sigma".

    topics: by pid, what the note is about. encoded: how many passages were really read.
    """
    index, encoder = reader.active()
    pids = iter(topics)
    while some := list(islice(pids, NOTES_AT_A_TIME)):
        embedder.index_notes(index, encoder, some)
        if _count(index) >= ENCODED:
            break
    read = _count(index)
    left = list(pids)
    if left:
        _Copying(index, topics).write(left)
    Job.objects.filter(kind=EMBED_NOTE).delete()
    settle()
    hnsw.build(index)
    calibration.calibrate(index, encoder)
    cache.clear()
    return {
        "passages": _count(index),
        "encoded": read,
        "vectors": "synthetic" if left else "encoded",
        "sigma": SIGMA if left else None,
    }


class _Copying:
    """Writes what notes would have if they were read, out of what others have."""

    def __init__(self, index: EncoderIndex, topics: Mapping[int, str]) -> None:
        self.index, self.topics = index, topics
        self.random = np.random.default_rng(SEED)
        passages, owners, self.vectors = read_vectors(index.table, index.dimensions)
        self.next_id = int(passages.max()) + 1
        donors = self._donors(passages.tolist())
        by_note: dict[int, list[Donor]] = defaultdict(list)
        for note, donor in zip(owners.tolist(), donors, strict=True):
            by_note[note].append(donor)
        self.by_topic: dict[str, list[list[Donor]]] = defaultdict(list)
        for note, having in by_note.items():
            self.by_topic[topics[note]].append(having)
        self.any = list(by_note.values())

    def write(self, pids: Sequence[int]) -> None:
        for first in range(0, len(pids), WRITTEN_AT_A_TIME):
            self._write(pids[first : first + WRITTEN_AT_A_TIME])
        with connection.cursor() as cursor:
            cursor.execute(NEXT, [self.next_id])

    def _write(self, pids: Sequence[int]) -> None:
        heads = gateway.heads(pids)
        given = [(pid, donor) for pid in pids for donor in self._given(pid)]
        ids = range(self.next_id, self.next_id + len(given))
        self.next_id += len(given)
        noisy = with_noise(self.vectors[[donor.row for _, donor in given]], self.random)
        write_vectors(
            self.index.table,
            ids,
            (pid for pid, _ in given),
            noisy,
            (donor.packed for _, donor in given),
        )
        with connection.cursor() as cursor, cursor.copy(PASSAGES) as rows:
            for passage, row in zip(ids, _places(given, heads), strict=True):
                rows.write_row((passage, *row))
        SplitNote.objects.bulk_create(
            SplitNote(note=pid, revision=head.number, splitter=split.SPLITTER_VERSION)
            for pid, head in heads.items()
        )
        IndexedNote.objects.bulk_create(
            IndexedNote(index=self.index, note=pid, revision=head.number, indexed_at=Now())
            for pid, head in heads.items()
        )

    def _given(self, pid: int) -> Iterator[Donor]:
        """Yield the passages of some notes that are about the same, or of any if none are."""
        having = self.by_topic.get(self.topics[pid]) or self.any
        for _ in range(DONORS):
            yield from having[self.random.integers(len(having))]

    def _donors(self, passages: Sequence[int]) -> Iterator[Donor]:
        rows = Passage.objects.in_bulk(passages)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT sentences FROM {self.index.table} ORDER BY passage")
            for row, (packed,) in enumerate(cursor.fetchall()):
                one = rows[passages[row]]
                yield Donor(row, one.heading, one.is_code, bytes(packed))


def with_noise(vectors: Vectors, random: np.random.Generator) -> Vectors:
    """Return unit vectors moved by noise that is SIGMA long, as unit vectors again."""
    noise = random.standard_normal(vectors.shape, dtype=np.float32)
    noise *= SIGMA / np.linalg.norm(noise, axis=1, keepdims=True)
    moved = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) + noise
    made: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return made


def _places(
    given: Sequence[tuple[int, Donor]], heads: Mapping[int, gateway.Head]
) -> Iterator[tuple[int, int, int, str, bool, str]]:
    """Yield the columns of each passage: its note's text in as many equal parts as it has."""
    count: dict[int, int] = defaultdict(int)
    for pid, _ in given:
        count[pid] += 1
    number: dict[int, int] = defaultdict(int)
    for pid, donor in given:
        parts, at = count[pid], number[pid]
        number[pid] += 1
        length = max(parts, len(heads[pid].body))
        sha256 = hashlib.sha256(f"{pid} {at}".encode()).hexdigest()
        start, end = length * at // parts, length * (at + 1) // parts
        yield pid, start, end, donor.heading, donor.is_code, sha256


def _count(index: EncoderIndex) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {index.table}")
        return int(cursor.fetchone()[0])
