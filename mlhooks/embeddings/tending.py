"""Seeing to it that the active index holds every note, whatever happened meanwhile.

Every save asks for its note in its own transaction, so nothing is lost there. This finds the
rest: notes from a backup, from before the workshop, from a time without it, jobs that failed
for a reason that may have passed, another WIKI_ENCODER.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from mlhooks import notes
from mlhooks.embeddings import building, calibration, indexing
from mlhooks.models import ActiveIndex, EncoderIndex, Job

# kind of the job; the dispatcher asks for it every TEND_EVERY_S
TEND_INDEX = "tend_index"
TEND_EVERY_S = 60
AT_A_TIME = 1_000
# A note that could not be indexed is tried again after so long.
AGAIN_AFTER = timedelta(hours=1)


def tend() -> dict[str, Any]:
    """Ask for what the index lacks; return how much that is. Raises NoSuchModel."""
    if EncoderIndex.objects.active() is None and not notes.count():
        return {"requested": 0, "gone": 0}
    index, encoder = building.active()
    configured = ActiveIndex.objects.values_list("configured", flat=True).get()
    if configured != settings.WIKI_ENCODER:
        building.request(settings.WIKI_ENCODER)
        ActiveIndex.objects.update(configured=settings.WIKI_ENCODER)
    gone = notes.gone_pids()
    for pid in gone:
        indexing.forget_gone(pid)
    requested = 0
    for pids in notes.not_current_pids(index, AT_A_TIME):
        asked = _asked(pids)
        lacking = [pid for pid in pids if str(pid) not in asked]
        indexing.request(lacking)
        requested += len(lacking)
    building.tend_graph(index)
    if calibration.is_due(index):
        calibration.calibrate(index, encoder)
    return {"requested": requested, "gone": len(gone)}


def _asked(pids: Sequence[int]) -> set[str]:
    """Return the keys of notes whose job waits, runs, or failed a short while ago."""
    embedding = Job.objects.filter(kind=indexing.EMBED_NOTE, key__in=[str(pid) for pid in pids])
    unfinished = embedding.unfinished().values_list("key", flat=True)
    failed = embedding.filter(state=Job.State.FAILED, finished_at__gt=Now() - AGAIN_AFTER)
    return {*unfinished, *failed.values_list("key", flat=True)}
