"""Results: the notes that were found, with the explanation of each."""

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
from wiki.search.fusion import FusedHit, Mode
from wiki.search.passages import Freshness, Quote, freshness, quote
from wiki.search.query import ParsedQuery, Word
from wiki.search.retrieval import Retrieval
from wiki.search.snippets import Highlighter, Piece, fragments, marked


@dataclass(frozen=True)
class Result:
    """A note that was found, and why.

    hit: its shares and ranks. words: each word of the query it has, with how often.
    missing_words: those it has not. quoted: its closest passage, unless the note has changed
    since that was indexed, as freshness tells.
    """

    note: Note
    rank: int
    score: float
    hit: FusedHit
    has_this_title: bool
    title: Sequence[Piece]
    fragments: Sequence[Sequence[Piece]]
    words: Sequence[tuple[str, int]]
    missing_words: Sequence[str]
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
        return bool(self.words or self.hit.lexical)

    @property
    def is_weak(self) -> bool:
        """Tell whether it is below the relevance threshold."""
        return self.hit.semantic is not None and not self.hit.semantic.hit.is_close

    @property
    def closest_passage(self) -> Quote | None:
        """Return the passage, if it says something that the fragments do not."""
        if self.quoted is None or not self.quoted.pieces or (self.has_words and self.is_weak):
            return None
        return self.quoted if self.quoted.says_more_than(self.fragments) else None


class _Explanations:
    """What the results of one page are explained with."""

    def __init__(
        self,
        hits: Sequence[FusedHit],
        query: ParsedQuery,
        retrieval: Retrieval,
        notes: Mapping[int, Note],
    ) -> None:
        self.query, self.retrieval = query, retrieval
        self.counts = _counts(list(notes), query.terms)
        self.highlighter = _highlighter(query, retrieval)
        self.sentences = _attributed_sentences(hits, query, notes)
        self.now = now()

    def of(self, rank: int, hit: FusedHit, note: Note) -> Result:
        """Return the result for a note."""
        body, highlighter = as_read(note.head_revision.body or ""), self.highlighter
        times = self._times(note)
        words = [(text, often) for text, often in times.items() if often]
        passage = _passage(hit)
        quoted = None
        if passage and passage.revision == note.head_revision.number:
            quoted = quote(body, passage, self.sentences.get(hit.pid), highlighter)
        is_quoted_alone = bool(quoted and quoted.pieces) and not (words or hit.lexical)
        return Result(
            note=note,
            rank=rank,
            score=_score(hit, self.retrieval.mode),
            hit=hit,
            has_this_title=hit.pid in self.retrieval.titles,
            title=marked(note.title, highlighter),
            fragments=[] if is_quoted_alone else fragments(body, highlighter),
            words=words,
            missing_words=[text for text, often in times.items() if not often],
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
    hits: Sequence[FusedHit],
    query: ParsedQuery,
    retrieval: Retrieval,
    readable: NoteQuerySet,
    first: int = 1,
) -> list[Result]:
    """Return a result for each of these hits; three queries and what an explainer asks, or none.

    first: the rank of the first of them.
    """
    if not hits:
        return []
    notes = {note.pid: note for note in readable.filter(pid__in=[h.pid for h in hits]).cards()}
    explanations = _Explanations(hits, query, retrieval, notes)
    return [
        explanations.of(rank, hit, notes[hit.pid])
        for rank, hit in enumerate(hits, first)
        # One may have been deleted a moment ago.
        if hit.pid in notes
    ]


def _passage(hit: FusedHit) -> Passage | None:
    return hit.semantic.hit.passage if hit.semantic else None


def _attributed_sentences(
    hits: Sequence[FusedHit], query: ParsedQuery, notes: Mapping[int, Note]
) -> dict[int, tuple[int, int]]:
    """Ask for the sentence attribution of the passages that are still in their notes.

    Returns by pid where the sentence begins and ends in the body.
    """
    current = []
    for hit in hits:
        note, passage = notes.get(hit.pid), _passage(hit)
        if hit.semantic and passage and note and note.head and note.head.number == passage.revision:
            current.append(hit.semantic.hit)
    sentences: dict[int, tuple[int, int]] = {}
    for explain in extensions.explainers if current else ():
        sentences |= explain(query, current)
    return sentences


def _score(hit: FusedHit, mode: Mode) -> float:
    """Return what orders the hits: the sum of shares, or the score of the one ranking."""
    if mode is Mode.HYBRID:
        return hit.share
    ranked = hit.lexical if mode is Mode.LEXICAL else hit.semantic
    return round(ranked.score, 4) if ranked else 0.0


def _times(word: Word, query: ParsedQuery, counts: Mapping[int, int]) -> int | None:
    """Return how often a note has a word, or all words of a phrase; None for stop words."""
    found = list(tokens(word.text))
    parts = [term(token.lexeme) for token in found if not token.is_extra]
    if not parts:
        return None
    wholes = [counts.get(term(token.lexeme), 0) for token in found if token.is_extra]
    often = max(wholes, default=0) or min(counts.get(number, 0) for number in parts)
    if word == query.unfinished:
        longer = {term(lexeme) for lexeme in query.prefix_lexemes} - set(parts)
        often += sum(counts.get(number, 0) for number in longer)
    return often


def _highlighter(query: ParsedQuery, retrieval: Retrieval) -> Highlighter:
    """Return what marks the words of a query; rarer ones weigh more."""
    asked = list(tokens(query.text))
    wholes = [token for token in asked if token.is_extra]
    lexemes = {
        token.lexeme: None
        for token in asked
        # The single letters of `Z_1` are not marked by themselves.
        if len(token.lexeme) > 1
        or not any(whole.start <= token.start and token.end <= whole.end for whole in wholes)
    }
    notes, note_counts = retrieval.ranking.notes, retrieval.ranking.note_counts
    weights = {
        lexeme: math.log(2 + notes / (1 + note_counts.get(term(lexeme), 0)))
        for lexeme in (*lexemes, *query.prefix_lexemes)
    }
    return Highlighter(weights, [phrase.text for phrase in query.phrases])


def _counts(pids: Sequence[int], terms: Collection[int]) -> dict[int, dict[int, int]]:
    """Return for each of these notes how often it has each term."""
    counts: dict[int, dict[int, int]] = {pid: {} for pid in pids}
    rows = Posting.objects.filter(note__in=pids, term__in=terms)
    for pid, number, tf in rows.values_list("note", "term", "tf"):
        counts[pid][number] = tf
    return counts
