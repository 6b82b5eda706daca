"""A semantic ranker for tests, with written scores instead of computed ones.

`Meaning` is registered as ranker and explainer; it records what it was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wiki.extensions import Away, Hit, Passage
from wiki.models import Note


@dataclass
class Meaning:
    """scores: by the first word of a title, the similarity of that note to any query.

    Below `far` a note is not close. sentences: by first word, the sentence attribution; its
    passage is the line of that sentence. revisions: which was indexed, if not the newest.
    away: why the ranker cannot answer.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    far: float = 0.3
    sentences: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, int] = field(default_factory=dict)
    age: timedelta = timedelta(seconds=12)
    away: str = ""
    asked: list[str] = field(default_factory=list)
    given: list[set[str]] = field(default_factory=list)
    explained: list[set[int]] = field(default_factory=list)

    def rank(self, query: Any, readable: Any, limit: int) -> list[Hit]:
        """Rank the notes that were given by their scores."""
        self.asked.append(query.text)
        if self.away:
            raise Away(self.away)
        notes = list(readable.select_related("head"))
        self.given.append({note.title for note in notes})
        known = [note for note in notes if first(note) in self.scores]
        hits = [
            Hit(note.pid, self.scores[first(note)], self._passage(note), self._is_close(note))
            for note in known
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.pid))[:limit]

    def explain(self, query: Any, hits: Sequence[Hit]) -> dict[int, tuple[int, int]]:
        """Return where the sentences are."""
        self.explained.append({hit.pid for hit in hits})
        places = {}
        for note in Note.objects.filter(pid__in=[hit.pid for hit in hits]).select_related("head"):
            sentence = self.sentences.get(first(note), "")
            if sentence:
                start = note.head.body.index(sentence)
                places[note.pid] = (start, start + len(sentence))
        return places

    def _is_close(self, note: Note) -> bool:
        return self.scores[first(note)] >= self.far

    def _passage(self, note: Note) -> Passage:
        assert note.head is not None
        body = note.head.body or ""
        at = body.find(self.sentences.get(first(note), ""))
        start = body.rfind("\n", 0, max(0, at)) + 1
        end = body.find("\n", start)
        return Passage(
            id=note.pid,
            start=start,
            end=end if end >= 0 else len(body),
            heading=self.headings.get(first(note), ""),
            revision=self.revisions.get(first(note), note.head.number),
            indexed_at=datetime.now(UTC) - self.age,
        )


def first(note: Note) -> str:
    """Return the first word of a title."""
    return note.title.split()[0]
