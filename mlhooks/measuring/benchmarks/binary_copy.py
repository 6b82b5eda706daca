"""Vectors in and out of PostgreSQL in bulk, in its own binary format.

A number is read from text, or written as text, some two hundred million times otherwise.
https://www.postgresql.org/docs/current/sql-copy.html; pgvector sends a halfvec as its number of
dimensions, two bytes of nothing, and the numbers.
"""

import struct
from collections.abc import Iterable, Iterator

import numpy as np
from django.db import connection
from numpy.typing import NDArray

HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
END = struct.pack(">h", -1)

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]


def write_vectors(
    table: str,
    passages: Iterable[int],
    notes: Iterable[int],
    vectors: Vectors,
    packed: Iterable[bytes],
) -> None:
    """Add rows to a table of vectors. vectors: float32[n, d]."""
    dimensions = vectors.shape[1]
    begin = struct.Struct(">hiqiqihh")
    length = struct.Struct(">i")
    halves = vectors.astype(">f2")
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY {table} (passage, note, vector, sentences) FROM STDIN (FORMAT BINARY)"
        ) as rows,
    ):
        rows.write(HEAD)
        for passage, note, vector, sentences in zip(passages, notes, halves, packed, strict=True):
            rows.write(
                begin.pack(4, 8, passage, 8, note, 4 + 2 * dimensions, dimensions, 0)
                + vector.tobytes()
                + length.pack(len(sentences))
                + sentences
            )
        rows.write(END)


def read_vectors(table: str, dimensions: int) -> tuple[Numbers, Numbers, Vectors]:
    """Return all passages of a table in order, their notes, and their vectors float32[n, d]."""
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("passage_length", ">i4"),
            ("passage", ">i8"),
            ("note_length", ">i4"),
            ("note", ">i8"),
            ("vector_length", ">i4"),
            ("dimensions", ">i2"),
            ("nothing", ">i2"),
            ("vector", ">f2", (dimensions,)),
        ]
    )
    rows = np.frombuffer(b"".join(_stream(table)), dtype=row)
    return (
        rows["passage"].astype(np.int64),
        rows["note"].astype(np.int64),
        rows["vector"].astype(np.float32),
    )


def _stream(table: str) -> Iterator[bytes]:
    """Yield the rows as bytes, without what stands before and after them."""
    asked = f"SELECT passage, note, vector FROM {table} ORDER BY passage"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({asked}) TO STDOUT (FORMAT BINARY)") as rows,
    ):
        for part in rows:
            piece = bytes(part).removeprefix(HEAD)
            if piece != END:
                yield piece
