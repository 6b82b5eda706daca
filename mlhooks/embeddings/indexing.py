"""Notes into an index: cut, compare with what is there, encode what is new, store.

Nothing is locked while the encoder works. Each note is then stored in a transaction of its
own that holds the note's row: if somebody saved it meanwhile, nothing is stored, since the job
that came with that save does it again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, transaction
from django.db.models.functions import Now

from mlhooks import jobs, notes
from mlhooks.embeddings import data, loading
from mlhooks.embeddings.data import Earlier, sentences
from mlhooks.models import EncoderIndex, IndexedNote, NoteBlocks, Passage, SplitNote
from mlhooks.models.passage import BOILERPLATE_FROM
from mlhooks.notes import Head

if TYPE_CHECKING:
    from mlhooks.embeddings.infer import Encoder, Places, Read

# kind of the job that brings one note up to date; its key is the note's number
EMBED_NOTE = "embed_note"
# A passage of code may have a hundred lines; so many places of it are told apart.
MOST_SENTENCES = 24

HAVE = """
    SELECT passage.note, passage.sha256 FROM mlhooks_passage AS passage
      JOIN {table} AS kept ON kept.passage = passage.id WHERE passage.note = ANY(%s)
"""
STORE = "COPY {table} (passage, note, vector, sentences) FROM STDIN"


@dataclass
class Done:
    """What indexing did: notes that are current now, that are gone, and that were saved meanwhile.

    passages: embedded now, and those whose vector was there already.
    """

    current: int = 0
    gone: int = 0
    overtaken: int = 0
    embedded: int = 0
    reused: int = 0

    def add(self, other: "Done") -> None:
        """Count what was done in another step."""
        self.current += other.current
        self.gone += other.gone
        self.overtaken += other.overtaken
        self.embedded += other.embedded
        self.reused += other.reused


@dataclass
class Cut:
    """A note's head in passages, and which of them an index has (by sha256)."""

    head: Head
    passages: Sequence[data.Passage]
    have: frozenset[str]
    read: dict[str, "Read"] = field(default_factory=dict)


def request(pid: int, user: AbstractBaseUser | AnonymousUser | None = None) -> None:
    """Ask for a note to be brought up to date, in the caller's transaction."""
    jobs.request(EMBED_NOTE, key=str(pid), payload={"pid": pid}, user=user)


def index_notes(index: EncoderIndex, encoder: "Encoder", pids: Sequence[int]) -> Done:
    """Bring these notes up to date in an index; some hundred at most, all in memory at once."""
    heads = notes.heads(pids)
    done = Done()
    for pid in pids:
        if pid not in heads:
            forget_gone(pid)
            done.gone += 1
    cuts = cut(index, list(heads.values()))
    read(encoder, cuts)
    for one in cuts:
        done.add(store(index, one))
    return done


def cut(index: EncoderIndex, heads: Sequence[Head]) -> list[Cut]:
    """Cut notes into passages, and find those that the index has already."""
    boilerplate = _boilerplate(heads)
    have: dict[int, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(HAVE.format(table=index.table), [[head.pid for head in heads]])
        for pid, sha256 in cursor.fetchall():
            have[pid].add(sha256)
    return [
        Cut(
            head,
            data.split(
                head.title,
                head.body,
                count_pieces,
                earlier=_earlier(head),
                boilerplate=boilerplate.get(head.pid, ()),
            ),
            frozenset(have[head.pid]),
        )
        for head in heads
    ]


def read(encoder: "Encoder", cuts: Sequence[Cut]) -> None:
    """Let the encoder read the passages that the index has not; of equal ones, one."""
    lacking: dict[str, tuple[str, Places]] = {}
    for one in cuts:
        for passage in one.passages:
            if passage.sha256 not in one.have and passage.sha256 not in lacking:
                raw = one.head.body[passage.start : passage.end]
                lacking[passage.sha256] = (passage.text, _places(passage.text, raw))
    names = list(lacking)
    found = {
        names[number]: made
        for number, made in encoder.read(
            [text for text, _ in lacking.values()], [places for _, places in lacking.values()]
        )
    }
    for one in cuts:
        one.read = {p.sha256: found[p.sha256] for p in one.passages if p.sha256 in found}


@transaction.atomic
def store(index: EncoderIndex, one: Cut) -> Done:
    """Make these the passages of a note, and write the vectors that the index lacks."""
    number = notes.hold(one.head.pid)
    if number is None:
        forget(one.head.pid)
        return Done(gone=1)
    if number != one.head.number:
        return Done(overtaken=1)
    ids = _store_passages(one)
    embedded = _store_vectors(index, one, ids)
    IndexedNote.objects.bulk_create(
        [IndexedNote(index=index, note=one.head.pid, revision=number, indexed_at=Now())],
        update_conflicts=True,
        unique_fields=["note", "index"],
        update_fields=["revision", "indexed_at"],
    )
    return Done(current=1, embedded=embedded, reused=len(one.passages) - embedded)


def forget(pid: int) -> None:
    """Let nobody find a note by meaning any more, in the caller's transaction."""
    with connection.cursor() as cursor:
        for index in EncoderIndex.objects.all():
            cursor.execute(f"DELETE FROM {index.table} WHERE note = %s", [pid])
    for model in (Passage, SplitNote, NoteBlocks, IndexedNote):
        model.objects.filter(note=pid).delete()


@transaction.atomic
def forget_gone(pid: int) -> None:
    """Forget a note that is in the trash or gone, unless it has just come back."""
    if notes.hold(pid) is None:
        forget(pid)


def count_pieces(texts: Sequence[str]) -> list[int]:
    """Return how many word pieces each text has."""
    encoded = loading.splitter().encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(one.ids) for one in encoded]


