"""A merge keeps what both people wrote, or says that it could not."""

import random
from dataclasses import replace

import pytest

from tests.wiki.hostile_texts import HOSTILE, count_matrix_words
from wiki.diffing import alignment, merge
from wiki.diffing.merge import (
    Conflict,
    TextMerge,
    merge_field,
    merge_fields,
    merge_tags,
    merge_text,
    plain_marks,
)
from wiki.diffing.three_way import Sides
from wiki.fields import Fields

MARK_MINE, MARK_BETWEEN, MARK_THEIRS = plain_marks(1)
SEEDS = [range(start, start + 50) for start in range(0, 500, 50)]
NOTE = Fields("gMLP", "one\n\ntwo", "Liu-2021", "paper", ("mlp", "vision"), "private")


def _text_of(lines: list[str]) -> str:
    return "\n".join(lines)


def _random_base(source: random.Random) -> list[str]:
    """Lines of words no other line has, among blank and repeated lines."""
    lines = []
    for k in range(source.randrange(12)):
        own = " ".join(f"w{k}_{n}" for n in range(source.randrange(1, 8)))
        lines.append(source.choice([own, own, own, "", "- same", f"{own} $x_{k}$"]))
    return lines


def _random_edit(source: random.Random, base: list[str], author: str) -> str:
    """Insert, replace and delete lines and words; what is inserted is unique to the author."""
    lines = base.copy()
    for k in range(source.randrange(1, 5)):
        at = source.randrange(len(lines) + 1)
        words = lines[at].split(" ") if at < len(lines) else []
        match source.randrange(5 if words else 1):
            case 0:
                lines.insert(at, f"{author}{k} {author}{k}b")
            case 1:
                words[source.randrange(len(words))] = f"{author}{k}"
                lines[at] = " ".join(words)
            case 2:
                words.insert(source.randrange(len(words)), f"{author}{k}")
                lines[at] = " ".join(words)
            case 3:
                del lines[at]
            case 4:
                lines[at : at + 5] = [f"{author}{k}"]
    return _text_of(lines)


def _three(seed: int) -> tuple[str, str, str]:
    source = random.Random(seed)
    base = _random_base(source)
    return _text_of(base), _random_edit(source, base, "mine"), _random_edit(source, base, "theirs")


def _new_words(base: str, text: str) -> set[str]:
    return set(text.split()) - set(base.split())


def _mine_of(result: TextMerge) -> str:
    """Resolve every conflict of a draft in favour of mine."""
    kept, is_mine = [], True
    for line in result.text.split("\n"):
        if line in (MARK_MINE, MARK_BETWEEN, MARK_THEIRS):
            is_mine = line != MARK_BETWEEN
        elif is_mine:
            kept.append(line)
    return _text_of(kept)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_merge_holds_every_new_word_of_both(seeds: range) -> None:
    for seed in seeds:
        base, mine, theirs = _three(seed)
        result = merge_text(base, mine, theirs)
        merged = result.text.split()
        wanted = _new_words(base, mine) | _new_words(base, theirs)
        assert wanted <= set(merged), seed
        resolved = _mine_of(result).split()
        assert all(resolved.count(word) == 1 for word in _new_words(base, mine)), seed
        if result.is_clean:
            assert all(merged.count(word) == 1 for word in wanted), seed
            gone = set(base.split()) - (set(mine.split()) & set(theirs.split()))
            assert not gone & set(merged), seed


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_merge_is_the_same_seen_from_the_other_side(seeds: range) -> None:
    for seed in seeds:
        base, mine, theirs = _three(seed)
        one, other = merge_text(base, mine, theirs), merge_text(base, theirs, mine)
        assert [(c.base, c.mine, c.theirs) for c in one.conflicts] == [
            (c.base, c.theirs, c.mine) for c in other.conflicts
        ], seed
        assert not one.is_clean or one.text == other.text, seed


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_side_that_changed_nothing_yields(seeds: range) -> None:
    for seed in seeds:
        base, mine, _ = _three(seed)
        assert merge_text(base, mine, base) == TextMerge(mine), seed
        assert merge_text(base, base, mine) == TextMerge(mine), seed
        assert merge_text(base, mine, mine) == TextMerge(mine), seed


