"""Fusion of the lexical and the semantic ranking, and the terms that outrank similarity."""

import pytest

from wiki.analysis.terms import term, tokens
from wiki.extensions import Hit
from wiki.search.fusion import FUSION_DEPTH, Mode, Pinned, RareTerm, fuse, pin_rare_terms
from wiki.search.query import parse
from wiki.search.rare_terms import find_rare_terms, is_single_term


def leg(*pids, scores=()):
    scores = scores or range(len(pids), 0, -1)
    return [Hit(pid, float(score)) for pid, score in zip(pids, scores, strict=True)]


def pids(placed):
    return [one.pid for one in placed]


def one_of(placed, pid):
    return next(one for one in placed if one.pid == pid)


def test_shares_are_between_the_best_and_the_last():
    placed = fuse(leg(1, 2, 3, scores=(12.0, 6.0, 3.0)), leg(3, 4, scores=(0.9, 0.1)), Mode.HYBRID)
    assert [one.lexical and one.lexical.share for one in placed] == [1.0, 0.0, 0.3333, None]
    assert [one.semantic and one.semantic.share for one in placed] == [None, 1.0, None, 0.0]
    assert one_of(placed, 3).share == 0.45
    assert (one_of(placed, 1).share, one_of(placed, 2).share) == (0.55, 0.183315)
    assert pids(placed) == [1, 3, 2, 4]
    assert one_of(placed, 4).lexical is None and one_of(placed, 4).semantic.rank == 2


def test_a_leg_of_one_note_or_of_equals_gives_it_all():
    assert [one.share for one in fuse(leg(7), [], Mode.HYBRID)] == [0.55]
    equal = fuse([], leg(9, 8, scores=(0.4, 0.4)), Mode.HYBRID)
    assert pids(equal) == [8, 9] and {one.share for one in equal} == {0.45}


def test_a_note_in_both_legs_beats_one_that_leads_in_meaning_alone():
    assert pids(fuse(leg(1, 2, 3), leg(4, 2, 3), Mode.HYBRID)) == [1, 2, 4, 3]


def test_equal_shares_are_ordered_by_number():
    assert pids(fuse(leg(5, 9, 2, 1, scores=(4, 2, 2, 1)), [], Mode.HYBRID)) == [5, 2, 9, 1]


def test_only_the_top_is_compared_and_the_others_keep_their_order():
    many = leg(*range(300, 300 - FUSION_DEPTH - 20, -1))
    placed = fuse(many, leg(185, 1), Mode.HYBRID)
    assert one_of(placed, 202).lexical.share > 0 == one_of(placed, 201).lexical.share
    assert (
        one_of(placed, 200).lexical.share == 0
        and one_of(placed, 200).lexical.rank == FUSION_DEPTH + 1
    )
    below = [pid for pid in pids(placed) if pid <= 201]
    # The one found by meaning is up among the best, the last of both stand at the end.
    assert below == [185, 1, 201, *range(200, 185, -1), *range(184, 180, -1)]


def test_one_leg_keeps_its_own_order():
    words, meaning = leg(9, 8, 7, scores=(5, 5, 5)), leg(3, 9)
    assert pids(fuse(words, meaning, Mode.LEXICAL)) == [9, 8, 7]
    only = fuse(words, meaning, Mode.SEMANTIC)
    assert pids(only) == [3, 9] and one_of(only, 9).lexical.rank == 1
    assert [one.share for one in only] == [1.0, 0.0]


def test_titles_stand_first_and_say_so():
    placed = fuse(leg(1, 2, 3), leg(1, 3), Mode.HYBRID, titles={3, 6})
    assert pids(placed) == [3, 6, 1, 2]
    assert [one.pinned_by for one in placed] == ["title", "title", "", ""]
    assert pids(fuse(leg(1, 2, 3), [], Mode.LEXICAL, titles={3, 6})) == [3, 6, 1, 2]
    assert pids(fuse(leg(1, 2), leg(1, 2), Mode.SEMANTIC, titles={2, 6})) == [1, 2]


