"""What an encoder made of texts, kept in a file: a corpus is read once, however often measured.

A text is known by what it says and where its sentences are; the file by the weights, and by what
is made of a few texts here and now, so nothing is kept past a change of the code or the machine
that makes it something else.
"""

import hashlib
import os
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mlhooks.embeddings.encoder import Encoder, Places, Read, Vectors

MAKE = "CREATE TABLE IF NOT EXISTS made (name BLOB PRIMARY KEY, vector BLOB, sentences BLOB)"
ASKED_AT_A_TIME = 500
WAIT_S = 60.0
# What tells how texts are read: a short one, one of code, and one that is longer than is read.
SAID = "Gates let a part of each signal pass. A product of halves looks everywhere! "
PROBES = (SAID, f"gMLP > Gates. ```\nu, v = z.chunk(2)\n```\n{SAID}", SAID * 30)
PLACES = [((0, 37), (0, 37)), ((38, 75), (40, 77))]


def folder(asked: str | Path | None = None) -> Path:
    """Return the folder of such files: the one asked for, or one among the user's caches."""
    if asked:
        return Path(asked)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "commonplace"


class KeepingEncoder(Encoder):
    """An encoder that keeps what it made, and reads no text a second time."""

    def __init__(self, encoder: Encoder, weights_sha256: str, where: Path) -> None:
        """Share the loaded model; open the file, or make it."""
        self.model = encoder.model
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        made_by = hashlib.sha256(weights_sha256.encode())
        for _, made in sorted(super().read(PROBES, [PLACES] * len(PROBES))):
            made_by.update(made.vector.astype(np.float16).tobytes() + made.sentences)
        file = where / f"{made_by.hexdigest()[:24]}.sqlite3"
        self._file = sqlite3.connect(file, timeout=WAIT_S, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute(MAKE)

    def read(self, texts: Sequence[str], places: Sequence[Places]) -> Iterator[tuple[int, Read]]:
        """Yield the number of each text, in any order, and what was or is made of it."""
        names = [_name(text, place) for text, place in zip(texts, places, strict=True)]
        kept = self._kept(names)
        missing = []
        for number, name in enumerate(names):
            if name in kept:
                yield number, kept[name]
            else:
                missing.append(number)
        new = []
        for number, made in super().read(
            [texts[number] for number in missing], [places[number] for number in missing]
        ):
            new.append((names[missing[number]], made))
            yield missing[number], made
        self._keep(new)

    def encode_query(self, text: str) -> Vectors:
        """Return the vector of what somebody looks for: float32[d], of length 1."""
        name = _name(f"query\0{text}", [])
        kept = self._kept([name])
        if name not in kept:
            kept[name] = Read(super().encode_query(text), b"")
            self._keep(kept.items())
        return kept[name].vector

    def _kept(self, names: Sequence[bytes]) -> dict[bytes, Read]:
        found: dict[bytes, Read] = {}
        for first in range(0, len(names), ASKED_AT_A_TIME):
            some = names[first : first + ASKED_AT_A_TIME]
            places = ", ".join("?" * len(some))
            rows = self._file.execute(f"SELECT * FROM made WHERE name IN ({places})", some)
            for name, vector, sentences in rows:
                found[name] = Read(np.frombuffer(vector, dtype=np.float32), sentences)
        return found

    def _keep(self, made: Iterable[tuple[bytes, Read]]) -> None:
        rows = [
            (name, one.vector.astype(np.float32).tobytes(), one.sentences) for name, one in made
        ]
        if rows:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT OR REPLACE INTO made VALUES (?, ?, ?)", rows)
            self._file.execute("COMMIT")


def _name(text: str, places: Places) -> bytes:
    """Return the name under which a text is kept: a digest of it and of its sentences' places."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass"))
    for here, there in places:
        digest.update(struct.pack("<4q", *here, *there))
    return digest.digest()
