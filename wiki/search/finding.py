"""One search: exact titles first, then what ranks best; without words, the newest notes."""

from dataclasses import dataclass, replace

from wiki.markup import link_key
from wiki.models.note_queryset import NoteQuerySet
from wiki.search import bm25
from wiki.search.beginnings import begun
from wiki.search.bm25 import Hit, Ranking
from wiki.search.query import ParsedQuery

MOST_TITLES = 3


@dataclass(frozen=True)
class Found:
    """hits: best first. total: how many notes there are in all.

    titles: hits called like the query, which stand first. ranking: what was counted on the
    way. is_loose: no note has the query's phrases; these have some of their words.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    titles: frozenset[int] = frozenset()
    ranking: Ranking = Ranking()
    is_loose: bool = False


def find(query: ParsedQuery, readable: NoteQuerySet, limit: int) -> Found:
    """Return the `limit` best notes for a query among those a reader may read.

    readable: made by visible_to, not yet narrowed by the query. At most four queries, and
    three more for a word that is not finished, or where no note has the phrases.
    """
    if query.unfinished is not None:
        query.with_begun(begun(query.unfinished.text, readable))
    found = _found(query, query.narrow(readable), limit)
    if found.hits or not query.has_phrase_to_find:
        return found
    return replace(_found(query, query.narrow(readable, by_phrases=False), limit), is_loose=True)


def _found(query: ParsedQuery, notes: NoteQuerySet, limit: int) -> Found:
    if not query.terms and query.operators:
        return _newest(notes, limit)
    ranking = bm25.rank(query, notes, limit)
    titles = _titled(query, notes)
    first = tuple(hit for hit in ranking.hits if hit.pid in titles)
    missing = titles - {hit.pid for hit in first}
    top = ranking.hits[0].score if ranking.hits else 1.0
    exact = (*first, *(Hit(pid, top) for pid in sorted(missing)))
    rest = tuple(hit for hit in ranking.hits if hit.pid not in titles)
    total = max(ranking.total, len(titles))
    return Found((*exact, *rest)[:limit], total, frozenset(titles), ranking)


def _titled(query: ParsedQuery, notes: NoteQuerySet) -> set[int]:
    key = link_key(query.text)
    named = notes.filter(title_key=key).order_by("pid")
    return set(named.values_list("pid", flat=True)[:MOST_TITLES]) if key else set()


def _newest(notes: NoteQuerySet, limit: int) -> Found:
    pids = list(notes.last_changed().values_list("pid", flat=True)[:limit])
    return Found(tuple(Hit(pid, 0.0) for pid in pids), notes.count())
