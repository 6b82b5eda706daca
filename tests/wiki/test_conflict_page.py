"""Two texts, one note: nothing is published that still holds both versions of a place."""

import re
from html import unescape
from typing import Any

import pytest

from tests.wiki.test_pages import form, text
from wiki.diffing.conflict_places import marks, shown_places, take, undecided
from wiki.models import Note, Revision, UndecidedPlaces

pytestmark = pytest.mark.django_db

LINES = [f"Line {number}.\n\n" for number in range(20)]
BASE = "".join(LINES)
MINE = BASE.replace("Line 3.", "Mine at three.").replace("Line 15.", "Mine at fifteen.")
THEIRS = BASE.replace("Line 3.", "Theirs at three.").replace("Line 15.", "Theirs at fifteen.")


def body_of(reply: Any) -> str:
    found = re.search(r"<textarea[^>]*name=\"body\"[^>]*>\n?(.*?)</textarea>", text(reply), re.S)
    assert found
    return unescape(found[1])


@pytest.fixture
def edit(alice: Any, note: Note, fields: Any) -> str:
    """Let others save a change of what somebody is editing from revision 1."""
    note.save_revision(fields(body=BASE), base=0, author=alice)
    note.save_revision(fields(body=THEIRS), base=1, author=alice)
    return f"/notes/{note.pid}/edit/"


@pytest.fixture
def contested(alice_client: Any, edit: str, fields: Any) -> Any:
    return alice_client.post(edit, form(fields(body=MINE), base=1))


def test_a_text_is_not_saved_while_a_marked_place_stands(
    alice_client: Any, contested: Any, edit: str, fields: Any
) -> None:
    draft = body_of(contested)
    assert contested.status_code == 409 and "2 places in the text still hold both" in text(
        contested
    )
    again = alice_client.post(edit, form(fields(body=draft), base=2))
    assert again.status_code == 409 and body_of(again) == draft
    assert "Place 1, line 7" in text(again) and "Place 2" in text(again)
    assert Note.objects.get().head.body == THEIRS


@pytest.mark.parametrize("kept", range(6))
def test_one_mark_that_is_left_over_is_enough_to_refuse(
    alice_client: Any, contested: Any, edit: str, fields: Any, kept: int
) -> None:
    draft = body_of(contested).split("\n")
    marks = [k for k, line in enumerate(draft) if re.match("[<=>]{7} ", line)]
    assert len(marks) == 6
    gone = set(marks) - {marks[kept]}
    left = "\n".join(line for k, line in enumerate(draft) if k not in gone)
    reply = alice_client.post(edit, form(fields(body=left), base=2))
    assert reply.status_code == 409 and "1 place in the text still holds both" in text(reply)
    assert draft[marks[kept]] in unescape(text(reply)) and body_of(reply) == left
    assert Note.objects.get().revisions.count() == 3


def test_a_button_takes_one_version_and_nothing_is_saved_before_save(
    alice_client: Any, contested: Any, edit: str, fields: Any
) -> None:
    said = form(fields(body=body_of(contested), title="My title"), base=2, summary="why")
    first = alice_client.post(edit, {**said, "take": "mine:1"})
    assert first.status_code == 409 and "1 place in the text still holds both" in text(first)
    assert "My title" in text(first) and 'value="why"' in text(first)
    second = alice_client.post(edit, {**said, "body": body_of(first), "take": "theirs:1"})
    assert second.status_code == 200 and "No place holds two versions" in text(second)
    joined = BASE.replace("Line 3.", "Mine at three.").replace("Line 15.", "Theirs at fifteen.")
    assert body_of(second) == joined and Note.objects.get().head.body == THEIRS
    saved = alice_client.post(edit, {**said, "body": joined})
    assert saved.status_code == 302 and Note.objects.get().head.body == joined


@pytest.mark.parametrize("wanted", ["mine:3", "mine:0", "ours:1", "", "mine:" + "9" * 40])
def test_a_button_that_names_no_place_changes_nothing(
    alice_client: Any, contested: Any, edit: str, fields: Any, wanted: str
) -> None:
    draft = body_of(contested)
    reply = alice_client.post(edit, {**form(fields(body=draft), base=2), "take": wanted})
    assert reply.status_code == 409 and body_of(reply) == draft


