"""The HNSW graph of an index that has grown beyond comparing, built beside everything else.

CREATE INDEX would lock out whoever saves or deletes a note until it is done, minutes later.
CREATE INDEX CONCURRENTLY locks out nobody, and outlives the worker that asked for it: it runs
in PostgreSQL, on a connection of its own, while the worker does other things. One that did not
come to its end leaves an index that is not valid, which is dropped and begun anew.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections

from mlhooks.models import EncoderIndex

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

logger = logging.getLogger(__name__)

# A table of fewer passages is compared whole faster than its graph is walked.
GRAPH_FROM = 20_000
# pgvector's limit for the graph of a halfvec.
MAX_DIMENSIONS = 4_000
MEMORY = "1GB"
# Says "commonplace graph", and the number of the index, to nobody else.
LOCK = 0x636F6D67
# What failed, as on a full disk, is tried again after so long.
AGAIN_AFTER_S = 3600.0

SETTINGS = f"""
    SELECT set_config('maintenance_work_mem', '{MEMORY}', false),
           set_config('max_parallel_maintenance_workers', '0', false),
           set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)
"""
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
HOW_FAR = """
    SELECT phase, round(100.0 * blocks_done / nullif(blocks_total, 0))::int
      FROM pg_stat_progress_create_index WHERE relid = to_regclass(%s)
"""
MAKE = "CREATE INDEX CONCURRENTLY {graph} ON {table} USING hnsw (vector halfvec_cosine_ops)"

_threads: dict[int, threading.Thread] = {}
_failed: dict[int, float] = {}


def is_due(index: EncoderIndex) -> bool:
    """Tell whether an index needs a graph and has none. Up to two queries."""
    if index.has_graph or index.dimensions > MAX_DIMENSIONS:
        return False
    return index.about_passages() >= GRAPH_FROM


def build(index: EncoderIndex) -> bool:
    """Build the graph if it is due, and wait for it; return whether there is one.

    False while another process builds it. Waits for ever inside a transaction that has looked
    at the index. Raises django.db.Error.
    """
    if is_due(index):
        own = connections[DEFAULT_DB_ALIAS].copy()
        try:
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, index.pk])
                if not cursor.fetchone()[0]:
                    return False
                cursor.execute(SETTINGS)
                if not _is_valid(cursor, index):
                    cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_name(index)}")
                    cursor.execute(MAKE.format(graph=_name(index), table=index.table))
        finally:
            own.close()
        _note(index)
    return index.has_graph


def maintain(index: EncoderIndex) -> str | None:
    """See to it that the graph is built if it is due, without waiting for it.

    Returns a sentence while that goes on. None: there is a graph, or no need of one, or it
    failed a short while ago, which the log tells; without one all passages are compared.
    """
    if not is_due(index):
        return None
    with connection.cursor() as cursor:
        if _is_valid(cursor, index):
            _note(index)
            return None
    if time.monotonic() - _failed.get(index.pk, -AGAIN_AFTER_S) < AGAIN_AFTER_S:
        return None
    thread = _threads.get(index.pk)
    if thread is None or not thread.is_alive():
        _threads[index.pk] = threading.Thread(
            target=_build, args=(index,), name=f"graph-{index.pk}", daemon=True
        )
        _threads[index.pk].start()
    return f"The graph is built: {_how_far(index)}."


def _build(index: EncoderIndex) -> None:
    try:
        build(index)
    except Error as error:
        _failed[index.pk] = time.monotonic()
        logger.error("The graph of index %s could not be built: %s", index.pk, error)
    finally:
        connection.close()


def _how_far(index: EncoderIndex) -> str:
    with connection.cursor() as cursor:
        cursor.execute(HOW_FAR, [index.table])
        phase, percent = cursor.fetchone() or (None, None)
    if phase is None:
        return "just begun"
    return phase if percent is None or "loading" not in phase else f"{percent} %"


def _is_valid(cursor: "CursorWrapper", index: EncoderIndex) -> bool:
    cursor.execute(IS_VALID, [_name(index)])
    found = cursor.fetchone()
    return bool(found and found[0])


def _note(index: EncoderIndex) -> None:
    """Let searches know that there is a graph."""
    EncoderIndex.objects.filter(pk=index.pk).update(has_graph=True)
    index.has_graph = True


def _name(index: EncoderIndex) -> str:
    return f"{index.table}_graph"
