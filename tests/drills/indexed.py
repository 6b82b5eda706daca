"""What must be true of the index after a drill, read from the database and computed anew."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from mlhooks.embeddings import registry
from mlhooks.embeddings.encoder import Encoder
from mlhooks.indexes import embedder
from mlhooks.models.passage import BOILERPLATE_FROM
from mlhooks.passages import split
from tests.drills.rig import Site, wait_until

LOOK_S = 0.5
READ_AGAIN = 50
MIN_COSINE = 0.999

ACTIVE = """
    SELECT index.id, index.encoder
      FROM mlhooks_activeindex AS active JOIN mlhooks_encoderindex AS index
        ON index.id = active.index_id
"""
MISSING = """
    SELECT count(*) FROM wiki_note AS note JOIN wiki_revision AS head ON head.id = note.head_id
     WHERE note.deleted IS NULL AND NOT EXISTS (
        SELECT FROM mlhooks_indexednote AS indexed JOIN mlhooks_activeindex AS active
            ON active.index_id = indexed.index_id
         WHERE indexed.note = note.pid AND indexed.revision = head.number AND indexed.is_whole)
"""
# Looking after the index and the notebook comes again and again; it is never all done.
BUSY = """
    SELECT kind, state, count(*), max(attempt), min(run_after) FROM mlhooks_job
     WHERE state IN ('waiting', 'running') AND kind NOT IN ('tend_index', 'verify_integrity')
     GROUP BY kind, state
"""
HEADS = """
    SELECT note.pid, head.number, head.title, head.body, head.visibility
      FROM wiki_note AS note JOIN wiki_revision AS head ON head.id = note.head_id
     WHERE note.deleted IS NULL
"""
PASSAGES = """
    SELECT id, note, start, "end", heading, is_code, sha256 FROM mlhooks_passage ORDER BY start
"""
TABLES_OF_NOTES = (
    "mlhooks_passage",
    "mlhooks_indexednote",
    "mlhooks_splitnote",
    "mlhooks_noteblocks",
    "mlhooks_unreadnote",
)
OF_NO_NOTE = """
    SELECT count(*) FROM {table} AS kept
     WHERE NOT EXISTS (SELECT FROM wiki_note WHERE pid = kept.note AND deleted IS NULL)
"""
OF_NO_PASSAGE = """
    SELECT count(*) FROM {table} AS kept
     WHERE NOT EXISTS (
        SELECT FROM mlhooks_passage AS passage
         WHERE passage.id = kept.passage AND passage.note = kept.note)
"""
FAILED = """
    SELECT kind, key, state, attempt, error FROM mlhooks_job WHERE state = 'failed'