@pytest.mark.parametrize("seed", range(100))
def test_edits_a_line_apart_are_all_there(seed: int) -> None:
    """Every third line is edited by one of the two; the result is known beforehand."""
    source = random.Random(seed)
    base = [f"line {k} of {k}" for k in range(30)]
    mine, theirs, both = base.copy(), base.copy(), base.copy()
    for k in reversed(range(0, 30, 3)):
        side = source.choice([mine, theirs])
        edited = source.choice([[], [f"new {k}"], [base[k], f"below {k}", ""]])
        for lines in (side, both):
            at = lines.index(base[k])
            lines[at : at + 1] = edited
    assert merge_text(*map(_text_of, (base, mine, theirs))) == TextMerge(_text_of(both))


def test_edits_of_different_words_of_a_line_merge() -> None:
    base = "The spatial gate multiplies u by a projection of v over tokens."
    mine = base.replace("spatial gate", "spatial gating unit")
    theirs = base.replace("over tokens", "along the sequence")
    merged = merge_text(base, mine, theirs)
    assert merged == TextMerge(
        "The spatial gating unit multiplies u by a projection of v along the sequence."
    )


@pytest.mark.parametrize(
    ("base", "mine", "theirs"),
    [
        ("it may not work here", "it will not work here", "it may always work here"),
        ("take 3.14 as its value", "take 2.14 as its value", "take 3.15 as its value"),
        ("see https://a.org/b/c now", "see https://x.org/b/c now", "see https://a.org/b/z now"),
        ("see [the paper](a/b) now", "see [the paper](x/b) now", "see [the paper](a/y) now"),
        ("so $a + b + c = d$ holds", "so $z + b + c = d$ holds", "so $a + b + c = e$ holds"),
        ("so $a + b\n+ c = d$ holds", "so $z + b\n+ c = d$ holds", "so $a + b\n+ c = e$ holds"),
        (r"so \(a + b + c\) is", r"so \(z + b + c\) is", r"so \(a + b + d\) is"),
        (
            "see [[Layer norm of it]] now",
            "see [[Batch norm of it]] now",
            "see [[Layer norm of me]] now",
        ),
        ("```\nf(a, b, c, d)\n```", "```\nf(z, b, c, d)\n```", "```\nf(a, b, c, z)\n```"),
        ("```python one two three\n```", "```c one two three\n```", "```python one two 3\n```"),
    ],
)
def test_edits_that_touch_or_share_a_formula_link_or_code_line_conflict(
    base: str, mine: str, theirs: str
) -> None:
    (conflict,) = merge_text(base, mine, theirs).conflicts
    assert (conflict.mine in mine) and (conflict.theirs in theirs)


def test_lines_of_one_display_formula_do_not_merge() -> None:
    base = "$$\na &= b \\\\\nc &= d \\\\\ne &= f\n$$"
    result = merge_text(base, base.replace("a", "x"), base.replace("f", "y"))
    assert len(result.conflicts) == 1


def test_a_stray_formula_sign_above_a_display_formula_does_not_open_it() -> None:
    base = "pay $$ now\n$$\na + b + c\n$$"
    mine, theirs = base.replace("pay", "Pay").replace("a +", "z +"), base.replace("c", "y")
    assert len(merge_text(base, mine, theirs).conflicts) == 1


def test_lines_of_one_fence_merge_when_they_do_not_touch() -> None:
    base = "```\none\ntwo\nthree\n```"
    result = merge_text(base, base.replace("one", "1"), base.replace("three", "3"))
    assert result == TextMerge("```\n1\ntwo\n3\n```")


def test_a_line_rewritten_by_one_and_touched_by_the_other_conflicts() -> None:
    base = "of the cat is known: we say nothing more about it here today"
    mine = "perhaps the cat is a wholly different story told by others"
    theirs = base.replace("cat", "dog")
    assert not merge_text(base, mine, theirs).is_clean


def test_the_same_edit_by_both_is_taken_once() -> None:
    base = "one\ntwo\nthree\nfour\n"
    mine = "one\nboth\ntwo\nthree\nfour\nmine\n"
    theirs = "one\nboth\ntwo\nTHREE\nfour\n"
    assert merge_text(base, mine, theirs) == TextMerge("one\nboth\ntwo\nTHREE\nfour\nmine\n")


def test_the_same_addition_is_taken_once_below_another() -> None:
    one, both = "x\n\nnew\ny", "x\nmore\n\nnew\ny"
    assert merge_text("x\n\ny", one, both) == TextMerge(both)
    assert merge_text("x\n\ny", both, one) == TextMerge(both)


