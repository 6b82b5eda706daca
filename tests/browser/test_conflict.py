"""Two texts, one note, in a browser: one click decides a place, undo takes it back."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.wiki.test_conflict_page import BASE, MINE, THEIRS
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"


@pytest.fixture
def contested(desk: Page, note: Note, alice: Any, fields: Any) -> Page:
    """Alice's save of a text whose lines 3 and 15 others changed too."""
    note.save_revision(fields(body=BASE), base=0, author=alice)
    desk.goto(f"{note.get_absolute_url()}edit/")
    desk.get_by_label("body").fill(MINE)
    note.save_revision(fields(body=THEIRS), base=1, author=alice)
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.get_by_role("heading", name="Two texts, one note")).to_be_visible()
    return desk


def test_one_click_decides_a_place_and_undo_takes_it_back(contested: Page, note: Note) -> None:
    body = contested.get_by_role("textbox", name="body")
    status = contested.get_by_role("status").filter(has_text="both versions")
    draft = body.input_value()
    contested.get_by_role("button", name="take mine").first.click()
    expect(body).to_have_value(re.compile("Mine at three\\."))
    expect(status).to_have_text(re.compile("1 place in the text still holds both"))
    body.focus()
    contested.keyboard.press(f"{MODIFIER}+z")
    expect(body).to_have_value(draft)
    expect(status).to_have_text(re.compile("2 places"))
    contested.get_by_role("button", name="take theirs").first.click()
    contested.get_by_role("button", name="take mine").last.click()
    expect(contested.get_by_text("No place holds two versions any more")).to_be_visible()
    contested.keyboard.press(f"{MODIFIER}+s")
    contested.wait_for_url(f"**{note.get_absolute_url()}")
    joined = BASE.replace("Line 3.", "Theirs at three.").replace("Line 15.", "Mine at fifteen.")
    assert Note.objects.get().head.body == joined
    complaints = contested.complaints  # type: ignore[attr-defined]
    assert all("409" in complaint for complaint in complaints)


def test_saving_too_early_keeps_the_draft_and_says_what_is_left(
    contested: Page, note: Note
) -> None:
    body = contested.get_by_role("textbox", name="body")
    contested.get_by_role("button", name="take mine").first.click()
    draft = body.input_value()
    contested.keyboard.press(f"{MODIFIER}+s")
    expect(contested.get_by_role("heading", name="Place 1")).to_be_visible()
    expect(contested.get_by_role("heading", name="Place 2")).to_have_count(0)
    expect(body).to_have_value(draft)
    assert note.revisions.count() == 3
    contested.reload()
    expect(body).to_have_value(draft)


def test_both_versions_of_a_place_stand_together_on_a_phone(contested: Page) -> None:
    contested.set_viewport_size({"width": 360, "height": 740})
    tops = [
        contested.get_by_role("button", name=name).nth(k).bounding_box()["y"]  # type: ignore[index]
        for k in (0, 1)
        for name in ("take mine", "take theirs")
    ]
    assert tops == sorted(tops)
    assert contested.evaluate("document.documentElement.scrollWidth") <= 360
