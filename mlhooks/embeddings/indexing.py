"""Notes into an index: cut, compare with what is there, encode what is new, store.

Nothing is locked while the encoder works. The notes are then stored in a transaction that holds
their rows: of one that somebody saved meanwhile nothing is stored, since the job that came with
that save does it again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models.functions import Now

from mlhooks import jobs, notes
from mlhooks.embeddings import data, loading
from mlhooks.embeddings.data import Earlier, sentences
from mlhooks.models import EncoderIndex, IndexedNote, NoteBlocks, Passage, SplitNote, UnreadNote
from mlhooks.models.passage import BOILERPLATE_FROM
from mlhooks.notes import Head

if TYPE_CHECKING:
    from mlhooks.embeddings.infer import Encoder, Places, Read

# kind of the job that brings one note up to date; its key is the note's number
EMBED_NOTE = "embed_note"
# An advisory lock that says "commonplace blocks" to nobody else.
LOCK = 0x636F6D626C6B
# A passage of code may have a hundred lines; so many places of it are told apart.
MOST_SENTENCES = 24
# So many letters of text are cut, read and stored at once: about 300 passages.
MOST_LETTERS = 200_000

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


def request(pids: Collection[int]) -> None:
    """Ask for notes to be brought up to date, in the caller's transaction."""
    if pids:
        jobs.request_many(EMBED_NOTE, {str(pid): {"pid": pid} for pid in pids})


def index_notes(
    index: EncoderIndex,
    encoder: "Encoder",
    pids: Sequence[int],
    pulse: Callable[[], None] = lambda: None,
) -> Done:
    """Bring these notes up to date in an index, some together; the encoder likes company.

    pulse: called now and then while passages are read. What it raises ends the work.
    """
    done = Done()
    heads = notes.heads(pids)
    for pid in pids:
        if pid not in heads:
            forget_gone(pid)
            done.gone += 1
    for some in _portions(list(heads.values())):
        cuts = cut(index, some)
        read(encoder, cuts, pulse)
        done.add(store(index, cuts))
    return done


def cut(index: EncoderIndex, heads: Sequence[Head]) -> list[Cut]:
    """Cut notes into passages, and find those that the index has already. Five queries."""
    pids = [head.pid for head in heads]
    boilerplate = _boilerplate(heads)
    earlier = _earlier(heads)
    have: dict[int, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(HAVE.format(table=index.table), [pids])
        for pid, sha256 in cursor.fetchall():
            have[pid].add(sha256)
    return [
        Cut(
            head,
            data.split(
                head.title,
                head.body,
                count_pieces,
                earlier=earlier.get(head.pid),
                boilerplate=boilerplate.get(head.pid, ()),
            ),
            frozenset(have[head.pid]),
        )
        for head in heads
    ]


def read(encoder: "Encoder", cuts: Sequence[Cut], pulse: Callable[[], None] = lambda: None) -> None:
    """Let the encoder read the passages that the index has not; of equal ones, one."""
    lacking: dict[str, tuple[str, Places]] = {}
    for one in cuts:
        for passage in one.passages:
            if passage.sha256 not in one.have and passage.sha256 not in lacking:
                raw = one.head.body[passage.start : passage.end]
                lacking[passage.sha256] = (
                    passage.text,
                    _places(passage.text, raw, is_code=passage.is_code),
                )
    names = list(lacking)
    found: dict[str, Read] = {}
    texts = [text for text, _ in lacking.values()]
    for number, made in encoder.read(texts, [places for _, places in lacking.values()]):
        found[names[number]] = made
        pulse()
    for one in cuts:
        one.read = {p.sha256: found[p.sha256] for p in one.passages if p.sha256 in found}


@transaction.atomic
def store(index: EncoderIndex, cuts: Sequence[Cut]) -> Done:
    """Make these the passages of their notes, and write the vectors that the index lacks.

    Holds the notes' rows. Raises Transient where another worker has cut one of them meanwhile.
    """
    numbers = notes.hold([one.head.pid for one in cuts])
    done = Done()
    current = []
    for one in cuts:
        number = numbers.get(one.head.pid)
        if number is None:
            # Whoever removed it meanwhile has asked for the job that forgets it.
            done.gone += 1
        elif number != one.head.number:
            done.overtaken += 1
        else:
            current.append(one)
    indexes = EncoderIndex.objects.held()
    if index not in indexes:
        raise EncoderIndex.DoesNotExist(f"{index} was dropped.")
    rows, anew = _store_passages(current, indexes)
    _tell_others(index, anew)
    done.current = len(current)
    done.embedded = _store_vectors(index, rows)
    done.reused = len(rows) - done.embedded
    IndexedNote.objects.bulk_create(
        [
            IndexedNote(
                index=index,
                note=one.head.pid,
                revision=one.head.number,
                is_whole=True,
                indexed_at=Now(),
            )
            for one in current
        ],
        update_conflicts=True,
        unique_fields=["note", "index"],
        update_fields=["revision", "is_whole", "indexed_at"],
    )
    UnreadNote.objects.filter(index=index, note__in=[one.head.pid for one in current]).delete()
    return done


def forget(pid: int) -> None:
    """Let nobody find a note by meaning any more, in the caller's transaction.

    A worker forgets the rest: other notes may have to be cut again.
    """
    with connection.cursor() as cursor:
        for index in EncoderIndex.objects.held():
            cursor.execute(f"DELETE FROM {index.table} WHERE note = %s", [pid])
    for model in (Passage, SplitNote, IndexedNote, UnreadNote):
        model.objects.filter(note=pid).delete()


@transaction.atomic
def forget_gone(pid: int) -> None:
    """Forget a note that is in the trash or gone, unless it has just come back."""
    if pid not in notes.hold([pid]):
        forget(pid)
        _note_blocks({pid: set()})


def doubt_earlier_cuts() -> None:
    """Let no index count as whole what an earlier splitter has cut, so that it is read anew."""
    earlier = SplitNote.objects.exclude(splitter=data.SPLITTER_VERSION)
    held = IndexedNote.objects.filter(note__in=earlier.values("note"), is_whole=True)
    held.update(is_whole=False)


def count_pieces(texts: Sequence[str]) -> list[int]:
    """Return how many word pieces each text has."""
    encoded = loading.splitter().encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(one.ids) for one in encoded]


