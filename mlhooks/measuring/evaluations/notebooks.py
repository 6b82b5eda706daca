"""Notebooks read for meaning in this process, as workers would."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import QuerySet

from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.indexes import calibration, embedder, hnsw, index_build
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.models import EncoderIndex, Job, QueryVector
from mlhooks.models.query_vector import query_digest
from wiki.measuring.benchmarks.population import settle
from wiki.measuring.evaluations.notebook import NothingToEvaluate, readable
from wiki.search.query import parse
from wiki.search.results_page import ResultsPage, search

if TYPE_CHECKING:
    from mlhooks.embeddings.encoder import Encoder
    from mlhooks.measuring.evaluations.vector_cache import KeepingEncoder

NOTES_AT_A_TIME = 256


class Reader:
    """Reads with the configured encoder; what it made of a text before is kept in a folder."""

    def __init__(self, cache_folder: str | Path | None = None) -> None:
        """Keep vectors in that folder, or in one among the user's caches."""
        self._cache_folder = cache_folder
        self._encoder: KeepingEncoder | None = None

    def read(self, queries: Iterable[str]) -> EncoderIndex:
        """Do all that waits to be read, and keep the vector of every query.

        Raises NothingToEvaluate if there is no such encoder.
        """
        index, encoder = self.active()
        while asked := list(_waiting()[:NOTES_AT_A_TIME]):
            # Deleted first: reading some notes may ask for others once more.
            Job.objects.filter(pk__in=[job.pk for job in asked]).delete()
            embedder.index_notes(index, encoder, [job.payload["pid"] for job in asked])
        settle()
        hnsw.build(index)
        calibration.calibrate(index, encoder)
        for query in queries:
            keep_query(index, encoder, parse(query).text)
        # Searches remember the index as it was before all this.
        cache.clear()
        return index

    def ask(self, typed: str, **options: Any) -> ResultsPage:
        """Ask as somebody does on the page who has no account; options: those of search().

        Once more where the page looked for other words than were typed, which nobody read yet.
        """
        made = search(typed, readable(), **options)
        if made.retrieval.unavailable:
            keep_query(*self.active(), made.query.text)
            made = search(typed, readable(), **options)
        return made

    def active(self) -> tuple[EncoderIndex, "KeepingEncoder"]:
        """Return the active index, made if there is none, and its encoder.

        Raises NothingToEvaluate.
        """
        # Brings PyTorch along, which no web process is to load.
        from mlhooks.measuring.evaluations.vector_cache import KeepingEncoder, folder

        try:
            index, encoder = index_build.active()
        except NoSuchModel as error:
            raise NothingToEvaluate(str(error)) from error
        if self._encoder is None:
            where = folder(self._cache_folder)
            self._encoder = KeepingEncoder(encoder, index.weights_sha256, where)
        return index, self._encoder


def keep_query(index: EncoderIndex, encoder: "Encoder", text: str) -> None:
    """Let the vector of a query be there already, as after an earlier search."""
    QueryVector.objects.keep(query_digest(index, text), encoder.encode_query(text).tolist())


def _waiting() -> QuerySet[Job]:
    return Job.objects.filter(kind=EMBED_NOTE, state=Job.State.WAITING).order_by("pk")
