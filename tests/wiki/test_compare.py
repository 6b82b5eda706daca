"""The diff is exact, reads well, and stays inside its bounds whatever it is given."""

import random

import pytest

from tests.wiki.hostile_texts import HOSTILE, count_matrix_words
from wiki.diffing import alignment, compare
from wiki.diffing.alignment import Budget, Edit, Match, align, edits_between
from wiki.diffing.compare import Diff, Row, diff_lines
from wiki.diffing.segments import split_units, split_words

ALPHABET = [
    "",
    "a",
    "b b",
    "c $x$",
    "$$",
    "x^2",
    "$$",
    "```",
    "- [[L]]",
    "e\u0301 \U0001f44d",
    "\\[",
]


def _text_of(lines: list[str]) -> str:
    return "\n".join(lines)


def _random_text(source: random.Random, most: int = 25) -> str:
    return _text_of(source.choices(ALPHABET, k=source.randrange(most)))


def _random_edit(source: random.Random, text: str) -> str:
    lines = text.split("\n")
    for _ in range(source.randrange(4)):
        k = source.randrange(len(lines) + 1)
        lines[k : k + source.randrange(3)] = source.choices(ALPHABET, k=source.randrange(3))
    return _text_of(lines)


def _shown(pieces: tuple[compare.Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def _marked(pieces: tuple[compare.Piece, ...]) -> str:
    return "".join(f"{{{piece.text}}}" if piece.changed else piece.text for piece in pieces)


def _rebuild(result: Diff, source: str, *, new: bool) -> str:
    """Read one text out of a diff, taking only the folded lines from source."""
    lines = source.split("\n") if source else []
    rebuilt: list[str] = []
    for hunk in result.hunks:
        rebuilt += lines[len(rebuilt) : len(rebuilt) + hunk.skipped]
        for row in hunk.rows:
            number, pieces = (
                (row.new_number, row.new_pieces) if new else (row.old_number, row.old_pieces)
            )
            if number is not None:
                assert number == len(rebuilt) + 1
                rebuilt += _shown(pieces).split("\n")
            else:
                assert pieces == ()
    rebuilt += lines[len(rebuilt) : len(rebuilt) + result.skipped]
    return _text_of(rebuilt)


def _rows(result: Diff) -> list[Row]:
    return [row for hunk in result.hunks for row in hunk.rows]


def _kinds(result: Diff) -> list[str]:
    return [row.kind for row in _rows(result)]


@pytest.mark.parametrize("seed", range(10))
def test_rows_rebuild_both_texts_exactly(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(50):
        old = _random_text(source)
        new = _random_edit(source, old) if source.random() < 0.8 else _random_text(source)
        result = diff_lines(old, new)
        assert _rebuild(result, old, new=False) == old
        assert _rebuild(result, new, new=True) == new
        assert not result.bounded
        assert (old == new) == (result.hunks == ())
        for row in _rows(result):
            same = _shown(row.old_pieces) == _shown(row.new_pieces)
            assert same == (row.kind == "equal") or row.kind in ("removed", "added")


@pytest.mark.parametrize("seed", range(50))
def test_alignment_is_as_long_as_the_longest_common_subsequence(seed: int) -> None:
    source = random.Random(seed)
    letters = "ab" if seed % 2 else "abcdefghij"
    old, new = (source.choices(letters, k=source.randrange(60)) for _ in range(2))
    matches = align(old, new, Budget.of_seconds(1))
    best = [0] * (len(new) + 1)
    for a in old:
        above = best.copy()
        for j, b in enumerate(new):
            best[j + 1] = above[j] + 1 if a == b else max(above[j + 1], best[j])
    assert sum(match.size for match in matches) == best[-1]
    _check_matches(old, new, matches)


def _check_matches(old: list[str], new: list[str], matches: list[Match]) -> None:
    i = j = -1
    for match in matches:
        assert match.old >= i and match.new >= j and match.old + match.new > i + j
        assert match.old != i or new[match.new] != new[j], "the insertion could stand further down"
        assert match.new != j or old[match.old] != old[i], "the deletion could stand further down"
        i, j = match.old + match.size, match.new + match.size
        assert match.size and old[match.old : i] == new[match.new : j]


@pytest.mark.parametrize("seed", range(20))
def test_alignment_by_anchors_is_a_true_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MATRIX_WORDS", 30)
    spent = count_matrix_words(monkeypatch)
    source = random.Random(seed)
    old = [str(source.randrange(60)) for _ in range(80)]
    new = [line for line in old if source.random() < 0.8] + ["end"]
    source.shuffle(old[10:20])
    matches = align(old, new, Budget.of_seconds(1))
    _check_matches(old, new, matches)
    assert sum(match.size for match in matches) > 40
    assert max(spent, default=0) <= 30


def test_nothing_changed_shows_nothing() -> None:
    assert diff_lines("a\nb\n", "a\nb\n") == Diff((), 3, 0, 0, False)


def test_words_inside_a_changed_line_are_compared() -> None:
    (row,) = _rows(diff_lines("the quick brown fox", "the slow brown fox"))
    assert row.kind == "changed"
    assert _marked(row.old_pieces) == "the {quick} brown fox"
    assert _marked(row.new_pieces) == "the {slow} brown fox"


def test_a_run_of_changed_words_is_one_piece() -> None:
    (row,) = _rows(diff_lines("start one two end", "start three four end"))
    assert _marked(row.old_pieces) == "start {one two} end"
    (row,) = _rows(diff_lines("a b", "a, (b"))
    assert (_marked(row.old_pieces), _marked(row.new_pieces)) == ("a b", "a{, (}b")
    (row,) = _rows(diff_lines("ax b", "a (b"))
    assert (_marked(row.old_pieces), _marked(row.new_pieces)) == ("{ax} b", "{a (}b")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("$a + b$", "$a + c$"),
        ("$$a + b$$", "$$a + c$$"),
        (r"\(a + b\)", r"\(a + c\)"),
        (r"\[a + b\]", r"\[a \\[2pt] c\]"),
        ("[[Layer norm]]", "[[Batch norm]]"),
        ("https://arxiv.org/abs/1", "https://arxiv.org/abs/2"),
        ("e\u0301te\u0301", "e\u0301te"),
    ],
)
def test_a_formula_a_wikilink_and_an_address_change_as_a_whole(old: str, new: str) -> None:
    (row,) = _rows(diff_lines(f"we see {old} here", f"we see {new} here"))
    assert _marked(row.old_pieces) == f"we see {{{old}}} here"
    assert _marked(row.new_pieces) == f"we see {{{new}}} here"


def test_a_formula_over_several_lines_changes_as_a_whole() -> None:
    result = diff_lines("p\n$$\na\nb\n$$\nq", "p\n$$\na\nc\n$$\nq")
    assert _kinds(result) == ["equal", *["removed"] * 4, *["added"] * 4, "equal"]


def test_a_fence_marker_changes_as_a_whole() -> None:
    old, new = "```python title=one", "```python title=two"
    (row,) = _rows(diff_lines(old, new))
    assert _marked(row.old_pieces) == f"{{{old}}}"


def test_code_inside_a_fence_is_compared_by_words() -> None:
    rows = _rows(diff_lines("```\nf(x)  # $\n```", "```\nf(y)  # $\n```"))
    assert [_marked(row.new_pieces) for row in rows] == ["```", "f({y})  # $", "```"]


def test_lines_alike_stand_side_by_side() -> None:
    old = "one two three four\nfive six seven eight"
    new = "a new line\none two three 4\nfive six seven 8"
    assert _kinds(diff_lines(old, new)) == ["added", "changed", "changed"]


def test_lines_with_little_in_common_do_not() -> None:
    kinds = _kinds(diff_lines("of all the alpha beta\ngamma", "in one the two\nthree\nfour"))
    assert kinds == ["removed", "removed", "added", "added", "added"]


def test_far_changes_stand_in_hunks_of_their_own_with_three_lines_of_context() -> None:
    old = [str(k) for k in range(40)]
    result = diff_lines(_text_of(old), _text_of([*old[:10], "x", *old[10:30], *old[31:]]))
    assert [hunk.skipped for hunk in result.hunks] == [7, 14]
    assert [[row.kind for row in hunk.rows] for hunk in result.hunks] == [
        [*["equal"] * 3, "added", *["equal"] * 3],
        [*["equal"] * 3, "removed", *["equal"] * 3],
    ]
    assert result.skipped == 6
    assert (result.added, result.removed) == (1, 1)


def test_near_changes_share_a_hunk() -> None:
    old = [str(k) for k in range(20)]
    result = diff_lines(_text_of(old), _text_of([*old[:5], *old[6:12], *old[13:]]))
    assert len(result.hunks) == 1


def test_an_added_paragraph_is_shown_with_the_blank_line_below_it() -> None:
    rows = _rows(diff_lines("one\n\ntwo\nend", "one\n\nmiddle\n\ntwo\nend!"))
    added = [row.new_number for row in rows if row.kind == "added"]
    assert added == [3, 4]


@pytest.mark.parametrize(
    ("old", "new", "added", "removed"),
    [
        ("", "a", 1, 0),
        ("a", "", 0, 1),
        ("a", "a\n", 1, 0),
        ("", "\n", 2, 0),
        ("a\n", "a\n\n", 1, 0),
        ("a\r\nb", "a\nb", 1, 1),
    ],
)
def test_line_ends_count_as_lines(old: str, new: str, added: int, removed: int) -> None:
    result = diff_lines(old, new)
    assert (result.added, result.removed) == (added, removed)


def test_words_joined_are_the_text() -> None:
    source = random.Random(1)
    for _ in range(300):
        text = "".join(
            source.choices(["$", "$$", "\\", "(", "[", "]", "\n", " ", "a", "1", "`"], k=40)
        )
        assert "".join(split_words(text)) == text
        assert "\n".join(split_units(text).units) == text
        assert len(split_units(text).units) == len(split_units(text).fenced)


def test_a_stray_formula_sign_does_not_swallow_what_follows() -> None:
    assert len(split_units("$$\na\n\nb\n$$\nc").units) == 6


def test_signs_inside_a_fence_open_no_formula() -> None:
    units, fenced = split_units("~~~~\n$$\n~~~\n$$\n~~~~\nx\n$$\ny\n$$")
    assert units[5:] == ["x", "$$\ny\n$$"]
    assert list(fenced) == [1, 1, 1, 1, 1, 0, 0]


def test_edits_fill_the_space_between_matches() -> None:
    matches = [Match(1, 0, 2), Match(5, 4, 1)]
    assert list(edits_between(matches, Edit(0, 6, 0, 6))) == [
        Edit(0, 1, 0, 0),
        Edit(3, 5, 2, 4),
        Edit(6, 6, 5, 6),
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_compared_within_the_bounds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = count_matrix_words(monkeypatch)
    old, new = HOSTILE[name]()
    result = diff_lines(old, new)
    assert _rebuild(result, old, new=False) == old
    assert _rebuild(result, new, new=True) == new
    assert sum(spent) <= 0.5 * alignment.WORDS_PER_SECOND
    assert max(spent, default=0) <= alignment.MATRIX_WORDS
    rows = _rows(result)
    assert sum(len(row.old_pieces) + len(row.new_pieces) for row in rows) <= 2 * compare.ROOM


def test_without_time_the_diff_is_two_columns_and_says_so() -> None:
    result = diff_lines("same\na\nb\nsame", "same\nc\nd\nsame", limit_s=0.0)
    assert result.bounded
    assert _kinds(result) == ["equal", "removed", "removed", "added", "added", "equal"]


def test_an_edit_with_more_lines_than_a_page_carries_is_one_block() -> None:
    result = diff_lines("top\nend", "top\n" + "line\n" * 30_000 + "end")
    assert result.bounded
    assert _kinds(result) == ["equal", "added", "equal"]
    assert result.added == 30_000


def test_a_line_with_more_pieces_than_a_page_carries_is_one_block() -> None:
    old = " ".join(f"w{k} old" for k in range(12_000))
    result = diff_lines(old, old.replace("old", "new"))
    assert result.bounded
    assert _kinds(result) == ["removed", "added"]


def test_edits_beyond_what_a_page_carries_are_one_block() -> None:
    old = [str(k) for k in range(40_000)]
    new = [line for k, line in enumerate(old) if k % 4]
    result = diff_lines(_text_of(old), _text_of(new))
    assert result.bounded
    assert _kinds(result)[-5:] == ["removed", "added", "equal", "equal", "equal"]
    assert _rebuild(result, _text_of(new), new=True) == _text_of(new)