def _boilerplate(heads: Sequence[Head]) -> dict[int, set[int]]:
    """Note which blocks these notes have; return for each those that many notes repeat.

    Where this note makes a block boilerplate, the notes that had it before are cut again.
    """
    before = dict(
        NoteBlocks.objects.filter(note__in=[head.pid for head in heads]).values_list("note", "keys")
    )
    keys = {head.pid: data.block_keys(head.body) for head in heads}
    NoteBlocks.objects.bulk_create(
        [NoteBlocks(note=pid, keys=sorted(set(found))) for pid, found in keys.items()],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["keys"],
    )
    boilerplate: dict[int, set[int]] = {}
    again: set[int] = set()
    for pid, found in keys.items():
        others = NoteBlocks.objects.repeated(pid, found)
        boilerplate[pid] = {key for key in found if len(others[key]) >= BOILERPLATE_FROM - 1}
        for key in boilerplate[pid].difference(before.get(pid, ())):
            if len(others[key]) == BOILERPLATE_FROM - 1:
                again.update(others[key])
    for pid in sorted(again.difference(keys), key=str):
        request(pid)
    return boilerplate


def _earlier(head: Head) -> Earlier | None:
    """Return how the note was cut before."""
    split = SplitNote.objects.filter(note=head.pid, splitter=data.SPLITTER_VERSION).first()
    if split is None:
        return None
    if split.revision == head.number:
        body: str | None = head.body
    else:
        body = notes.body_of(head.pid, split.revision)
    if body is None:
        return None
    places = Passage.objects.filter(note=head.pid).order_by("start").values_list("start", "end")
    return Earlier(body, list(places))


def _places(text: str, raw: str) -> "Places":
    """Return where the sentences of a passage stand in the text that is embedded."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    at = 0
    for start, end in sentences(raw)[:MOST_SENTENCES]:
        said = data.cleaned(raw[start:end])
        here = text.find(said, at) if said else -1
        if here >= 0:
            at = here + len(said)
            found.append(((here, at), (start, end)))
    return found


def _store_passages(one: Cut) -> list[int]:
    """Make these the passages of the note, keeping the rows of equal ones; return their ids."""
    pid = one.head.pid
    rows: dict[str, list[Passage]] = defaultdict(list)
    for row in Passage.objects.filter(note=pid).order_by("-start"):
        rows[row.sha256].append(row)
    kept: list[Passage] = []
    new: list[Passage] = []
    placed: list[Passage] = []
    for passage in one.passages:
        same = rows[passage.sha256]
        row = same.pop() if same else Passage(note=pid, sha256=passage.sha256)
        is_moved = (row.start, row.end) != (passage.start, passage.end)
        row.start, row.end = passage.start, passage.end
        row.heading, row.is_code = passage.heading, passage.is_code
        placed.append(row)
        if row.pk is None:
            new.append(row)
        elif is_moved:
            kept.append(row)
    left = [row.pk for same in rows.values() for row in same]
    if left:
        Passage.objects.filter(pk__in=left).delete()
        with connection.cursor() as cursor:
            for index in EncoderIndex.objects.all():
                cursor.execute(f"DELETE FROM {index.table} WHERE passage = ANY(%s)", [left])
    Passage.objects.bulk_update(kept, ["start", "end", "heading", "is_code"])
    Passage.objects.bulk_create(new)
    SplitNote.objects.bulk_create(
        [SplitNote(note=pid, revision=one.head.number, splitter=data.SPLITTER_VERSION)],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["revision", "splitter"],
    )
    return [row.pk for row in placed]


def _store_vectors(index: EncoderIndex, one: Cut, ids: Sequence[int]) -> int:
    """Write the vectors of the passages that have none; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT passage FROM {index.table} WHERE note = %s", [one.head.pid])
        have = {passage for (passage,) in cursor.fetchall()}
        lacking = [
            (pk, passage.sha256)
            for pk, passage in zip(ids, one.passages, strict=True)
            if pk not in have
        ]
        if any(sha256 not in one.read for _, sha256 in lacking):
            # Its passages were there when it was cut, and another worker took them away.
            raise jobs.Transient("Another worker has cut this note meanwhile.")
        with cursor.copy(STORE.format(table=index.table)) as rows:
            for pk, sha256 in lacking:
                made = one.read[sha256]
                rows.write_row((pk, one.head.pid, literal(made.vector.tolist()), made.sentences))
    return len(lacking)


def literal(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it."""
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"
