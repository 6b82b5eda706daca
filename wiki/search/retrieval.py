"""One search: by words, by meaning, or by both; without words, the newest notes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wiki import extensions
from wiki.extensions import Away, Hit
from wiki.markup import link_key
from wiki.models import Posting
from wiki.models.note_queryset import NoteQuerySet
from wiki.search import bm25
from wiki.search.bm25 import Ranking
from wiki.search.fusion import TOP, By, Placed, fuse, guard
from wiki.search.prefix_matches import begun
from wiki.search.query import ParsedQuery
from wiki.search.rare_terms import is_one_word, rare_words
from wiki.search.relevance import coverage, nothing_is_close

MAX_TITLES = 3
# Among so many of the best by words one has most of the words.
COVERING = 10


@dataclass(frozen=True)
class Found:
    """What was found.

    hits: best first. total: how many notes there are in all: with_words of them by their words
    (without words, all that fit), and alone of them only by their meaning. by: what the order
    is made of. titles: hits called like the query, which stand first. ranking: what was counted
    on the way. is_loose: no note has the query's phrases; these have some of their words.

    Where meaning was asked: weak, notes that are no closer than unrelated ones and have no word
    of the query; they are among the hits only if they were asked for. nothing_is_close: no hit
    is an answer; then all are weak. coverage: the greatest part of the query that one note has
    in words. away: why there was no answer, a sentence.
    """

    hits: tuple[Placed, ...] = ()
    total: int = 0
    with_words: int = 0
    alone: int = 0
    by: By = By.WORDS
    titles: frozenset[int] = frozenset()
    ranking: Ranking = Ranking()
    is_loose: bool = False
    weak: tuple[Placed, ...] = ()
    nothing_is_close: bool = False
    coverage: float | None = None
    away: str = ""


def find(
    query: ParsedQuery,
    readable: NoteQuerySet,
    limit: int,
    by: By = By.BOTH,
    *,
    with_weak: bool = False,
) -> Found:
    """Return the `limit` best notes for a query among those a reader may read.

    readable: made by visible_to, not yet narrowed by the query. with_weak: also those that are
    not close. By words, and what a ranker asks and one query more by meaning.
    """
    depth = limit if by is By.WORDS else max(limit, TOP)
    prepare_meaning(query, by)
    found = find_by_words(query, readable, depth)
    found = find_by_meaning(found, query, readable, by, with_weak=with_weak)
    return replace(found, hits=found.hits[:limit])


def find_by_words(query: ParsedQuery, readable: NoteQuerySet, limit: int) -> Found:
    """Return the `limit` best notes by words.

    At most four queries, and three more for a word that is not finished, or where no note has
    the phrases.
    """
    if query.unfinished is not None:
        query.with_begun(begun(query.unfinished.text, readable))
    found = _found(query, query.narrow(readable), limit)
    if found.hits or not query.has_phrase_to_find:
        return found
    return replace(_found(query, query.narrow(readable, by_phrases=False), limit), is_loose=True)


def can_find_by_meaning(query: ParsedQuery) -> bool:
    """Tell whether there is a ranker to ask, and something to ask it."""
    return bool(extensions.rankers and query.terms) and not query.is_meaning_off


def prepare_meaning(query: ParsedQuery, by: By) -> None:
    """Let the rankers know what they will be asked once words are looked up."""
    if by is not By.WORDS and can_find_by_meaning(query):
        for prepare in extensions.preparers:
            prepare(query)


def find_by_meaning(
    found: Found,
    query: ParsedQuery,
    readable: NoteQuerySet,
    by: By,
    *,
    with_weak: bool = False,
) -> Found:
    """Return what was found by words joined with what is near by meaning; or as it was.

    found: at least the TOP by words. One query, and what the ranker asks.
    """
    if by is By.WORDS or not can_find_by_meaning(query):
        return found
    try:
        nearest = _nearest(query, query.narrow(readable, by_phrases=not found.is_loose))
    except Away as away:
        if by is By.MEANING:
            return replace(found, hits=(), total=0, by=by, away=str(away))
        return replace(found, away=str(away))
    return _Joining(found, query, nearest, by).joined(with_weak=with_weak)


def _nearest(query: ParsedQuery, notes: NoteQuerySet) -> list[Hit]:
    """Ask the rankers, until one can answer; raises the first Away if none can."""
    reasons = []
    for rank in extensions.rankers:
        try:
            return rank(query, notes, TOP)
        except Away as away:
            reasons.append(away)
    raise reasons[0]


class _Joining:
    """Both legs of one search, and the terms that their notes have."""

    def __init__(self, found: Found, query: ParsedQuery, nearest: list[Hit], by: By) -> None:
        self.found, self.query, self.nearest, self.by = found, query, nearest, by
        self.ranking = found.ranking
        best = [hit.pid for hit in (*self.ranking.hits[:TOP], *nearest)]
        self.terms = _terms(best, [term for term, count in self.ranking.have.items() if count])
        self.rare = rare_words(query, self.ranking.have, self.terms)

    def joined(self, *, with_weak: bool) -> Found:
        """Return what was found, in one order and without what is weak."""
        words = self.ranking.hits
        guarded = guard(self.rare, words, is_all=is_one_word(self.query, self.ranking.have))
        titles = self.found.titles
        hits = fuse(words, self.nearest, self.by, titles=titles, guarded=guarded)
        covered = self._coverage()
        is_nothing = bool(self.nearest) and nothing_is_close(
            is_any_close=self._is_any_close(), coverage=covered
        )
        weak = tuple(one for one in hits if is_nothing or self._is_weak(one))
        out = set() if with_weak else {one.pid for one in weak}
        shown = tuple(one for one in hits if one.pid not in out)
        alone = sum(self._is_alone(one) for one in shown)
        counts_words = self.by is By.BOTH and not (is_nothing and out)
        return replace(
            self.found,
            hits=shown,
            total=self.found.with_words + alone if counts_words else len(shown),
            by=self.by,
            alone=alone,
            weak=weak,
            nothing_is_close=is_nothing,
            coverage=covered,
        )

    def _is_any_close(self) -> bool:
        """Tell whether a note is close by meaning, or by what needs no likeness."""
        has_phrase = self.query.has_phrase_to_find and not self.found.is_loose
        return (
            any(hit.is_close for hit in self.nearest)
            or bool(self.found.titles)
            or has_phrase
            or any(word.pids for word in self.rare if word.is_name)
        )

    def _coverage(self) -> float:
        best = [hit.pid for hit in self.ranking.hits[:COVERING]]
        weights = self.ranking.weights
        return max((coverage(weights, self.terms[pid]) for pid in best), default=0.0)

    def _is_weak(self, one: Placed) -> bool:
        is_far = one.meaning is not None and not one.meaning.hit.is_close
        is_called = one.pid in self.found.titles
        return is_far and not (one.words or self.terms.get(one.pid) or is_called)

    def _is_alone(self, one: Placed) -> bool:
        """Tell whether a note is not counted among those with a word."""
        has = self.terms.get(one.pid, frozenset()) - self.ranking.common
        return not (one.words or has or one.pid in self.found.titles)


def _found(query: ParsedQuery, notes: NoteQuerySet, limit: int) -> Found:
    if not query.terms and query.operators:
        return _newest(notes, limit)
    ranking = bm25.rank(query, notes, limit)
    titles = _titled(query, notes)
    hits = fuse(ranking.hits, (), By.WORDS, titles=titles)[:limit]
    total = max(ranking.total, len(titles))
    return Found(tuple(hits), total, total, titles=frozenset(titles), ranking=ranking)


def _titled(query: ParsedQuery, notes: NoteQuerySet) -> set[int]:
    key = link_key(query.text)
    named = notes.filter(title_key=key).order_by("pid")
    return set(named.values_list("pid", flat=True)[:MAX_TITLES]) if key else set()


def _newest(notes: NoteQuerySet, limit: int) -> Found:
    pids = list(notes.last_changed().values_list("pid", flat=True)[:limit])
    total = notes.count()
    return Found(tuple(Placed(pid) for pid in pids), total, total)


def _terms(pids: Sequence[int], terms: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return for each of these notes which of the terms it has; one query."""
    has: dict[int, set[int]] = {pid: set() for pid in pids}
    # Without any term Django asks nothing.
    rows = Posting.objects.filter(note__in=has, term__in=terms).values_list("note", "term")
    for pid, number in rows:
        has[pid].add(number)
    return {pid: frozenset(numbers) for pid, numbers in has.items()}
