"""Models of the ML app: jobs and workers; passages, indexes and query vectors."""

from mlhooks.models.encoder_index import ActiveIndex, EncoderIndex, IndexInUse
from mlhooks.models.job import Job, Queue
from mlhooks.models.passage import IndexedNote, NoteBlocks, Passage, SplitNote, UnreadNote
from mlhooks.models.query_vector import QueryVector
from mlhooks.models.worker import Worker

__all__ = [
    "ActiveIndex",
    "EncoderIndex",
    "IndexInUse",
    "IndexedNote",
    "Job",
    "NoteBlocks",
    "Passage",
    "QueryVector",
    "Queue",
    "SplitNote",
    "UnreadNote",
    "Worker",
]
