"""Which index answers, and building another one while it does.

A new index is built beside the active one: notes are read some at a time, oldest first, and
what was read stays when the work is cancelled or its worker dies; it goes on from there. When
no note is left the graph is built, what was saved meanwhile is read, and one UPDATE makes the
new index the active one. The old one stays for going back until it is deleted.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, transaction
from django.db.models.functions import Now

from mlhooks import jobs, notes
from mlhooks.embeddings import calibration, indexing, loading
from mlhooks.embeddings.indexing import Done
from mlhooks.jobs import Transient
from mlhooks.models import EncoderIndex, Job

if TYPE_CHECKING:
    from mlhooks.embeddings.infer import Encoder

# kind of the job that builds an index; its key is the name of the encoder
BUILD_INDEX = "build_index"
# Says "commonplace index" to nobody else: the first index is made once.
LOCK = 0x636F6D696E
NOTES_AT_A_TIME = 32
# Notes saved while the last ones were read are read too, as often; the rest has its own jobs.
CATCH_UPS = 3
# A table of fewer passages is compared whole faster than its graph is walked.
GRAPH_FROM = 20_000
GRAPH_MEMORY = "512MB"

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Built:
    """What building did; failed: notes that could not be stored, which are tried again later."""

    index: int
    done: Done
    failed: int
    seconds: float


def active() -> tuple[EncoderIndex, "Encoder"]:
    """Return the active index and its encoder; makes the first index. Raises NoSuchModel."""
    index = EncoderIndex.objects.active() or _first()
    return index, loading.encoder_of(index)


def request(encoder: str, *, user: AbstractBaseUser | AnonymousUser | None = None) -> Job:
    """Ask for an index by this encoder to be built, or gone on with, and then made active."""
    return jobs.request(BUILD_INDEX, key=encoder, payload={"encoder": encoder}, user=user)


def build(name: str, progress: Progress) -> Built:
    """Build the index of an encoder as far as it is not built, and make it active.

    Raises NoSuchModel, and what progress raises when the work is cancelled.
    """
    begin = time.monotonic()
    progress(0.0, f"Loading {name}.")
    encoder, sha256 = loading.encoder(name)
    index = EncoderIndex.objects.filter(encoder=name, weights_sha256=sha256).first()
    if index is None:
        index = EncoderIndex.objects.make(name, sha256, encoder.dimensions)
    done, failed = _read_notes(index, encoder, progress)
    progress(0.98, "Building the graph.")
    tend_graph(index)
    calibration.calibrate(index, encoder)
    for _ in range(CATCH_UPS):
        more, failed = _read_notes(index, encoder, progress, at_least=0.98)
        done.add(more)
        if not more.current:
            break
    switch(index)
    for pids in notes.not_current_pids(index, 1_000):
        indexing.request(pids)
    progress(1.0, f"{notes.count_current(index):,} notes are read; this index answers now.")
    return Built(index.pk, done, failed, round(time.monotonic() - begin, 1))


@transaction.atomic
def switch(index: EncoderIndex) -> None:
    """Let searches be answered by another index from now on."""
    EncoderIndex.objects.filter(pk=index.pk).update(state=EncoderIndex.State.READY, ready_at=Now())
    index.activate()


def tend_graph(index: EncoderIndex) -> None:
    """Build the HNSW graph of an index that has grown beyond comparing."""
    if index.has_graph:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {index.table}")
        if cursor.fetchone()[0] < GRAPH_FROM:
            return
        with transaction.atomic():
            cursor.execute(f"SET LOCAL maintenance_work_mem = '{GRAPH_MEMORY}'")
            cursor.execute("SET LOCAL max_parallel_maintenance_workers = 1")
            cursor.execute(
                f"CREATE INDEX {index.table}_graph ON {index.table}"
                " USING hnsw (vector halfvec_cosine_ops)"
            )
            EncoderIndex.objects.filter(pk=index.pk).update(has_graph=True)
    index.has_graph = True


def _read_notes(
    index: EncoderIndex, encoder: "Encoder", progress: Progress, *, at_least: float = 0.0
) -> tuple[Done, int]:
    """Read the notes that are not current; return what was done and how many failed."""
    done, failed, begin = Done(), 0, time.monotonic()
    total = notes.not_current(index).count()
    whole = notes.count()
    for pids in notes.not_current_pids(index, NOTES_AT_A_TIME):
        try:
            done.add(indexing.index_notes(index, encoder, pids))
        except Transient:
            failed += len(pids)
        read = done.current + done.gone + done.overtaken + failed
        left_s = (time.monotonic() - begin) / max(1, read) * max(0, total - read)
        share = 1 - max(0, total - read) / max(1, whole)
        progress(
            max(at_least, 0.98 * share),
            f"{whole - max(0, total - read):,} of {whole:,} notes read, "
            f"note {{{pids[-1]}}}; {_time_left(left_s)}.",
        )
    return done, failed


def _time_left(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute left"
    if seconds < 5_400:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"


def _first() -> EncoderIndex:
    """Make the index of a new notebook: it answers at once, with what it holds so far."""
    encoder, sha256 = loading.encoder(settings.WIKI_ENCODER)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        index = EncoderIndex.objects.active()
        if index is None:
            index = EncoderIndex.objects.make(settings.WIKI_ENCODER, sha256, encoder.dimensions)
            calibration.calibrate(index, encoder)
            switch(index)
        return index