def test_a_pinned_note_is_kept_among_the_first_three():
    words, meaning = leg(1, 2, 3, 4, 5), leg(9, 8, 7, 5, 4)
    free = fuse(words, meaning, Mode.HYBRID)
    assert pids(free)[:5] == [1, 9, 2, 8, 3]
    placed = fuse(words, meaning, Mode.HYBRID, pinned=Pinned(in_front=frozenset({3})))
    assert pids(placed)[:5] == [1, 9, 3, 2, 8]
    assert [one.pinned_by for one in placed[:5]] == ["", "", "rare word", "", ""]
    # Titles take their places of the three.
    placed = fuse(
        words, meaning, Mode.HYBRID, titles={7}, pinned=Pinned(in_front=frozenset({3, 2}))
    )
    assert pids(placed)[:4] == [7, 2, 3, 1]
    pinned = Pinned(in_front=frozenset({3, 4}))
    placed = fuse(words, meaning, Mode.HYBRID, titles={7, 8}, pinned=pinned)
    assert pids(placed)[:5] == [8, 7, 3, 1, 9]


def test_the_notes_of_the_only_word_stand_first():
    words, meaning = leg(1, 2, 3), leg(9, 8, 7, 3)
    placed = fuse(words, meaning, Mode.HYBRID, pinned=Pinned(first=frozenset({1, 2, 3})))
    assert pids(placed) == [1, 2, 3, 9, 8, 7]
    assert [one.pinned_by for one in placed] == ["", "rare word", "rare word", "", "", ""]


@pytest.mark.parametrize("pushed", [{3}, {2, 3}, {1, 2, 3}])
def test_a_guard_moves_nobody_who_needs_no_help(pushed):
    words = leg(1, 2, 3, 4)
    placed = fuse(words, leg(1, 2, 3), Mode.HYBRID, pinned=Pinned(in_front=frozenset(pushed)))
    assert pids(placed) == [1, 2, 3, 4] and not any(one.pinned_by for one in placed)


def test_of_a_rare_word_the_best_note_is_pinned_of_a_name_all():
    words = leg(1, 2, 3, 4)
    plain, name = (RareTerm(frozenset({2, 3, 4}), is_name) for is_name in (False, True))
    assert pin_rare_terms([plain], words, is_all=False) == Pinned(in_front=frozenset({2}))
    assert pin_rare_terms([name], words, is_all=False) == Pinned(in_front=frozenset({2, 3}))
    assert pin_rare_terms([plain], words, is_all=True) == Pinned(first=frozenset({2, 3, 4}))
    far = RareTerm(frozenset({4}), False)
    assert pin_rare_terms([far], words, is_all=False) == Pinned()


def term_of(word):
    """Return the term of a word: of a compound name, that of the whole name."""
    return term(list(tokens(word))[-1].lexeme if "_" in word or "-" in word or "\\" in word
                else next(tokens(word)).lexeme)  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "word", "is_name"),
    [("how does pg_trgm rank", "pg_trgm", True), ("use --quiet here", "--quiet", True),
     ("what is \\odot", "\\odot", True), ("a ParsedQuery of mine", "ParsedQuery", True),
     ("gates of gpt4", "gpt4", True), ("fragile gates", "fragile", False),
     ("in self-attention heads", "self-attention", False), ("notes of 2017", "2017", False),
     ('"fragile gates"', "fragile", False)],
)  # fmt: skip
def test_names_are_distinguished_from_words(typed, word, is_name):
    query, rare = parse(typed), term_of(word)
    have = dict.fromkeys(query.terms, 50) | {rare: 2}
    found = find_rare_terms(query, have, {1: frozenset({rare}), 2: frozenset()})
    assert found == [RareTerm(frozenset({1}), is_name)]


def test_a_word_is_rare_in_three_notes_not_in_four_and_not_in_none():
    query, number = parse("fragile gates"), term_of("fragile")
    terms = {pid: frozenset({number}) for pid in (1, 2, 3, 4)}
    for count in (0, 4):
        assert find_rare_terms(query, dict.fromkeys(query.terms, count), terms) == []
    (word,) = find_rare_terms(query, dict.fromkeys(query.terms, 4) | {number: 3}, terms)
    assert word.pids == {1, 2, 3, 4}


def test_one_word_is_distinguished_from_several():
    have = dict.fromkeys(parse("pg_trgm fragile self-attention").terms, 1)
    for typed in ("fragile", "pg_trgm", "the fragile", "fragile tag:x", '"fragile"'):
        assert is_single_term(parse(typed), have), typed
    for typed in ("fragile gates", "fragile pg_trgm", '"fragile gates"', "the"):
        assert not is_single_term(parse(typed), have), typed
    # A name that no note has is looked for by its parts.
    assert not is_single_term(parse("pg_trgm"), {})