def literal(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it."""
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"


def _portions(heads: Sequence[Head]) -> Iterator[list[Head]]:
    """Yield the notes in portions whose passages are few enough to be held and stored at once."""
    portion: list[Head] = []
    for head in heads:
        letters = sum(len(one.body) for one in portion)
        if portion and letters + len(head.body) > MOST_LETTERS:
            yield portion
            portion = []
        portion.append(head)
    if portion:
        yield portion


@transaction.atomic
def _boilerplate(heads: Sequence[Head]) -> dict[int, set[int]]:
    """Note which blocks these notes have; return for each those that many notes repeat."""
    blocks = {head.pid: set(data.block_keys(head.body)) for head in heads}
    repeated = _note_blocks(blocks)
    return {pid: found & repeated for pid, found in blocks.items()}


def _note_blocks(blocks: dict[int, set[int]]) -> set[int]:
    """Note the blocks of some notes, of none that are gone; return those that many notes have.

    Where that makes a block boilerplate, or makes it none, the others that have it are cut
    again. In a transaction, and one after another: two workers that each add a block once would
    both not see that it is there often enough.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    kept = NoteBlocks.objects.filter(note__in=blocks)
    before = {pid: set(keys) for pid, keys in kept.values_list("note", "keys")}
    kept.filter(note__in=[pid for pid, found in blocks.items() if not found]).delete()
    NoteBlocks.objects.bulk_create(
        [NoteBlocks(note=pid, keys=sorted(found)) for pid, found in blocks.items() if found],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["keys"],
    )
    grown: Counter[int] = Counter()
    for pid, found in blocks.items():
        grown.update(found - before.get(pid, set()))
        grown.subtract(before.get(pid, set()) - found)
    asked = set().union(*blocks.values(), grown)
    having = NoteBlocks.objects.having(asked, BOILERPLATE_FROM + len(blocks))
    repeated = {key for key, pids in having.items() if len(pids) >= BOILERPLATE_FROM}
    again: set[int] = set()
    for key, pids in having.items():
        if (len(pids) - grown[key] >= BOILERPLATE_FROM) != (key in repeated):
            again.update(pids)
    request(again.difference(blocks))
    return repeated


def _earlier(heads: Sequence[Head]) -> dict[int, Earlier]:
    """Return how these notes were cut before."""
    numbers = dict(
        SplitNote.objects.filter(
            note__in=[head.pid for head in heads], splitter=data.SPLITTER_VERSION
        ).values_list("note", "revision")
    )
    if not numbers:
        return {}
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = Passage.objects.filter(note__in=list(numbers)).order_by("note", "start")
    for pid, start, end in rows.values_list("note", "start", "end"):
        places[pid].append((start, end))
    earlier = {}
    for head in heads:
        number = numbers.get(head.pid)
        if number is None:
            continue
        body = head.body if number == head.number else notes.body_of(head.pid, number)
        if body is not None:
            earlier[head.pid] = Earlier(body, places[head.pid])
    return earlier


def _places(text: str, raw: str, *, is_code: bool) -> "Places":
    """Return where the sentences of a passage stand in the text that is embedded."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    at = 0
    for start, end in sentences(raw, is_code=is_code)[:MOST_SENTENCES]:
        said = data.cleaned(raw[start:end])
        here = text.find(said, at) if said else -1
        if here >= 0:
            at = here + len(said)
            found.append(((here, at), (start, end)))
    return found


def _store_passages(
    cuts: Sequence[Cut], indexes: Sequence[EncoderIndex]
) -> tuple[list[tuple[Passage, "Read | None"]], set[int]]:
    """Make these the passages of the notes, keeping the rows of equal ones.

    indexes: all there are, held. Returns all rows, each with what the encoder made of it if it
    has read it, and the notes of which some are new.
    """
    pids = [one.head.pid for one in cuts]
    rows: dict[tuple[int, str], list[Passage]] = defaultdict(list)
    for row in Passage.objects.filter(note__in=pids).order_by("-start"):
        rows[row.note, row.sha256].append(row)
    kept: list[Passage] = []
    new: list[Passage] = []
    placed: list[tuple[Passage, Read | None]] = []
    for one in cuts:
        for passage in one.passages:
            same = rows[one.head.pid, passage.sha256]
            row = same.pop() if same else Passage(note=one.head.pid, sha256=passage.sha256)
            is_moved = (row.start, row.end) != (passage.start, passage.end)
            row.start, row.end = passage.start, passage.end
            row.heading, row.is_code = passage.heading, passage.is_code
            placed.append((row, one.read.get(passage.sha256)))
            if row.pk is None:
                new.append(row)
            elif is_moved:
                kept.append(row)
    left = [row.pk for same in rows.values() for row in same]
    if left:
        Passage.objects.filter(pk__in=left).delete()
        with connection.cursor() as cursor:
            for index in indexes:
                cursor.execute(f"DELETE FROM {index.table} WHERE passage = ANY(%s)", [left])
    if kept:
        Passage.objects.bulk_update(kept, ["start", "end", "heading", "is_code"])
    Passage.objects.bulk_create(new)
    SplitNote.objects.bulk_create(
        [
            SplitNote(note=one.head.pid, revision=one.head.number, splitter=data.SPLITTER_VERSION)
            for one in cuts
        ],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["revision", "splitter"],
    )
    return placed, {row.note for row in new}


def _tell_others(index: EncoderIndex, pids: Collection[int]) -> None:
    """Note that the other indexes lack new passages of notes, though their texts are no others.

    That happens where boilerplate became, or ceased to be, boilerplate.
    """
    lacking = IndexedNote.objects.filter(note__in=pids).exclude(index=index)
    answering = lacking.filter(index__active__isnull=False)
    request(list(answering.values_list("note", flat=True)))
    lacking.update(is_whole=False)


def _store_vectors(index: EncoderIndex, placed: Sequence[tuple[Passage, "Read | None"]]) -> int:
    """Write the vectors of the passages that have none; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT passage FROM {index.table} WHERE passage = ANY(%s)",
            [[row.pk for row, _ in placed]],
        )
        have = {passage for (passage,) in cursor.fetchall()}
        lacking = [(row, made) for row, made in placed if row.pk not in have]
        if not lacking:
            return 0
        with cursor.copy(STORE.format(table=index.table)) as rows:
            for row, made in lacking:
                if made is None:
                    # It was there when the note was cut; another worker took it away.
                    raise jobs.Transient("Another worker has cut this note meanwhile.")
                vector = literal(made.vector.tolist())
                rows.write_row((row.pk, row.note, vector, made.sentences))
    return len(lacking)
