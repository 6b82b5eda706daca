"""Results: the notes that were found, with the evidence for each."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wiki.models import Note, Posting
from wiki.models.note_queryset import NoteQuerySet
from wiki.search.analysis import term, tokens
from wiki.search.evidence import Piece, Wanted, fragments, marked
from wiki.search.finding import Found
from wiki.search.fuse import By, Placed
from wiki.search.query import ParsedQuery, Word


@dataclass(frozen=True)
class Result:
    """A note that was found, and the evidence for it.

    words: each word of the query it has, with how often. lacking: those it has not.
    """

    note: Note
    rank: int
    score: float
    has_this_title: bool
    title: Sequence[Piece]
    fragments: Sequence[Sequence[Piece]]
    words: Sequence[tuple[str, int]]
    lacking: Sequence[str]

    @property
    def snippet(self) -> str:
        """Return the fragments without their marks."""
        return " ".join("".join(piece.text for piece in pieces) for pieces in self.fragments)


def results_of(
    hits: Sequence[Placed], query: ParsedQuery, found: Found, readable: NoteQuerySet
) -> list[Result]:
    """Return a result for each of these hits; three queries, or none."""
    if not hits:
        return []
    notes = {note.pid: note for note in readable.filter(pid__in=[h.pid for h in hits]).cards()}
    counts = _counts(list(notes), query.terms)
    wanted = _wanted(query, found)
    first = found.hits.index(hits[0]) + 1
    return [
        _result(rank, hit, notes[hit.pid], query, found, wanted, counts[hit.pid])
        for rank, hit in enumerate(hits, first)
        # One may have been deleted a moment ago.
        if hit.pid in notes
    ]


def _result(
    rank: int,
    hit: Placed,
    note: Note,
    query: ParsedQuery,
    found: Found,
    wanted: Wanted,
    counts: Mapping[int, int],
) -> Result:
    assert note.head is not None
    # A word of the title counts twice.
    titled = [term(token.lexeme) for token in tokens(note.title)]
    once = {number: tf - titled.count(number) for number, tf in counts.items()}
    times = {word.text: _times(word, query, once) for word in (*query.phrases, *query.words)}
    asked = {text: often for text, often in times.items() if often is not None}
    return Result(
        note=note,
        rank=rank,
        score=_score(hit, found.by),
        has_this_title=hit.pid in found.titles,
        title=marked(note.title, wanted),
        fragments=fragments(note.head.body or "", wanted),
        words=[(text, often) for text, often in asked.items() if often],
        lacking=[text for text, often in asked.items() if not often],
    )


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
