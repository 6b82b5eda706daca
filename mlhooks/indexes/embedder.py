"""Notes into an index: cut, compare with what is there, encode what is new, store.

Nothing is locked while the encoder works: what it made of a note that somebody saved meanwhile
is not stored, since the job that came with that save does it again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from django.db import connection

from mlhooks import gateway
from mlhooks.embeddings import loaded
from mlhooks.gateway import Head
from mlhooks.indexes import boilerplate
from mlhooks.indexes.store import NotePassages, Stored, forget_gone, store
from mlhooks.models import EncoderIndex, Passage, SplitNote
from mlhooks.passages import split
from mlhooks.passages.split import Earlier, sentences

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Encoder, Places, Read

# A passage of code may have a hundred lines; so many places of it are told apart.
MAX_SENTENCES = 24
# So many letters of text are cut, read and stored at once: about 300 passages.
MAX_LETTERS = 200_000

HAVE = """
    SELECT passage.note, passage.sha256 FROM mlhooks_passage AS passage
      JOIN {table} AS kept ON kept.passage = passage.id WHERE passage.note = ANY(%s)
"""


def index_notes(
    index: EncoderIndex,
    encoder: "Encoder",
    pids: Sequence[int],
    pulse: Callable[[], None] = lambda: None,
) -> Stored:
    """Bring these notes up to date in an index, some together; the encoder likes company.

    pulse: called now and then while passages are read. What it raises ends the work.
    """
    done = Stored()
    heads = gateway.heads(pids)
    for pid in pids:
        if pid not in heads:
            forget_gone(pid)
            done.gone += 1
    for some in _portions(list(heads.values())):
        cuts = split_notes(index, some)
        read(encoder, cuts, pulse)
        done.add(store(index, cuts))
    return done


def split_notes(index: EncoderIndex, heads: Sequence[Head]) -> list[NotePassages]:
    """Split notes into passages, and find those that the index has already. Five queries."""
    pids = [head.pid for head in heads]
    repeated = boilerplate.repeated_in(heads)
    earlier = _earlier(heads)
    have: dict[int, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(HAVE.format(table=index.table), [pids])
        for pid, sha256 in cursor.fetchall():
            have[pid].add(sha256)
    return [
        NotePassages(
            head,
            split.split(
                head.title,
                head.body,
                count_pieces,
                earlier=earlier.get(head.pid),
                boilerplate=repeated.get(head.pid, ()),
            ),
            frozenset(have[head.pid]),
        )
        for head in heads
    ]


def read(
    encoder: "Encoder", cuts: Sequence[NotePassages], pulse: Callable[[], None] = lambda: None
) -> None:
    """Let the encoder read the passages that the index has not; of equal ones, one."""
    missing: dict[str, tuple[str, Places]] = {}
    for one in cuts:
        for passage in one.passages:
            if passage.sha256 not in one.have and passage.sha256 not in missing:
                raw = one.head.body[passage.start : passage.end]
                missing[passage.sha256] = (
                    passage.text,
                    _places(passage.text, raw, is_code=passage.is_code),
                )
    names = list(missing)
    found: dict[str, Read] = {}
    texts = [text for text, _ in missing.values()]
    for number, made in encoder.read(texts, [places for _, places in missing.values()]):
        found[names[number]] = made
        pulse()
    for one in cuts:
        one.read = {p.sha256: found[p.sha256] for p in one.passages if p.sha256 in found}


def count_pieces(texts: Sequence[str]) -> list[int]:
    """Return how many word pieces each text has."""
    encoded = loaded.splitter().encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(one.ids) for one in encoded]


def _portions(heads: Sequence[Head]) -> Iterator[list[Head]]:
    """Yield the notes in portions whose passages are few enough to be held and stored at once."""
    portion: list[Head] = []
    for head in heads:
        letters = sum(len(one.body) for one in portion)
        if portion and letters + len(head.body) > MAX_LETTERS:
            yield portion
            portion = []
        portion.append(head)
    if portion:
        yield portion


def _earlier(heads: Sequence[Head]) -> dict[int, Earlier]:
    """Return how these notes were cut before."""
    numbers = dict(
        SplitNote.objects.filter(
            note__in=[head.pid for head in heads], splitter=split.SPLITTER_VERSION
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
        body = head.body if number == head.number else gateway.body_of(head.pid, number)
        if body is not None:
            earlier[head.pid] = Earlier(body, places[head.pid])
    return earlier


def _places(text: str, raw: str, *, is_code: bool) -> "Places":
    """Return where the sentences of a passage stand in the text that is embedded."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    at = 0
    for start, end in sentences(raw, is_code=is_code)[:MAX_SENTENCES]:
        said = split.cleaned(raw[start:end])
        here = text.find(said, at) if said else -1
        if here >= 0:
            at = here + len(said)
            found.append(((here, at), (start, end)))
    return found