"""
UNREAD = "SELECT note, reason FROM mlhooks_unreadnote"


@dataclass(frozen=True)
class Head:
    """What a note that is not in the trash says now."""

    number: int
    title: str
    body: str
    is_private: bool


@dataclass(frozen=True)
class Stored:
    """A row of mlhooks_passage."""

    id: int
    place: tuple[int, int]
    heading: str
    is_code: bool
    sha256: str


@dataclass
class Audit:
    """The index that answers now, held against the notes; each count should be 0."""

    site: Site
    index: int
    encoder: str
    missing: list[int] = field(default_factory=list)
    duplicate: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    of_deleted: Counter[str] = field(default_factory=Counter)

    @cached_property
    def heads(self) -> dict[int, Head]:
        """Every note that is not in the trash, by its number."""
        return {
            pid: Head(number, title, body or "", visibility == "private")
            for pid, number, title, body, visibility in self.site.query(HEADS)
        }

    @cached_property
    def passages(self) -> dict[int, list[Stored]]:
        """The stored passages of each note, in order."""
        found: dict[int, list[Stored]] = defaultdict(list)
        for pk, note, start, end, heading, is_code, sha256 in self.site.query(PASSAGES):
            found[note].append(Stored(pk, (start, end), heading, is_code, sha256))
        return found

    def run(self) -> str:
        """Find everything; return the figures, or fail with what is wrong."""
        self._find_missing()
        self._find_duplicate()
        texts = self._find_stale()
        self._find_of_deleted()
        self._require_nothing_found()
        cosine = self._read_again(texts)
        self._require_nothing_found()
        return (
            f"{len(self.heads)} notes, {len(texts)} passages: missing 0, duplicate 0, stale 0, "
            f"of deleted notes 0, least cosine of {READ_AGAIN} read again {cosine:.5f}"
        )

    def _require_nothing_found(self) -> None:
        found = {
            "missing": self.missing,
            "duplicate": self.duplicate,
            "stale": self.stale,
            **self.of_deleted,
        }
        assert not any(found.values()), {name: pids for name, pids in found.items() if pids}

    def _find_missing(self) -> None:
        """A note is missing without its head's number, a passage, or a passage's vector."""
        rows = self.site.query(
            "SELECT note, revision FROM mlhooks_indexednote WHERE index_id = %s", [self.index]
        )
        indexed = dict(rows)
        with_vector = {pk for (pk,) in self.site.query(f"SELECT passage FROM {self._table}")}
        self.missing = [
            pid
            for pid, head in self.heads.items()
            if indexed.get(pid) != head.number
            or not self.passages[pid]
            or any(one.id not in with_vector for one in self.passages[pid])
        ]

    def _find_duplicate(self) -> None:
        """Two passages of a note never overlap, and no passage has two vectors."""
        twice = self.site.query(
            f"SELECT note FROM {self._table} GROUP BY note, passage HAVING count(*) > 1"
        )
        self.duplicate = [note for (note,) in twice]
        for pid, stored in self.passages.items():
            places = [one.place for one in stored]
            if any(one[1] > other[0] for one, other in zip(places, places[1:], strict=False)):
                self.duplicate.append(pid)

    def _find_stale(self) -> dict[int, str]:
        """Split every head anew, as it is cut; return the text of each stored passage."""
        notes = Counter(key for head in self.heads.values() for key in split.block_keys(head.body))
        boilerplate = {key for key, count in notes.items() if count >= BOILERPLATE_FROM}
        texts: dict[int, str] = {}
        for pid, head in self.heads.items():
            stored = self.passages[pid]
            cut = split.split(
                head.title,
                head.body,
                embedder.count_pieces,
                earlier=split.Earlier(head.body, [one.place for one in stored]),
                boilerplate=boilerplate,
            )
            if [_as_stored(one) for one in cut] != [
                (one.place, one.heading, one.is_code, one.sha256) for one in stored
            ]:
                self.stale.append(pid)
                continue
            texts |= {one.id: said.text for one, said in zip(stored, cut, strict=True)}
        return texts

    def _find_of_deleted(self) -> None:
        """Nothing is kept of notes in the trash, in no index, nor of passages that were cut."""
        tables = [
            f"passage_vector_{pk}"
            for (pk,) in self.site.query("SELECT id FROM mlhooks_encoderindex")
        ]
        for table in (*TABLES_OF_NOTES, *tables):
            self.of_deleted[table] += self.site.query(OF_NO_NOTE.format(table=table))[0][0]
        for table in tables:
            self.of_deleted[table] += self.site.query(OF_NO_PASSAGE.format(table=table))[0][0]
        self.of_deleted = +self.of_deleted

    def _read_again(self, texts: dict[int, str]) -> float:
        """Let the encoder read some passages again; return the least cosine with what is kept."""
        chosen = random.sample(sorted(texts), min(READ_AGAIN, len(texts)))
        rows = self.site.query(
            f"SELECT passage, vector::text FROM {self._table} WHERE passage = ANY(%s)", [chosen]
        )
        kept = {pk: _vector(text) for pk, text in rows}
        encoder = Encoder(registry.locate(self.encoder))
        made = encoder.encode([texts[pk] for pk in chosen])
        cosines = [_cosine(one, kept[pk]) for one, pk in zip(made, chosen, strict=True)]
        others = [_cosine(one, kept[pk]) for one, pk in zip(made[1:], chosen, strict=False)]
        assert min(others) < MIN_COSINE, "this encoder says the same of every text"
        self.stale += [
            pk for pk, cosine in zip(chosen, cosines, strict=True) if cosine <= MIN_COSINE
        ]
        return min(cosines)

    @property
    def _table(self) -> str:
        return f"passage_vector_{self.index:d}"


def audit_index(site: Site) -> str:
    """Hold the active index against the notes; return the figures."""
    ((index, encoder),) = site.query(ACTIVE)
    return Audit(site, index, encoder).run()


def covered_s(site: Site, encoder: str, limit_s: float) -> float:
    """Wait until the index of an encoder answers and lacks nothing; return the seconds."""
    state: tuple[Any, ...] = ()

    def is_covered() -> bool:
        nonlocal state
        try:
            state = look()
        except psycopg.OperationalError:
            assert site.is_running, "somebody has stopped the site"
            return False
        return state == ([encoder], 0, [])

    def look() -> tuple[Any, ...]:
        failed = [*site.query(FAILED), *site.query(UNREAD)]
        assert not failed, failed
        active = [name for _, name in site.query(ACTIVE)]
        return active, site.query(MISSING)[0][0], site.query(BUSY)

    try:
        return wait_until(is_covered, limit_s, "every note is in the index", pause_s=LOOK_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: active, missing, jobs {state}") from error


def audit_jobs(site: Site) -> str:
    """Check that no job has failed; return the figures."""
    failed = [*site.query(FAILED), *site.query(UNREAD)]
    assert not failed, failed
    rows = site.query("SELECT kind, attempt FROM mlhooks_job")
    again = sum(attempt > 1 for _, attempt in rows)
    builds = [attempt for kind, attempt in rows if kind == "build_index"]
    return f"{len(rows)} jobs, 0 failed, {again} begun again, building in {builds} turns"


def _as_stored(cut: split.Passage) -> tuple[tuple[int, int], str, bool, str]:
    return (cut.start, cut.end), cut.heading, cut.is_code, cut.sha256


def _vector(text: str) -> NDArray[np.float32]:
    return np.array(text.strip("[]").split(","), dtype=np.float32)


def _cosine(one: Sequence[Any] | NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))
