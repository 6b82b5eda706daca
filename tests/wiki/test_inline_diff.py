"""What changed, as it is read: once, with what went and what came marked."""

import random

import pytest

from tests.wiki.page_text import page
from wiki.diffing import inline
from wiki.diffing.compare import Hunk, Piece, Row, diff_lines


def written(old: str, new: str) -> list[str]:
    """Write the changed lines with `-gone-` and `+come+`."""
    signs = {"same": "", "gone": "-", "come": "+"}
    return [
        "".join(f"{signs[mark.kind]}{mark.text}{signs[mark.kind]}" for mark in line.marks)
        for stretch in inline.stretches(diff_lines(old, new).hunks)
        for line in stretch.lines
    ]


def test_a_changed_line_is_written_once() -> None:
    assert written("Each layer halves its input.", "Each layer splits its whole input.") == [
        "Each layer -halves-+splits+ its +whole +input."
    ]


def test_a_formula_changes_as_a_whole() -> None:
    assert written("so $a + b$ it is", "so $a - b$ it is") == ["so -$a + b$-+$a - b$+ it is"]


def test_a_line_that_came_or_went_is_marked_from_end_to_end() -> None:
    assert written("one\ntwo", "one\nnothing alike at all\ntwo") == [
        "one",
        "+nothing alike at all+",
        "two",
    ]


@pytest.mark.parametrize("seed", range(50))
def test_both_texts_can_be_read_from_the_marks(seed: int) -> None:
    """Whether a line is written once or twice, no word of either side is lost or moved."""
    dice = random.Random(seed)
    old, new = (
        "\n".join(" ".join(dice.choices("abcd ", k=dice.randrange(8))) for _ in range(6))
        for _ in range(2)
    )
    lines = [
        line
        for stretch in inline.stretches(diff_lines(old, new).hunks)
        for line in stretch.lines
        if line.kind != "same"
    ]
    for side, other in (("gone", "come"), ("come", "gone")):
        said = [
            "".join(mark.text for mark in line.marks if mark.kind != other)
            for line in lines
            if line.kind != other
        ]
        text = old if side == "gone" else new
        rest = iter(text.split("\n"))
        assert all(line in rest for line in said)


def test_sides_that_keep_different_words_are_written_one_below_the_other() -> None:
    kept = Row("changed", 1, 1, (Piece("here", False),), (Piece("elsewhere", False),))
    lines = inline.stretches([Hunk(0, (kept,))])[0].lines
    assert [line.kind for line in lines] == ["gone", "come"]


def test_words_are_counted(client, alice, note, fields) -> None:
    note.save_revision(fields(body="Queries meet all keys.\n"), base=0, author=alice)
    text = page(client, f"/notes/{note.pid}/diff/0/1/")
    assert "1 word added, 0 removed" in text.all
    assert "Queries meet [added: all ] keys." in text.all


def test_a_changed_tag_is_marked_among_those_that_stay(client, alice, note, fields) -> None:
    note.save_revision(fields(tags=("attention", "memory")), base=0, author=alice)
    assert "[removed: Quoc_Le] [added: memory]" in page(client, f"/notes/{note.pid}/diff/0/1/").all


def test_two_picked_revisions_are_compared(client, alice, note, fields) -> None:
    note.save_revision(fields(body="More.\n"), base=0, author=alice)
    history = f"/notes/{note.pid}/history/"
    assert client.get(history, {"from": 0, "to": 1}).url == f"/notes/{note.pid}/diff/0/1/"
    for asked in ({"from": 0}, {"from": "x", "to": 1}, {"from": "9" * 5000, "to": 1}):
        assert client.get(history, asked).status_code == 200
    text = page(client, history)
    picks = [box for box in text.named("input") if box.get("type") == "radio" and "checked" in box]
    assert [(box["name"], box["value"]) for box in picks] == [("to", "1"), ("from", "0")]


def test_the_history_of_a_hidden_note_redirects_nobody(client, secret) -> None:
    asked = {"from": 0, "to": 0}
    assert client.get(f"/notes/{secret.pid}/history/", asked).status_code == 404


def test_a_diff_leads_to_its_neighbours_and_to_restoring(
    alice_client, client, alice, note, fields
) -> None:
    for number in range(3):
        note.save_revision(fields(body=f"{number}\n"), base=number, author=alice)
    url = f"/notes/{note.pid}/diff"
    links = [a["href"] for a in page(alice_client, f"{url}/1/2/").named("a")]
    assert {f"{url}/0/1/", f"{url}/2/3/", f"{url}/2/1/"} <= set(links)
    assert f"/notes/{note.pid}/restore/1/" in links
    assert "restore" not in page(client, f"{url}/1/2/").all.lower()
