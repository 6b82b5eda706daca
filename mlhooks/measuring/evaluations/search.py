"""`evaluate search`: the evaluation of the wiki app, and semantic search besides.

The notes of each set are cut and read by the configured encoder in this process; then the same
search that answers readers is asked, with the vectors of all queries kept beforehand.
"""

from typing import Any

from django.conf import settings

from mlhooks.measuring.evaluations.notebooks import Reader
from wiki.measuring.evaluations import search
from wiki.measuring.evaluations.notebook import Notebook
from wiki.measuring.subject import Options, Subject


def run(options: Options) -> dict[str, Any]:
    """Evaluate on options["corpus"]; options["cache"]: a folder that keeps vectors for next time.

    Raises NothingToEvaluate.
    """
    reader = Reader(options.get("cache"))

    def read(notebook: Notebook) -> None:
        reader.read(query.text for query in notebook.retrieval_set.queries)

    reading = None if options.get("mode") == "lexical" else search.Reading(_encoder(), read)
    return search.run(options, reading)


def _encoder() -> str:
    return str(settings.WIKI_ENCODER)


SUBJECT = Subject(run, search.add_arguments)
