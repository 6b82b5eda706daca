"""`bench search`: the benchmark of the wiki app, and semantic search besides.

The first 20,000 passages are really read, the others copies with noise (filling.py). Queries
that nobody asked before go to a real interactive worker, by a dispatcher and a broker.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.db import connection

from mlhooks.measuring.benchmarks.site_processes import running
from mlhooks.measuring.evaluations.notebooks import Reader
from mlhooks.models import EncoderIndex
from mlhooks.workers import processes
from wiki.measuring.benchmarks import searches
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.subject import Arguments, Options, Subject, add_cache, add_notes

NEAREST_QUERIES = 100
SEED = 31


def run(options: Options) -> dict[str, Any]:
    """Build a notebook of options["notes"] notes and search it.

    options["cache"]: a folder that keeps vectors for next time. Raises NotMeasured.
    """
    return searches.run(options, Meaning(options.get("cache")))


class Meaning:
    """What the ML app brings: see wiki.measuring.benchmarks.searches.Meaning."""

    def __init__(self, cache_folder: Path | None = None) -> None:
        self.reader = Reader(cache_folder)

    def fill(self, topics: Mapping[int, str]) -> dict[str, Any]:
        """Let all notes be read, or seem so."""
        # Here and below: brings PyTorch along, which no web process is to load.
        from mlhooks.measuring.benchmarks.synthetic_vectors import fill

        return fill(self.reader, topics)

    def answering(self) -> AbstractContextManager[Any]:
        """Run an interactive worker, a dispatcher and a broker."""
        return running(processes.workers(2)[:1])

    def figures(self, topics: Mapping[int, str], machine: Machine) -> dict[str, Any]:
        """Ask for the nearest notes alone, by other queries than were timed before."""
        from mlhooks.measuring.benchmarks import nearest_neighbours

        index, encoder = self.reader.active()
        corpus = Corpus(SEED)
        half = NEAREST_QUERIES // 2
        texts = (*corpus.queries(half), *corpus.questions(half))
        vectors = [encoder.encode_query(text).tolist() for text in texts]
        return nearest_neighbours.figures(index, topics, vectors, machine)

    def bytes(self) -> int:
        """Return how much the vectors take on disk, with their indexes."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s)", [EncoderIndex.objects.get().table])
            return int(cursor.fetchone()[0])


def add_arguments(arguments: Arguments) -> None:
    """Declare how many notes there are, and where vectors are kept."""
    add_notes(arguments)
    add_cache(arguments)


SUBJECT = Subject(run, add_arguments)
