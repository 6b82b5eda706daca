"""What a ranker gives back: notes with scores, and the passage that is closest by meaning."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Passage:
    """The passage of a note that is closest by meaning.

    start, end: characters of the indexed revision's body. heading: the path of headings it
    stands under, " > " between; may be "". revision: the number of the revision that was
    indexed, at indexed_at.
    """

    id: int
    start: int
    end: int
    heading: str
    revision: int
    indexed_at: datetime


@dataclass(frozen=True)
class Hit:
    """A note that was found.

    score: by words, BM25, which only means something beside the others of its query; by
    meaning, the cosine similarity, -1 to 1. is_close: False if it is no closer to the query
    than unrelated notes usually are.
    """

    pid: int
    score: float
    passage: Passage | None = None
    is_close: bool = True


class Away(Exception):
    """Raised by a ranker that cannot answer now; the text is a sentence for the reader."""
