"""Reconcile the active index with the notes: find what is missing from it, and request that.

Every save requests its note in its own transaction, so nothing is lost there. This finds the
rest: notes from a backup, from before the ML app or from a time without it, notes that an older
version has split, jobs that failed for a reason that may have passed, another WIKI_ENCODER.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.embeddings import loaded
from mlhooks.indexes import calibration, hnsw, index_build, ranking, requests, store
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.models import ActiveIndex, EncoderIndex, Job, UnreadNote

# A notebook that was just begun is reconciled again this soon: it has no relevance threshold yet.
NEW_S = 10
AT_A_TIME = 1_000
# A note that could not be embedded is tried again after so long.
AGAIN_AFTER = timedelta(hours=1)


def reconcile() -> dict[str, Any]:
    """Request what is missing from the index; return how much that is. Raises NoSuchModel."""
    ranking.forget_words()
    EncoderIndex.objects.drop_orphans()
    if EncoderIndex.objects.active() is None and not gateway.count():
        return {"requested": 0, "gone": 0}
    index = index_build.active_index()
    follow_setting(index)
    gone = gateway.gone_pids()
    for pid in gone:
        store.forget_gone(pid)
    store.invalidate_earlier_splits()
    requested = _request_missing(index)
    hnsw.maintain(index)
    if calibration.is_due(index):
        calibration.calibrate(index, loaded.encoder_of(index))
    return {"requested": requested, "gone": len(gone)}


def is_new() -> bool:
    """Tell whether there are notes, but none was embedded when the index was last reconciled."""
    index = EncoderIndex.objects.active()
    return index is not None and "least" not in index.closeness and bool(gateway.count())


def follow_setting(index: EncoderIndex) -> None:
    """Request another index where WIKI_ENCODER, or what it means, is another than before.

    Once: an encoder that people chose instead, or whose building they cancelled, stays so
    until the setting changes again.
    """
    name = loaded.configured()
    sha256 = loaded.weights_here(name)
    with transaction.atomic():
        row = ActiveIndex.objects.select_for_update(of=("self",)).get()
        if (row.configured, row.configured_sha256) == (name, sha256):
            return
        if row.configured != name:
            # Weights that are not here may come from the hub; or the job tells why they do not.
            is_wanted = (name, sha256) != (index.encoder, index.weights_sha256)
        else:
            known = EncoderIndex.objects.filter(encoder=name, weights_sha256=sha256)
            is_wanted = bool(sha256) and not known.exists()
        row.configured, row.configured_sha256 = name, sha256
        row.save(update_fields=["configured", "configured_sha256"])
        if is_wanted:
            index_build.request(name)


def _request_missing(index: EncoderIndex) -> int:
    requested = 0
    for pids in gateway.pids_in_order(gateway.not_current(index), AT_A_TIME):
        asked = _asked(index, pids)
        missing = [pid for pid in pids if str(pid) not in asked]
        if missing and not requested:
            # One sentence that it cannot be loaded is enough; each note would say it.
            loaded.encoder_of(index)
        requests.request(missing)
        requested += len(missing)
    return requested


def _asked(index: EncoderIndex, pids: Sequence[int]) -> set[str]:
    """Return the keys of notes whose job waits, runs, or failed for good a short while ago."""
    recent = Now() - AGAIN_AFTER
    embedding = Job.objects.filter(kind=EMBED_NOTE, key__in=[str(pid) for pid in pids])
    hopeless = Q(state=Job.State.FAILED, attempts_left=0, finished_at__gt=recent)
    asked = embedding.filter(Q(state__in=Job.UNFINISHED) | hopeless)
    unread = UnreadNote.objects.filter(index=index, note__in=pids, failed_at__gt=recent)
    return {*asked.values_list("key", flat=True), *map(str, unread.values_list("note", flat=True))}