def test_two_lines_appended_at_the_end_conflict_and_both_stand_in_the_draft() -> None:
    result = merge_text("list\n", "list\n- mine\n", "list\n- theirs\n")
    assert result.conflicts == (Conflict(2, "", "- mine", "- theirs"),)
    assert result.text.split("\n") == [
        "list",
        MARK_MINE,
        "- mine",
        MARK_BETWEEN,
        "- theirs",
        MARK_THEIRS,
        "",
    ]


@pytest.mark.parametrize("between", ["", "---"])
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (("first", "mine", "last"), ("first", "theirs", "last")),
        (("first", "mine", "last"), ("first!", "theirs", "last")),
        (("first", "mine", "last"), ("first", "theirs", "last!")),
    ],
)
def test_two_paragraphs_added_at_one_place_conflict(
    between: str, mine: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    sides = [f"\n{between}\n".join(side) for side in (("first", "last"), mine, theirs)]
    assert len(merge_text(*sides).conflicts) == 1


def test_two_paragraphs_added_by_people_who_mended_the_neighbours_conflict() -> None:
    sides = "first\n\nlast", "first!\n\nmine\n\nlast", "first\n\ntheirs\n\nlast!"
    assert len(merge_text(*sides).conflicts) == 1


def test_an_added_paragraph_and_a_mended_neighbour_merge() -> None:
    base = "first pargraph\n\nlast paragraph"
    mine = "first pargraph\n\nmiddle\n\nlast paragraph"
    theirs = "first paragraph\n\nlast paragraph"
    assert merge_text(base, mine, theirs).text == "first paragraph\n\nmiddle\n\nlast paragraph"


def test_a_deleted_line_that_the_other_changed_conflicts() -> None:
    result = merge_text("one\ntwo\nthree", "one\nthree", "one\n2\nthree")
    assert result.conflicts == (Conflict(2, "two", "", "2"),)


def test_a_conflict_is_numbered_by_its_line_in_the_draft() -> None:
    base = _text_of([str(k) for k in range(20)])
    mine = base.replace("5\n", "mine\n", 1).replace("12\n", "mine\n")
    theirs = base.replace("5\n", "theirs\n", 1).replace("12\n", "theirs\n")
    result = merge_text(base, mine, theirs)
    lines = result.text.split("\n")
    assert [lines[conflict.line - 1] for conflict in result.conflicts] == [MARK_MINE] * 2
    assert lines.count(MARK_THEIRS) == 2


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ("a\nb\nc", "a\nb\nc\n", "A\nb\nc", "A\nb\nc\n"),
        ("a\nb\nc\n", "a\nb\nc", "A\nb\nc\n", "A\nb\nc"),
        ("a\r\nb\r\nc\r\n", "x\r\nb\r\nc\r\n", "a\r\nb\r\ny\r\n", "x\r\nb\r\ny\r\n"),
        ("\n\na", "\n\na!", "b\n\na", "b\n\na!"),
        ("a\u2028b\n\nc", "x\u2028b\n\nc", "a\u2028b\n\ny", "x\u2028b\n\ny"),
    ],
)
def test_line_ends_are_kept_as_they_are(base: str, mine: str, theirs: str, merged: str) -> None:
    assert merge_text(base, mine, theirs) == TextMerge(merged)


