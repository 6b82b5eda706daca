"""Semantic ranking: the ranker and the explainer that the wiki app calls.

The query's vector is kept from an earlier search, or an interactive worker makes it, while the
wiki app looks up words and a quarter of a second longer; without one, words alone answer.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from mlhooks import jobs
from mlhooks.embeddings import loaded, registry
from mlhooks.embeddings.sentence_attribution import most_telling
from mlhooks.gateway import Readable
from mlhooks.indexes.nearest import nearest, packed_sentences
from mlhooks.indexes.store import vector_literal
from mlhooks.jobs.kinds import ENCODE_QUERY
from mlhooks.models import EncoderIndex, Job, QueryVector, Queue, Worker
from mlhooks.models.job import JobQuerySet
from mlhooks.models.query_vector import query_digest
from wiki.extensions import Away, Hit, Passage
from wiki.search.query import ParsedQuery

WAIT_S = 0.25
LONG = timedelta(seconds=WAIT_S)

# The page says what it searched by; these sentences say why not by meaning.
NOT_YET = "No note has been read for meaning yet. A worker begins as soon as it runs."
NO_WORKER = "The worker that reads for meaning does not answer{since}."
TOO_SLOW = "The worker that reads for meaning is busy. Search once more in a moment."


def rank(query: ParsedQuery, readable: Readable, limit: int) -> list[Hit]:
    """Return the notes nearest to a query by meaning. Raises Away."""
    if not query.text.strip():
        return []
    index = EncoderIndex.objects.remembered_active()
    if index is None:
        raise Away(NOT_YET)
    vector = query_vector(index, query.text)
    scope = None if readable.is_narrowed else str(readable.scope)
    least = index.closeness.get("least", 0.0)
    return [
        Hit(
            near.pid,
            near.cosine,
            Passage(
                near.passage,
                near.start,
                near.end,
                near.heading,
                near.revision,
                near.indexed_at,
            ),
            is_close=near.cosine >= least,
        )
        for near in nearest(index, vector_literal(vector), readable, limit, scope=scope)
    ]


def about() -> str:
    """Say which language search by meaning understands."""
    index = EncoderIndex.objects.remembered_active()
    if index is None or index.encoder != registry.DEFAULT:
        return ""
    return "By meaning English is understood; of other languages little."


def explain(query: ParsedQuery, hits: Sequence[Hit]) -> dict[int, tuple[int, int]]:
    """Return for each hit the sentence closest to the query, as start and end in the text."""
    index = EncoderIndex.objects.remembered_active()
    passages = {hit.passage.id: hit for hit in hits if hit.passage is not None}
    vector = None if index is None else QueryVector.objects.of(query_digest(index, query.text))
    if index is None or vector is None or not passages:
        return {}
    found = {}
    for number, packed in packed_sentences(index, list(passages)).items():
        hit = passages[number]
        place = most_telling(packed, vector, hit.score)
        if place is not None and hit.passage is not None:
            start = hit.passage.start
            found[hit.pid] = (start + place[0], start + place[1])
    return found


def prepare(query: ParsedQuery) -> None:
    """Let a worker begin with the vector of a query, if it is not kept and one can."""
    index = EncoderIndex.objects.remembered_active()
    if index is None or not query.text.strip():
        return
    digest = query_digest(index, query.text)
    if not QueryVector.objects.filter(pk=digest).exists() and not _reason_not_to_ask():
        request_vector(index, query.text)


def query_vector(index: EncoderIndex, text: str) -> list[float]:
    """Return the vector of a query, float[d]: kept, or made by a worker now. Raises Away."""
    digest = query_digest(index, text)
    kept = QueryVector.objects.of(digest)
    if kept is not None:
        return kept
    asked = _asked().filter(key=digest, created_at__gt=Now() - LONG).first()
    if asked is None and (reason := _reason_not_to_ask()):
        raise Away(reason)
    with jobs.listening() as waiter:
        job = waiter.wait(asked or request_vector(index, text), WAIT_S)
    made = QueryVector.objects.of(digest)
    if made is None:
        raise Away(job.error if job.is_finished and job.error else TOO_SLOW)
    return made


def request_vector(index: EncoderIndex, text: str) -> Job:
    """Ask people's worker for the vector of a query."""
    digest = query_digest(index, text)
    payload = {"index": index.pk, "digest": digest, "text": text}
    return jobs.request(ENCODE_QUERY, key=digest, payload=payload)


def encode(payload: dict[str, Any]) -> None:
    """Keep the vector of the query a job was requested for; what a worker does.

    The words leave the job's row here, before it is finished. Raises NoSuchModel.
    """
    digest, text = payload["digest"], payload.get("text")
    index = EncoderIndex.objects.filter(pk=payload["index"]).first()
    if index is None or text is None:
        return
    encoder = loaded.encoder_of(index)
    QueryVector.objects.keep(digest, encoder.encode_query(text).tolist())
    forgotten = {"index": index.pk, "digest": digest}
    Job.objects.filter(kind=ENCODE_QUERY, key=digest).update(payload=forgotten)


def forget_words() -> None:
    """Let no job keep what somebody searched for once it has failed or was cancelled."""
    asked = Job.objects.filter(kind=ENCODE_QUERY, payload__has_key="text")
    asked.exclude(state__in=Job.UNFINISHED).update(payload={})


def _reason_not_to_ask() -> str:
    """Return why no worker would answer in time, a sentence, or ""."""
    if not Worker.objects.serving(Queue.INTERACTIVE).exists():
        return NO_WORKER.format(since=_since())
    # One that was asked before waits for longer than anybody waits for this one.
    return TOO_SLOW if _asked().filter(created_at__lt=Now() - LONG).exists() else ""


def _asked() -> JobQuerySet:
    return Job.objects.unfinished().filter(kind=ENCODE_QUERY)


def _since() -> str:
    seen = Worker.objects.filter(queues__contains=[Queue.INTERACTIVE]).order_by("-seen_at")
    last = seen.values_list("seen_at", flat=True).first()
    return f" since {last:%H:%M} gmt" if last else ""
