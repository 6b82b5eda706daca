"""Which index answers, and building another one while it does.

A new index is built beside the active one: notes are read some at a time, oldest first, and
what was read stays when the work is cancelled or its worker dies; it goes on from there. When
no note is left the graph is built, what was saved meanwhile is read, and one UPDATE makes the
new index the active one. The old one stays for going back until it is dropped.

Hours of work are done in turns, so that notes saved meanwhile are read for the index that
answers within seconds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from mlhooks import gateway, jobs
from mlhooks.embeddings import loaded
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.indexes import calibration, embedder, hnsw, ranking, requests
from mlhooks.indexes.failed_notes import PASSING, remember
from mlhooks.indexes.off_topic_queries import EVERYDAY
from mlhooks.indexes.progress import falls_short, progress_of
from mlhooks.indexes.store import Stored
from mlhooks.jobs import Requeue, Transient
from mlhooks.jobs.kinds import BUILD_INDEX
from mlhooks.models import ActiveIndex, EncoderIndex, Job, Queue, UnreadNote
from wiki.reader import Reader

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Encoder

# Say "commonplace index" and "commonplace encoder" to nobody else: the first index is made
# once, and one encoder is asked for at a time.
LOCK, LOCK_REQUEST = 0x636F6D696E, 0x636F6D656E
NOTES_AT_A_TIME = 32
# Notes saved while the last ones were read are read too, as often; the rest has its own jobs.
CATCH_UPS = 3
# A turn, if others wait, and if nobody does. Changing over costs loading an encoder.
TURN_S, MAX_TURN_S = 10.0, 600.0
# Whoever waits for so long waits for this work.
WAITS_S = 1.0
GRAPH_LOOK_S = 5.0
# How long is left is told once it can be known a little.
KNOWN_AFTER_S = 3.0

Progress = Callable[[float, str], None]


def active() -> tuple[EncoderIndex, "Encoder"]:
    """Return the active index and its encoder; makes the first index. Raises NoSuchModel."""
    index = active_index()
    return index, loaded.encoder_of(index)


def active_index() -> EncoderIndex:
    """Return the active index; makes the first one. Raises NoSuchModel."""
    return EncoderIndex.objects.active() or _first()


def request(encoder: str, *, answers: bool = True, user: Reader | None = None) -> Job:
    """Ask for an index by this encoder to be built, or gone on with.

    Notes that could not be read are tried again. answers: whether it is then made the active
    one; the encoder that was asked for before, if it is still being built, is left as it is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_REQUEST])
        if answers:
            for job in Job.objects.unfinished().filter(kind=BUILD_INDEX).exclude(key=encoder):
                if job.payload.get("answers", True):
                    job.cancel()
        UnreadNote.objects.filter(index__encoder=encoder).delete()
        payload = {"encoder": encoder, "answers": answers}
        return jobs.request(BUILD_INDEX, key=encoder, payload=payload, user=user)


def read_note(pid: int) -> Stored:
    """Bring a note up to date in the active index, or remember why that cannot be done."""
    index, encoder = active()
    try:
        return embedder.index_notes(index, encoder, [pid])
    except PASSING:
        raise
    except Exception as error:
        remember(index, pid, error)
        raise


