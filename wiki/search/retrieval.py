"""Retrieval: lexical, semantic or hybrid; without words, the newest notes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wiki import extensions
from wiki.extensions import Away, Hit
from wiki.markup import link_key
from wiki.models import Posting
from wiki.models.note_queryset import NoteQuerySet
from wiki.search import bm25
from wiki.search.bm25 import Ranking
from wiki.search.fusion import FUSION_DEPTH, FusedHit, Mode, fuse, pin_rare_terms
from wiki.search.prefix_matches import expand_prefix
from wiki.search.query import ParsedQuery
from wiki.search.rare_terms import find_rare_terms, is_single_term
from wiki.search.relevance import idf_weighted_share, nothing_relevant

MAX_TITLES = 3
# The note with the greatest share of the query's terms is among so many of the lexical ranking.
SHARE_DEPTH = 10


@dataclass(frozen=True)
class Retrieval:
    """What was found.

    hits: best first. total: how many notes there are in all: lexical_total of them by their
    words (without words, all that fit), and semantic_only of them only by their meaning. mode:
    which ranking orders them. titles: hits whose title is the query, which come first. ranking:
    the lexical ranking. is_phrase_relaxed: no note has the query's phrases; these have some of
    their words.

    Of the semantic ranking: weak, notes below the relevance threshold that have no word of the
    query; they are among the hits only if they were asked for. nothing_relevant: no hit is an
    answer; then all are weak. idf_share: the greatest IDF-weighted share of the query's terms
    that one note has. unavailable: why it could not be asked, a sentence of the ranker.
    """

    hits: tuple[FusedHit, ...] = ()
    total: int = 0
    lexical_total: int = 0
    semantic_only: int = 0
    mode: Mode = Mode.LEXICAL
    titles: frozenset[int] = frozenset()
    ranking: Ranking = Ranking()
    is_phrase_relaxed: bool = False
    weak: tuple[FusedHit, ...] = ()
    nothing_relevant: bool = False
    idf_share: float | None = None
    unavailable: str = ""


def retrieve(
    query: ParsedQuery,
    readable: NoteQuerySet,
    limit: int,
    mode: Mode = Mode.HYBRID,
    *,
    with_weak: bool = False,
) -> Retrieval:
    """Return the `limit` best notes for a query among those a reader may read.

    readable: made by visible_to, not yet narrowed by the query. with_weak: also those below the
    relevance threshold. Makes the queries of retrieve_lexical and add_semantic.
    """
    depth = limit if mode is Mode.LEXICAL else max(limit, FUSION_DEPTH)
    prepare_semantic(query, mode)
    found = retrieve_lexical(query, readable, depth)
    found = add_semantic(found, query, readable, mode, with_weak=with_weak)
    return replace(found, hits=found.hits[:limit])


def retrieve_lexical(query: ParsedQuery, readable: NoteQuerySet, limit: int) -> Retrieval:
    """Return the `limit` best notes by their words.

    At most four queries, and three more for a word that is not finished, or where no note has
    the phrases.
    """
    if query.unfinished is not None:
        query.add_prefix_lexemes(expand_prefix(query.unfinished.text, readable))
    found = _lexical(query, query.narrow(readable), limit)
    if found.hits or not query.has_phrase_to_find:
        return found
    relaxed = _lexical(query, query.narrow(readable, by_phrases=False), limit)
    return replace(relaxed, is_phrase_relaxed=True)


def can_search_semantically(query: ParsedQuery) -> bool:
    """Tell whether there is a ranker to ask, and something to ask it."""
    return bool(extensions.rankers and query.terms) and not query.is_meaning_off


def prepare_semantic(query: ParsedQuery, mode: Mode) -> None:
    """Announce to the rankers what they will be asked after the lexical retrieval."""
    if mode is not Mode.LEXICAL and can_search_semantically(query):
        for prepare in extensions.preparers:
            prepare(query)


def add_semantic(
    lexical: Retrieval,
    query: ParsedQuery,
    readable: NoteQuerySet,
    mode: Mode,
    *,
    with_weak: bool = False,
) -> Retrieval:
    """Return the lexical hits fused with the semantic ones; or unchanged, if only words count.

    lexical: at least the FUSION_DEPTH best. One query, and what the ranker asks.
    """
    if mode is Mode.LEXICAL or not can_search_semantically(query):
        return lexical
    notes = query.narrow(readable, by_phrases=not lexical.is_phrase_relaxed)
    try:
        semantic = _semantic(query, notes)
    except Away as away:
        if mode is Mode.SEMANTIC:
            return replace(lexical, hits=(), total=0, mode=mode, unavailable=str(away))
        return replace(lexical, unavailable=str(away))
    return _Fusion(lexical, query, semantic, mode).fused(with_weak=with_weak)


def _semantic(query: ParsedQuery, notes: NoteQuerySet) -> list[Hit]:
    """Ask the rankers, until one can answer; raises the first Away if none can."""
    reasons = []
    for rank in extensions.rankers:
        try:
            return rank(query, notes, FUSION_DEPTH)
        except Away as away:
            reasons.append(away)
    raise reasons[0]


class _Fusion:
    """Both rankings of one search, and the terms of the query that their notes have."""

    def __init__(
        self, lexical: Retrieval, query: ParsedQuery, semantic: list[Hit], mode: Mode
    ) -> None:
        self.lexical, self.query, self.semantic, self.mode = lexical, query, semantic, mode
        self.ranking = lexical.ranking
        counts = self.ranking.note_counts
        best = [hit.pid for hit in (*self.ranking.hits[:FUSION_DEPTH], *semantic)]
        self.terms = _terms(best, [term for term, count in counts.items() if count])
        self.rare = find_rare_terms(query, counts, self.terms)

    def fused(self, *, with_weak: bool) -> Retrieval:
        """Return the hits in one order; weak ones only if they are asked for."""
        is_all = is_single_term(self.query, self.ranking.note_counts)
        pinned = pin_rare_terms(self.rare, self.ranking.hits, is_all=is_all)
        titles = self.lexical.titles
        hits = fuse(self.ranking.hits, self.semantic, self.mode, titles=titles, pinned=pinned)
        idf_share = self._idf_share()
        is_nothing = bool(self.semantic) and nothing_relevant(
            is_any_close=self._is_any_close(), idf_share=idf_share
        )
        weak = tuple(hit for hit in hits if is_nothing or self._is_weak(hit))
        left_out = set() if with_weak else {hit.pid for hit in weak}
        shown = tuple(hit for hit in hits if hit.pid not in left_out)
        semantic_only = sum(self._is_semantic_only(hit) for hit in shown)
        counts_words = self.mode is Mode.HYBRID and not (is_nothing and left_out)
        return replace(
            self.lexical,
            hits=shown,
            total=self.lexical.lexical_total + semantic_only if counts_words else len(shown),
            mode=self.mode,
            semantic_only=semantic_only,
            weak=weak,
            nothing_relevant=is_nothing,
            idf_share=idf_share,
        )

    def _is_any_close(self) -> bool:
        """Tell whether a note is close by meaning, or found by what needs no similarity."""
        has_phrase = self.query.has_phrase_to_find and not self.lexical.is_phrase_relaxed
        return (
            any(hit.is_close for hit in self.semantic)
            or bool(self.lexical.titles)
            or has_phrase
            or any(term.pids for term in self.rare if term.is_name)
        )

    def _idf_share(self) -> float:
        best = [hit.pid for hit in self.ranking.hits[:SHARE_DEPTH]]
        weights = self.ranking.weights
        return max((idf_weighted_share(weights, self.terms[pid]) for pid in best), default=0.0)

    def _is_weak(self, hit: FusedHit) -> bool:
        is_far = hit.semantic is not None and not hit.semantic.hit.is_close
        is_titled = hit.pid in self.lexical.titles
        return is_far and not (hit.lexical or self.terms.get(hit.pid) or is_titled)

    def _is_semantic_only(self, hit: FusedHit) -> bool:
        """Tell whether a note is not counted among those with a word."""
        has = self.terms.get(hit.pid, frozenset()) - self.ranking.common
        return not (hit.lexical or has or hit.pid in self.lexical.titles)


def _lexical(query: ParsedQuery, notes: NoteQuerySet, limit: int) -> Retrieval:
    if not query.terms and query.operators:
        return _newest(notes, limit)
    ranking = bm25.rank(query, notes, limit)
    titles = _titled(query, notes)
    hits = fuse(ranking.hits, (), Mode.LEXICAL, titles=titles)[:limit]
    total = max(ranking.total, len(titles))
    return Retrieval(tuple(hits), total, total, titles=frozenset(titles), ranking=ranking)


def _titled(query: ParsedQuery, notes: NoteQuerySet) -> set[int]:
    key = link_key(query.text)
    titled = notes.filter(title_key=key).order_by("pid")
    return set(titled.values_list("pid", flat=True)[:MAX_TITLES]) if key else set()


def _newest(notes: NoteQuerySet, limit: int) -> Retrieval:
    pids = list(notes.last_changed().values_list("pid", flat=True)[:limit])
    total = notes.count()
    return Retrieval(tuple(FusedHit(pid) for pid in pids), total, total)


def _terms(pids: Sequence[int], terms: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return for each of these notes which of the terms it has; one query."""
    has: dict[int, set[int]] = {pid: set() for pid in pids}
    # Without any term Django asks nothing.
    rows = Posting.objects.filter(note__in=has, term__in=terms).values_list("note", "term")
    for pid, number in rows:
        has[pid].add(number)
    return {pid: frozenset(numbers) for pid, numbers in has.items()}
