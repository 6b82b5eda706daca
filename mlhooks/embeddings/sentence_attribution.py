"""Sentence attribution: which sentence of a passage is closest to a query, without encoding it.

The vector of a passage is the mean of its tokens' vectors (Reimers and Gurevych 2019, §3), so
the part that each sentence adds to it is known once it is read: the sum over its tokens. What
the cosine with any query would be without that sentence follows from these sums, and the
sentence without which it is lowest is the closest. The sums are kept as bytes beside the vector.

Packed: float32 norm of the whole sum, float32 step, uint32 how many; of each sentence uint32
start, uint32 end, float32 norm of the sum without it; then d signed bytes of each, in steps.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

HEAD, ENTRY = struct.Struct("<ffI"), struct.Struct("<IIf")


@dataclass(frozen=True)
class Sentence:
    """A place in a passage, in characters from its start; sums: what its tokens add, int8[d]."""

    start: int
    end: int
    norm_without: float
    sums: bytes


def pack(norm: float, step: float, sentences: Sequence[Sentence]) -> bytes:
    """Return the sentences of one passage as bytes; norm of all its tokens' sum."""
    entries = (ENTRY.pack(one.start, one.end, one.norm_without) for one in sentences)
    head = HEAD.pack(norm, step, len(sentences))
    return b"".join((head, *entries, *(one.sums for one in sentences)))


def most_telling(packed: bytes, query: Sequence[float], cosine: float) -> tuple[int, int] | None:
    """Return start and end of the sentence closest to the query, from the start of its passage.

    query: float[d] of length 1; cosine: its product with the passage's vector. None where
    nothing is known of the sentences.
    """
    if not packed:
        return None
    norm, step, count = HEAD.unpack_from(packed)
    first = HEAD.size + count * ENTRY.size
    best, lowest = None, float("inf")
    for number in range(count):
        start, end, norm_without = ENTRY.unpack_from(packed, HEAD.size + number * ENTRY.size)
        place = first + number * len(query)
        sums = array("b", packed[place : place + len(query)])
        without = (cosine * norm - step * sum(map(mul, sums, query))) / max(norm_without, 1e-6)
        if without < lowest:
            best, lowest = (start, end), without
    return best