def build(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Build the index of an encoder as far as it is not built, and let it answer.

    payload: {"encoder", "answers"}, and what the turn before leaves. Returns what `reembed`
    prints. Raises Requeue, NoSuchModel, and what progress raises when the work is cancelled.
    """
    return _Build(payload, progress).run()


def switch(index: EncoderIndex) -> None:
    """Let searches be answered by another index from now on. One UPDATE, instantly undone.

    Raises EncoderIndex.DoesNotExist.
    """
    with transaction.atomic():
        _activate(index)
        # People's worker has the other encoder, and is to have this one before anybody asks.
        ranking.request_vector(index, EVERYDAY[0])


class _Build:
    """One turn of building an index."""

    def __init__(self, payload: dict[str, Any], progress: Progress) -> None:
        self.name: str = payload["encoder"]
        self.answers: bool = payload.get("answers", True)
        self.embedded: int = payload.get("embedded", 0)
        self.seconds: float = payload.get("seconds", 0.0)
        self.progress = progress
        self.begin = time.monotonic()
        progress(0.0, f"Loading {self.name}.")
        self.encoder, sha256 = loaded.encoder(self.name)
        self.index = EncoderIndex.objects.make(
            self.name, sha256, self.encoder.dimensions, self.encoder.longest
        )
        if self.index.dimensions != self.encoder.dimensions:
            raise NoSuchModel(
                f"{self.name} makes vectors of {self.encoder.dimensions} numbers now, and its "
                f"index has {self.index.dimensions}. Delete the index and build it anew."
            )

    def run(self) -> dict[str, Any]:
        """Do what is left to do, until it is another's turn."""
        if self._read_notes():
            self._analyse()
        self._await_graph()
        calibration.calibrate(self.index, self.encoder)
        for _ in range(CATCH_UPS):
            if not self._read_notes():
                break
        answering = EncoderIndex.objects.active()
        if self.answers or answering is None or answering.encoder == self.name:
            with transaction.atomic():
                # Whoever cancels the work from now on is too late.
                self.progress(1.0, "Every note is read; this index answers now.")
                switch(self.index)
        else:
            self.progress(1.0, "Every note is read.")
        for pids in gateway.pids_in_order(gateway.left_to_embed(self.index), 1_000):
            requests.request(pids)
        # Its own job, which has just about ended, says nothing new.
        whole = replace(progress_of(self.index), job=None)
        return whole.as_json(self.embedded, self._seconds())

    def _read_notes(self) -> bool:
        """Read the notes that are left to be read; return whether there were any."""
        left_over = gateway.left_to_embed(self.index)
        whole, left, begin = gateway.count(), left_over.count(), time.monotonic()
        read = 0
        for pids in _portions(left_over):
            tell = partial(self._tell, whole, left, read, pids[-1], begin)
            tell()
            self._read(pids, tell)
            read += len(pids)
            self._requeue()
        return read > 0

    def _read(self, pids: Sequence[int], pulse: Callable[[], None]) -> None:
        """Read some notes; each by itself if one of them cannot be read."""
        try:
            self._index(pids, pulse)
        except Transient:
            # Another worker has just read some of them; the next round finds what is left.
            return
        except PASSING:
            raise
        except Exception as error:
            if len(pids) == 1:
                remember(self.index, pids[0], error)
            else:
                for pid in pids:
                    self._read([pid], pulse)

    def _index(self, pids: Sequence[int], pulse: Callable[[], None]) -> None:
        done = embedder.index_notes(self.index, self.encoder, pids, pulse)
        self.embedded += done.embedded

    def _tell(self, whole: int, left: int, read: int, pid: int, begin: float) -> None:
        there = max(0, whole - left + read)
        passed_s = time.monotonic() - begin
        time_left = ""
        if read and passed_s > KNOWN_AFTER_S:
            time_left = f"; {_time_left(passed_s / read * max(0, left - read))}"
        said = f"{there:,} of {whole:,} notes read, note {{{pid}}}{time_left}."
        shortcoming = falls_short(self.index.longest)
        self.progress(min(0.97, there / max(1, whole)), f"{said} {shortcoming}".strip())

    def _requeue(self) -> None:
        """Let others go first if this turn was long enough. Raises Requeue."""
        passed_s = time.monotonic() - self.begin
        if passed_s > MAX_TURN_S or (passed_s > TURN_S and _others_wait()):
            raise self._room()

    def _room(self, after_s: float = 0) -> Requeue:
        rest = {"embedded": self.embedded, "seconds": self._seconds()}
        payload = {"encoder": self.name, "answers": self.answers, **rest}
        return Requeue(payload, after_s=after_s)

    def _seconds(self) -> float:
        return self.seconds + time.monotonic() - self.begin

    def _analyse(self) -> None:
        """Let PostgreSQL know what is in the tables now, before anybody searches them."""
        with connection.cursor() as cursor:
            for table in (self.index.table, "mlhooks_passage", "mlhooks_indexednote"):
                cursor.execute(f"ANALYZE {table}")

    def _await_graph(self) -> None:
        """Look after the graph, and do other things while it is built. Raises Requeue."""
        self.index.refresh_from_db()
        if said := hnsw.maintain(self.index):
            self.progress(0.98, said)
            raise self._room(GRAPH_LOOK_S)


def _portions(chosen: "QuerySet[Any]") -> Iterator[list[int]]:
    """Yield notes, so few at a time that others need not wait long for their turn."""
    for pids in gateway.pids_in_order(chosen, NOTES_AT_A_TIME):
        lengths = gateway.lengths(pids)
        portion: list[int] = []
        room = embedder.MAX_LETTERS
        for pid in pids:
            length = lengths.get(pid, 0)
            if portion and length > room:
                yield portion
                portion, room = [], embedder.MAX_LETTERS
            portion.append(pid)
            room -= length
        yield portion


def _others_wait() -> bool:
    """Tell whether other work of the workers of this queue has waited for a while."""
    due = Job.objects.filter(
        state=Job.State.WAITING, queue__in=[Queue.INTERACTIVE, Queue.BACKGROUND]
    )
    return due.filter(run_after__lt=Now() - timedelta(seconds=WAITS_S)).exists()


def _time_left(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute left"
    if seconds < 5_400:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"


def _first() -> EncoderIndex:
    """Make the index of a new notebook: it answers at once, with what it holds so far."""
    name = loaded.configured()
    encoder, sha256 = loaded.encoder(name)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        index = EncoderIndex.objects.active()
        if index is None:
            index = EncoderIndex.objects.make(name, sha256, encoder.dimensions, encoder.longest)
            calibration.calibrate(index, encoder)
            _activate(index)
        return index


def _activate(index: EncoderIndex) -> None:
    index.activate()
    # What was chosen before the settings were ever heeded counts more than they do.
    name = loaded.configured()
    ActiveIndex.objects.filter(configured="").update(
        configured=name, configured_sha256=loaded.weights_here(name)
    )