def test_an_empty_note_filled_twice_conflicts() -> None:
    assert merge_text("", "mine", "theirs").conflicts == (Conflict(1, "", "mine", "theirs"),)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_merged_within_the_bounds_and_nothing_is_lost(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = count_matrix_words(monkeypatch)
    base, mine = HOSTILE[name]()
    half = len(base) // 2
    theirs = f"{base[:half]}\nunheard\n{base[half:]}"
    result = merge_text(base, mine, theirs)
    assert "unheard" in result.text
    assert len(result.text) >= len(mine) if result.is_clean else mine in _mine_of(result)
    assert max(spent, default=0) <= alignment.MATRIX_WORDS
    assert sum(spent) <= 2 * merge.LIMIT_S * alignment.WORDS_PER_SECOND


def test_what_cannot_be_compared_in_time_is_one_conflict_of_both_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base, mine, theirs = "top a 1 b 2 c 3 d", "top x 1 b 2 y 3 d", "top a 1 x 2 c 3 y"
    sides = [text.replace(" ", "\n") for text in (base, mine, theirs)]
    assert merge_text(*sides).is_clean
    monkeypatch.setattr(merge, "LIMIT_S", 0.0)
    result = merge_text(*sides)
    assert result.conflicts == (
        Conflict(2, "a\n1\nb\n2\nc\n3\nd", "x\n1\nb\n2\ny\n3\nd", "a\n1\nx\n2\nc\n3\ny"),
    )


def test_words_are_not_merged_when_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    base = " ".join(f"w{k}" for k in range(1_000))
    sides = base, base.replace("w1 ", "mine "), base.replace("w998 ", "theirs ")
    assert merge_text(*sides).is_clean
    monkeypatch.setattr(merge, "LIMIT_S", 0.001)
    assert merge_text(*sides).conflicts == (Conflict(1, *sides),)


@pytest.mark.parametrize("poor", [0, 1])
def test_both_sides_pay_for_comparing_words(poor: int) -> None:
    three = Sides(*map(merge.split_units, ("a b c d", "A b c d", "a b c D")))
    places = Sides(*[slice(0, 1)] * 3)
    budgets = alignment.Budget(1_000_000), alignment.Budget(1_000_000)
    assert merge._merge_words(three, places, budgets) == ["A b c D"]
    assert budgets[0].words == budgets[1].words < 1_000_000
    budgets[poor].words = 0
    assert merge._merge_words(three, places, budgets) is None


def test_half_of_a_line_may_be_written_anew_and_no_more() -> None:
    assert merge_text("a b c d", "A B c d", "a b c D").text == "A B c D"
    assert not merge_text("a b c d e", "A B C d e", "a b c d E").is_clean
    assert merge_text("a b c d", "a b c D", "A B c d").text == "A B c D"
    assert not merge_text("a b c d e", "a b c d E", "A B C d e").is_clean


def test_tags_merge_as_sets() -> None:
    assert merge_tags(["a", "b", "c"], ["d", "a", "b"], ["a", "c", "e"]) == ["d", "a", "e"]


def test_tags_are_the_same_whatever_their_case() -> None:
    assert merge_tags(["GMLP"], ["gMLP", "Vision"], ["gmlp", "vision", "VISION"]) == [
        "gMLP",
        "Vision",
    ]


def test_tags_of_the_only_side_that_changed_are_taken_as_they_are() -> None:
    assert merge_tags(["b", "a"], ["b", "a"], ["A", "b"]) == ["A", "b"]
    assert merge_tags(["b", "a"], ["A", "b"], ["b", "a"]) == ["A", "b"]


def test_a_field_conflicts_only_if_both_changed_it_differently() -> None:
    assert merge_field("a", "b", "a") == ("b", True)
    assert merge_field("a", "a", "b") == ("b", True)
    assert merge_field("a", "b", "b") == ("b", True)
    assert merge_field("a", "b", "c") == ("b", False)


def test_a_stale_form_never_makes_a_note_public() -> None:
    public = replace(NOTE, visibility="public")
    stale = replace(public, title="gMLP, again")
    result = merge_fields(public, stale, replace(public, visibility="private"))
    assert result.is_clean
    assert result.fields == replace(stale, visibility="private")


def test_edits_of_different_fields_merge() -> None:
    mine = replace(NOTE, title="gMLP, read again", tags=("mlp", "vision", "gate"))
    theirs = replace(NOTE, body="one\n\n2", ref="Liu-2021b", tags=("mlp",))
    result = merge_fields(NOTE, mine, theirs)
    assert result.is_clean and result.conflicts == result.body_conflicts == ()
    assert result.fields == Fields(
        "gMLP, read again", "one\n\n2", "Liu-2021b", "paper", ("mlp", "gate"), "private"
    )


def test_conflicting_fields_are_named_in_order_and_drafted_as_mine() -> None:
    mine = replace(NOTE, title="mine", body="one\n\nmine", type="mine")
    theirs = replace(NOTE, title="theirs", body="one\n\ntheirs", ref="theirs", type="theirs")
    result = merge_fields(NOTE, mine, theirs)
    assert result.conflicts == ("title", "body", "type")
    assert result.body_conflicts == (Conflict(3, "two", "mine", "theirs"),)
    assert (result.fields.title, result.fields.ref, result.fields.type) == (
        "mine",
        "theirs",
        "mine",
    )
    assert MARK_MINE in result.fields.body
