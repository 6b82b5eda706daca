"""A whole answer to what somebody typed: what was found, why, and what to ask instead."""

import math
from dataclasses import dataclass, field

from wiki.models.note_queryset import NoteQuerySet
from wiki.search.fusion import By, Placed
from wiki.search.prefix_matches import begun
from wiki.search.query import Operator, ParsedQuery, parse
from wiki.search.results import Result, results_of
from wiki.search.retrieval import (
    Found,
    can_find_by_meaning,
    find_by_meaning,
    find_by_words,
    prepare_meaning,
)
from wiki.search.spelling import correction

PER_PAGE, MAX_PAGES = 20, 10
MAX_HITS = PER_PAGE * MAX_PAGES
MAX_CORRECTED, MAX_DROPPED, MAX_KNOWN = 3, 4, 6


@dataclass
class Answer:
    """What is shown for a query.

    typed: what was asked; query: what was looked for in the end. missing: words that no note
    has, each with the word that may be meant, or "". corrected: what was typed with those
    words, whose results are shown if is_corrected. has_begun: no note had the last word, so it
    was taken for the beginning of one. dropped: without which operator how many notes there
    would be. by: what the order was to be made of; with_weak: notes were to be listed too that
    are not close. nearest: where nothing is close enough, what comes nearest by meaning.
    """

    typed: str
    query: ParsedQuery
    found: Found
    by: By = By.BOTH
    with_weak: bool = False
    is_typing: bool = False
    page: int = 1
    missing: dict[str, str] = field(default_factory=dict)
    corrected: str = ""
    is_corrected: bool = False
    has_begun: bool = False
    dropped: list[tuple[Operator, str, int]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    nearest: Result | None = None

    @property
    def pages(self) -> int:
        """Return how many pages there are; at least one."""
        return max(1, min(MAX_PAGES, math.ceil(self.found.total / PER_PAGE)))

    @property
    def first(self) -> int:
        """Return the rank of the first result of this page."""
        return (self.page - 1) * PER_PAGE + 1

    @property
    def most(self) -> int:
        """Return how many notes are listed at most."""
        return MAX_HITS

    @property
    def said(self) -> str:
        """Say in a sentence how many notes were found, and by what."""
        if self.query.is_empty and not self.found.total:
            return ""
        found = self.found
        if found.nothing_is_close:
            return f"Nothing is close to this.{' These are the nearest.' if found.hits else ''}"
        if found.by is By.MEANING:
            return "" if found.away else f"{_notes(found.total)} by meaning, the nearest first."
        if not found.alone:
            return self._said_of_words()
        are = "is" if found.alone == 1 else "are"
        near = "near by meaning" if self.with_weak else "close by meaning"
        if not found.with_words:
            return f"{_notes(found.alone)} {are} {near}."
        return f"{self._said_of_words().removesuffix('.')}; {found.alone:,} more {are} {near}."

    def _said_of_words(self) -> str:
        total, parts, phrases = self.found.with_words, self.query.parts(), self.query.phrases
        count = _notes(total)
        if self.found.is_loose and total:
            start = "No note has these words in this order; "
            return f"{start}{count} {'has' if total < 2 else 'have'} at least one of them."
        has = "has" if total < 2 else "have"
        if not parts:
            return f"{count} {'fits' if total < 2 else 'fit'}."
        if phrases:
            return f"{count} {has} the words in quotes in this order."
        if len(parts) > 1:
            return f"{count} {has} at least one of these words."
        if self.query.begun:
            return f"{count} {has} a word that begins so."
        return f"{count} {has} this word."

    @property
    def can_switch(self) -> bool:
        """Tell whether the notes could be put in another order, by words or by meaning."""
        return can_find_by_meaning(self.query) and not self.found.away

    @property
    def weak_left_out(self) -> int:
        """Return how many notes are not listed because they are not close."""
        return 0 if self.with_weak else len(self.found.weak)

    @property
    def known(self) -> list[tuple[str, int]]:
        """Return the words of the query that notes have, and how many have each."""
        have = self.found.ranking.have
        counts = {
            part.text: min(have.get(number, 0) for number in terms)
            for part in self.query.parts()
            if (terms := part.terms())
        }
        return [(word, count) for word, count in counts.items() if count][:MAX_KNOWN]

    @property
    def common(self) -> list[str]:
        """Return the words that many notes have, which only count for the best notes."""
        over = self.found.ranking.common
        return [
            part.text
            for part in self.query.parts()
            if (terms := part.terms()) and over.issuperset(terms)
        ]


def answer(
    typed: str,
    readable: NoteQuerySet,
    *,
    page: int = 1,
    is_typing: bool = False,
    as_typed: bool = False,
    by: By = By.BOTH,
    with_weak: bool = False,
) -> Answer:
    """Look for what was typed among the notes a reader may read.

    readable: made by visible_to. is_typing: the last word may go on, and only words count.
    as_typed: show nothing else where nothing is found. A page beyond the last is the last.
    """
    query = parse(typed, unfinished=is_typing)
    by = By.WORDS if is_typing else by
    prepare_meaning(query, by)
    found = find_by_words(query, readable, MAX_HITS)
    made = Answer(typed, query, found, by, with_weak, is_typing)
    made.missing = dict.fromkeys(_missing(made), "")
    if not made.found.total and not is_typing:
        _try_as_beginning(made, readable)
    if made.missing and not made.has_begun:
        _correct(made, readable, as_typed=as_typed)
    # Last, so that it is asked once, for what is looked for in the end.
    made.found = find_by_meaning(made.found, made.query, readable, by, with_weak=with_weak)
    if not made.found.hits and not made.found.with_words:
        _drop_operators(made, readable)
    made.page = max(1, min(page, made.pages))
    listed = made.found.hits[:MAX_HITS]
    hits = listed[made.first - 1 :][:PER_PAGE]
    made.results = results_of(hits, made.query, made.found, readable, made.first)
    if made.found.weak and not hits:
        nearest = min(made.found.weak, key=_rank_by_meaning)
        made.nearest = next(iter(results_of([nearest], made.query, made.found, readable)), None)
    return made


def _rank_by_meaning(one: Placed) -> int:
    return one.meaning.rank if one.meaning else MAX_HITS


def _missing(made: Answer) -> list[str]:
    """Return the words that no note has, but for one that goes on."""
    have, last = made.found.ranking.have, made.query.unfinished
    is_last = last is not None and bool(made.query.begun)
    words = {
        part.text: None
        for part in made.query.parts()
        if (terms := part.terms())
        and not any(have.get(number, 1) for number in terms)
        and not (is_last and last is not None and part.end == last.end)
    }
    return list(words)


def _try_as_beginning(made: Answer, readable: NoteQuerySet) -> None:
    """Where no note has the last word, take it for the beginning of one."""
    last = made.query.parts()[-1:]
    if not last or last[0].text not in made.missing:
        return
    again = parse(made.typed.rstrip(), unfinished=True)
    if again.unfinished is None or not begun(again.unfinished.text, readable):
        return
    found = find_by_words(again, readable, MAX_HITS)
    if found.total:
        made.query, made.found, made.has_begun = again, found, True


def _correct(made: Answer, readable: NoteQuerySet, *, as_typed: bool) -> None:
    """Look for words that may be meant; where nothing was found, show what they find."""
    for word in list(made.missing)[:MAX_CORRECTED]:
        made.missing[word] = correction(word, readable)
    made.corrected = made.query.typed
    for part in reversed(made.query.parts()):
        if meant := made.missing.get(part.text):
            made.corrected = f"{made.corrected[: part.start]}{meant}{made.corrected[part.end :]}"
    if made.corrected == made.query.typed:
        made.corrected = ""
    elif not made.found.total and not as_typed:
        query = parse(made.corrected)
        found = find_by_words(query, readable, MAX_HITS)
        if found.total:
            made.query, made.found, made.is_corrected = query, found, True


def _drop_operators(made: Answer, readable: NoteQuerySet) -> None:
    """Count what would be found without one operator or another."""
    for operator in made.query.operators[:MAX_DROPPED]:
        rest = made.query.replacing(operator)
        if total := find_by_words(parse(rest), readable, 1).total:
            made.dropped.append((operator, rest, total))


def _notes(count: int) -> str:
    return "No note" if not count else "1 note" if count == 1 else f"{count:,} notes"
