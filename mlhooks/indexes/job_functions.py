"""The functions of jobs about indexes, as mlhooks/jobs/kinds.py names them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mlhooks.indexes import embedder, index_build, ranking, reconciler
from mlhooks.jobs import Requeue
from mlhooks.jobs.kinds import Progress


def embed_note(payload: dict[str, Any], progress: Progress) -> Any:
    """Bring one note up to date in the active index; a note that is gone leaves it."""
    return asdict(index_build.read_note(payload["pid"]))


def embed_notes(payloads: Sequence[dict[str, Any]]) -> list[Any]:
    """Bring several notes up to date: together they take the encoder half as long."""
    index, encoder = index_build.active()
    done = embedder.index_notes(index, encoder, [payload["pid"] for payload in payloads])
    return [{**asdict(done), "together": len(payloads)}] * len(payloads)


def build_index(payload: dict[str, Any], progress: Progress) -> Any:
    """Let an encoder embed all notes that are missing from its index, then activate the index."""
    return index_build.build(payload, progress)


def reconcile_index(payload: dict[str, Any], progress: Progress) -> Any:
    """Request what is missing from the active index, for whatever reason."""
    done = reconciler.reconcile()
    if reconciler.is_new():
        raise Requeue(payload, after_s=reconciler.NEW_S)
    return done


def encode_query(payload: dict[str, Any], progress: Progress) -> Any:
    """Store the vector of a query, and forget its words."""
    return ranking.encode(payload)
