"""One page of results for a typed query: hits, why they were found, and what to ask instead."""

import math
from dataclasses import dataclass, field

from wiki.models.note_queryset import NoteQuerySet
from wiki.search.fusion import FusedHit, Mode
from wiki.search.prefix_matches import expand_prefix
from wiki.search.query import Operator, ParsedQuery, parse
from wiki.search.results import Result, results_of
from wiki.search.retrieval import (
    Retrieval,
    add_semantic,
    can_search_semantically,
    prepare_semantic,
    retrieve_lexical,
)
from wiki.search.spelling import correction

PER_PAGE, MAX_PAGES = 20, 10
MAX_HITS = PER_PAGE * MAX_PAGES
MAX_CORRECTED, MAX_DROPPED, MAX_KNOWN = 3, 4, 6


@dataclass
class ResultsPage:
    """What is shown for a query.

    typed: what was asked; query: what was looked for in the end. missing: words that no note
    has, each with its spelling correction, or "". corrected: the query with the corrections,
    whose results are shown if is_corrected. is_prefix_search: no note had the last word, so it
    was taken for the beginning of one. dropped: operators, each with the query without it and
    how many notes that finds. mode: what was asked for; with_weak: hits below the relevance
    threshold were asked for too. nearest: where nothing is relevant, the most similar note.
    """

    typed: str
    query: ParsedQuery
    retrieval: Retrieval
    mode: Mode = Mode.HYBRID
    with_weak: bool = False
    is_typing: bool = False
    number: int = 1
    missing: dict[str, str] = field(default_factory=dict)
    corrected: str = ""
    is_corrected: bool = False
    is_prefix_search: bool = False
    dropped: list[tuple[Operator, str, int]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    nearest: Result | None = None

    @property
    def pages(self) -> int:
        """Return how many pages there are; at least one."""
        return max(1, min(MAX_PAGES, math.ceil(self.retrieval.total / PER_PAGE)))

    @property
    def first(self) -> int:
        """Return the rank of the first result of this page."""
        return (self.number - 1) * PER_PAGE + 1

    @property
    def max_hits(self) -> int:
        """Return how many notes are listed at most."""
        return MAX_HITS

    @property
    def can_switch_mode(self) -> bool:
        """Tell whether the notes could be ordered by another ranking."""
        return can_search_semantically(self.query) and not self.retrieval.unavailable

    @property
    def weak_left_out(self) -> int:
        """Return how many notes are not listed because they are below the threshold."""
        return 0 if self.with_weak else len(self.retrieval.weak)

    @property
    def known(self) -> list[tuple[str, int]]:
        """Return the words of the query that notes have, and how many have each."""
        note_counts = self.retrieval.ranking.note_counts
        counts = {
            part.text: min(note_counts.get(number, 0) for number in terms)
            for part in self.query.parts()
            if (terms := part.terms())
        }
        return [(word, count) for word, count in counts.items() if count][:MAX_KNOWN]

    @property
    def common(self) -> list[str]:
        """Return the words that many notes have, which only count for the best notes."""
        common = self.retrieval.ranking.common
        return [
            part.text
            for part in self.query.parts()
            if (terms := part.terms()) and common.issuperset(terms)
        ]


def search(
    typed: str,
    readable: NoteQuerySet,
    *,
    page: int = 1,
    is_typing: bool = False,
    as_typed: bool = False,
    mode: Mode = Mode.HYBRID,
    with_weak: bool = False,
) -> ResultsPage:
    """Return one page of results among the notes a reader may read.

    readable: made by visible_to. is_typing: the last word may go on, and the mode is lexical.
    as_typed: correct nothing where nothing is found. A page beyond the last is the last.
    """
    query = parse(typed, unfinished=is_typing)
    mode = Mode.LEXICAL if is_typing else mode
    prepare_semantic(query, mode)
    retrieval = retrieve_lexical(query, readable, MAX_HITS)
    shown = ResultsPage(typed, query, retrieval, mode, with_weak, is_typing)
    shown.missing = dict.fromkeys(_missing(shown), "")
    if not shown.retrieval.total and not is_typing:
        _try_as_prefix(shown, readable)
    if shown.missing and not shown.is_prefix_search:
        _correct(shown, readable, as_typed=as_typed)
    # Last, so that the rankers are asked once, for the query that is shown in the end.
    shown.retrieval = add_semantic(
        shown.retrieval, shown.query, readable, mode, with_weak=with_weak
    )
    if not shown.retrieval.hits and not shown.retrieval.lexical_total:
        _drop_operators(shown, readable)
    shown.number = max(1, min(page, shown.pages))
    _fill(shown, readable)
    return shown


def _fill(page: ResultsPage, readable: NoteQuerySet) -> None:
    """Add the results of the page, or the nearest note if nothing is relevant."""
    retrieval = page.retrieval
    listed = retrieval.hits[:MAX_HITS]
    hits = listed[page.first - 1 :][:PER_PAGE]
    page.results = results_of(hits, page.query, retrieval, readable, page.first)
    if retrieval.weak and not hits:
        nearest = min(retrieval.weak, key=_semantic_rank)
        page.nearest = next(iter(results_of([nearest], page.query, retrieval, readable)), None)


def _semantic_rank(hit: FusedHit) -> int:
    return hit.semantic.rank if hit.semantic else MAX_HITS


def _missing(page: ResultsPage) -> list[str]:
    """Return the words that no note has, but for one that is still being typed."""
    note_counts, last = page.retrieval.ranking.note_counts, page.query.unfinished
    is_last = last is not None and bool(page.query.prefix_lexemes)
    words = {
        part.text: None
        for part in page.query.parts()
        if (terms := part.terms())
        and not any(note_counts.get(number, 1) for number in terms)
        and not (is_last and last is not None and part.end == last.end)
    }
    return list(words)


def _try_as_prefix(page: ResultsPage, readable: NoteQuerySet) -> None:
    """Where no note has the last word, take it for the beginning of one."""
    last = page.query.parts()[-1:]
    if not last or last[0].text not in page.missing:
        return
    query = parse(page.typed.rstrip(), unfinished=True)
    if query.unfinished is None or not expand_prefix(query.unfinished.text, readable):
        return
    retrieval = retrieve_lexical(query, readable, MAX_HITS)
    if retrieval.total:
        page.query, page.retrieval, page.is_prefix_search = query, retrieval, True


def _correct(page: ResultsPage, readable: NoteQuerySet, *, as_typed: bool) -> None:
    """Correct the spelling of missing words; where nothing was found, search for the correction."""
    for word in list(page.missing)[:MAX_CORRECTED]:
        page.missing[word] = correction(word, readable)
    page.corrected = page.query.typed
    for part in reversed(page.query.parts()):
        if correct := page.missing.get(part.text):
            page.corrected = f"{page.corrected[: part.start]}{correct}{page.corrected[part.end :]}"
    if page.corrected == page.query.typed:
        page.corrected = ""
    elif not page.retrieval.total and not as_typed:
        query = parse(page.corrected)
        retrieval = retrieve_lexical(query, readable, MAX_HITS)
        if retrieval.total:
            page.query, page.retrieval, page.is_corrected = query, retrieval, True


def _drop_operators(page: ResultsPage, readable: NoteQuerySet) -> None:
    """Count what would be found without each of the operators."""
    for operator in page.query.operators[:MAX_DROPPED]:
        rest = page.query.replacing(operator)
        if total := retrieve_lexical(parse(rest), readable, 1).total:
            page.dropped.append((operator, rest, total))
