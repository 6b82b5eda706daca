"""Results: the notes that were found, with the evidence for each."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.timezone import now

from wiki import extensions
from wiki.analysis.terms import term, tokens
from wiki.extensions import Passage
from wiki.markup import as_read
from wiki.models import Note, Posting
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.fusion import By, Placed
from wiki.search.passages import Freshness, Quote, freshness, quote
from wiki.search.query import ParsedQuery, Word
from wiki.search.retrieval import Found
from wiki.search.snippets import Piece, Wanted, fragments, marked


@dataclass(frozen=True)
class Result:
    """A note that was found, and the evidence for it.

    place: why it stands where it does. words: each word of the query it has, with how often.
    lacking: those it has not. quoted: what its closest passage says, unless the note has
    changed since that was indexed, as freshness tells.
    """

    note: Note
    rank: int
    score: float
    place: Placed
    has_this_title: bool
    title: Sequence[Piece]
    fragments: Sequence[Sequence[Piece]]
    words: Sequence[tuple[str, int]]
    lacking: Sequence[str]
    quoted: Quote | None = None
    freshness: Freshness | None = None

    @property
    def snippet(self) -> str:
        """Return the fragments without their marks."""
        shown = self.fragments or ([self.quoted.pieces] if self.quoted else [])
        return " ".join("".join(piece.text for piece in pieces) for pieces in shown)

    @property
    def has_words(self) -> bool:
        """Tell whether it has a word of the query, or a part of one."""
        return bool(self.words or self.place.words)

    @property
    def is_weak(self) -> bool:
        """Tell whether it is no closer than unrelated notes usually are."""
        return self.place.meaning is not None and not self.place.meaning.hit.is_close

    @property
    def meant(self) -> Quote | None:
        """Return the passage, if it says something that the fragments do not."""
        if self.quoted is None or not self.quoted.pieces or (self.has_words and self.is_weak):
            return None
        return self.quoted if self.quoted.says_more_than(self.fragments) else None


class _Evidence:
    """What the results of one page are shown with."""

    def __init__(
        self, hits: Sequence[Placed], query: ParsedQuery, found: Found, notes: Mapping[int, Note]
    ) -> None:
        self.query, self.found = query, found
        self.counts = _counts(list(notes), query.terms)
        self.wanted = _wanted(query, found)
        self.places = _explained(hits, query, notes)
        self.now = now()

    def of(self, rank: int, hit: Placed, note: Note) -> Result:
        """Return the result for a note."""
        body, wanted = as_read(note.head_revision.body or ""), self.wanted
        times = self._times(note)
        words = [(text, often) for text, often in times.items() if often]
        passage = _passage(hit)
        quoted = None
        if passage and passage.revision == note.head_revision.number:
            quoted = quote(body, passage, self.places.get(hit.pid), wanted)
        is_quoted_alone = bool(quoted and quoted.pieces) and not (words or hit.words)
        return Result(
            note=note,
            rank=rank,
            score=_score(hit, self.found.by),
            place=hit,
            has_this_title=hit.pid in self.found.titles,
            title=marked(note.title, wanted),
            fragments=[] if is_quoted_alone else fragments(body, wanted),
            words=words,
            lacking=[text for text, often in times.items() if not often],
            quoted=quoted,
            freshness=freshness(passage, note.head_revision.number, self.now) if passage else None,
        )

    def _times(self, note: Note) -> dict[str, int]:
        """Return how often a note has each word, without stop words."""
        # A word of the title counts twice.
        titled = [term(token.lexeme) for token in tokens(note.title)]
        counts = self.counts[note.pid]
        once = {number: tf - titled.count(number) for number, tf in counts.items()}
        words = (*self.query.phrases, *self.query.words)
        times = {word.text: _times(word, self.query, once) for word in words}
        return {text: often for text, often in times.items() if often is not None}


def results_of(
    hits: Sequence[Placed], query: ParsedQuery, found: Found, readable: NoteQuerySet, first: int = 1
) -> list[Result]:
    """Return a result for each of these hits; three queries and what an explainer asks, or none.

    first: the rank of the first of them.
    """
    if not hits:
        return []
    notes = {note.pid: note for note in readable.filter(pid__in=[h.pid for h in hits]).cards()}
    evidence = _Evidence(hits, query, found, notes)
    return [
        evidence.of(rank, hit, notes[hit.pid])
        for rank, hit in enumerate(hits, first)
        # One may have been deleted a moment ago.
        if hit.pid in notes
    ]


def _passage(hit: Placed) -> Passage | None:
    return hit.meaning.hit.passage if hit.meaning else None


def _explained(
    hits: Sequence[Placed], query: ParsedQuery, notes: Mapping[int, Note]
) -> dict[int, tuple[int, int]]:
    """Ask which sentences are closest to the query, of passages that are still in their notes."""
    current = []
    for hit in hits:
        note, passage = notes.get(hit.pid), _passage(hit)
        if hit.meaning and passage and note and note.head and note.head.number == passage.revision:
            current.append(hit.meaning.hit)
    places: dict[int, tuple[int, int]] = {}
    for explain in extensions.explainers if current else ():
        places |= explain(query, current)
    return places


def _score(hit: Placed, by: By) -> float:
    """Return what put a hit where it is: of the one leg that was asked its own score."""
    if by is By.BOTH:
        return hit.share
    standing = hit.words if by is By.WORDS else hit.meaning
    return round(standing.score, 4) if standing else 0.0


def _times(word: Word, query: ParsedQuery, counts: Mapping[int, int]) -> int | None:
    """Return how often a note has a word, or all words of a phrase; None for stop words."""
    found = list(tokens(word.text))
    parts = [term(token.lexeme) for token in found if not token.is_extra]
    if not parts:
        return None
    wholes = [counts.get(term(token.lexeme), 0) for token in found if token.is_extra]
    often = max(wholes, default=0) or min(counts.get(number, 0) for number in parts)
    if word == query.unfinished:
        begun = {term(lexeme) for lexeme in query.begun} - set(parts)
        often += sum(counts.get(number, 0) for number in begun)
    return often


def _wanted(query: ParsedQuery, found: Found) -> Wanted:
    """Return what to mark: all words, the rarer the more."""
    asked = list(tokens(query.text))
    wholes = [token for token in asked if token.is_extra]
    lexemes = {
        token.lexeme: None
        for token in asked
        # The letters of `Z_1` say nothing by themselves.
        if len(token.lexeme) > 1
        or not any(one.start <= token.start and token.end <= one.end for one in wholes)
    }
    notes, have = found.ranking.notes, found.ranking.have
    weights = {
        lexeme: math.log(2 + notes / (1 + have.get(term(lexeme), 0)))
        for lexeme in (*lexemes, *query.begun)
    }
    return Wanted(weights, [phrase.text for phrase in query.phrases])


def _counts(pids: Sequence[int], terms: Collection[int]) -> dict[int, dict[int, int]]:
    """Return for each of these notes how often it has each term."""
    counts: dict[int, dict[int, int]] = {pid: {} for pid in pids}
    rows = Posting.objects.filter(note__in=pids, term__in=terms)
    for pid, number, tf in rows.values_list("note", "term", "tf"):
        counts[pid][number] = tf
    return counts