def test_no_version_is_taken_of_a_place_that_lost_a_mark(
    alice_client: Any, contested: Any, edit: str, fields: Any
) -> None:
    left = re.sub("^======= .*\n", "", body_of(contested), count=1, flags=re.M)
    reply = alice_client.post(edit, {**form(fields(body=left), base=2), "take": "mine:1"})
    assert reply.status_code == 409 and body_of(reply) == left


def test_a_note_about_git_holds_its_marks(alice_client: Any, edit: str, fields: Any) -> None:
    foreign = "\n".join(marks(987654, 2, 1))
    body = f"<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n\n<<<<<<< mine\n{foreign}\n"
    assert alice_client.post(edit, form(fields(body=body), base=2)).status_code == 302
    assert Note.objects.get().head.body == body


def test_the_rule_holds_for_whoever_saves(note: Note, alice: Any, fields: Any) -> None:
    body = "\n".join(marks(note.pid, 0, 1))
    with pytest.raises(UndecidedPlaces, match="1 place in the text still holds both versions"):
        note.save_revision(fields(body=body), base=0, author=alice)
    assert Revision.objects.count() == 1


def test_only_disputed_places_are_shown_with_what_differs_marked(contested: Any) -> None:
    page = re.sub(r"<textarea.*?</textarea>", "", text(contested), flags=re.S)
    assert re.search(r"<mark>Mine</mark> at three\.", page)
    assert re.search(r"<mark>Theirs</mark> at fifteen\.", page)
    assert "Line 2." in page and "Line 10." not in page.split('id="preview"')[0]


def test_a_field_that_both_changed_stays_named_until_the_save(
    alice_client: Any, edit: str, note: Note, alice: Any, fields: Any
) -> None:
    note.save_revision(fields(body=THEIRS, title="Their title"), base=2, author=alice)
    sent = form(fields(body=MINE, title="My title"), base=1)
    reply = alice_client.post(edit, sent)
    assert "title: changed in both" in text(reply)
    said = {**sent, "body": body_of(reply), "base": 3, "clashing": "title body hacker"}
    again = alice_client.post(edit, {**said, "take": "mine:1"})
    assert "title: changed in both" in text(again) and "Their title" in text(again)
    assert "hacker" not in text(again) and "body: changed" not in text(again)


def test_a_version_that_is_empty_is_taken_whole() -> None:
    above, between, below = marks(7, 3, 1)
    draft = f"a\n{above}\n{between}\nkept\n{below}\nb"
    (place,) = undecided(7, draft)
    assert take(draft, place, "mine") == "a\nb"
    assert take(draft, place, "theirs") == "a\nkept\nb"
    (shown,) = shown_places(draft, [place])
    assert shown.mine == [] and [line[0].text for line in shown.theirs[0].lines] == ["kept"]


def test_marks_count_only_as_whole_lines_of_this_note_and_in_order() -> None:
    above, between, below = marks(7, 3, 1)
    assert undecided(8, "\n".join([above, between, below])) == []
    assert undecided(7, f"`{above}`") == [] == undecided(7, above.replace("place 1", "place 2"))
    crossed = undecided(7, "\n".join([above, *marks(7, 3, 2), below]))
    assert [place.is_whole for place in crossed] == [False, True, False]
    turned = undecided(7, "\n".join([above, below, between]))
    assert [place.is_whole for place in turned] == [False] * 3


def test_no_line_is_shown_twice_between_two_places() -> None:
    draft = "\n".join(["0", *marks(7, 3, 1), "1", "2", "3", *marks(7, 3, 2), "4"])
    first, second = shown_places(draft, undecided(7, draft))
    assert (first.above, first.below, second.above, second.below) == (
        ["0"],
        ["1", "2"],
        ["3"],
        ["4"],
    )
    assert (first.skipped, second.skipped) == (0, 0)
