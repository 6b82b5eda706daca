"""Completing titles and tags while typing: with keys, with a finger, and out of the way."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notes(alice: Any, fields: Any, bob: Any) -> None:
    for title in ("Gain fields", "Gating", "A gain [odd]"):
        Note.objects.write(fields(title=title, tags=("gating", "gain_field")), owner=alice)
    hidden = fields(title="Gain hidden", tags=("gain_hidden",), visibility="private")
    Note.objects.write(hidden, owner=bob)


def choices(page: Page) -> Any:
    return page.locator(".choices-below").get_by_role("option")


def marked(page: Page) -> Any:
    return page.locator(".choices-below").get_by_role("option", selected=True)


def test_two_brackets_offer_titles_to_the_keys(desk: Page, notes: None) -> None:
    body = desk.get_by_label("body")
    body.fill("")
    body.press_sequentially("See [[ga")
    expect(choices(desk)).to_have_text(["Gain fields", "Gating"])
    expect(marked(desk)).to_have_text("Gain fields")
    body.press("ArrowDown")
    expect(marked(desk)).to_have_text("Gating")
    body.press("ArrowDown")
    body.press("Enter")
    expect(body).to_have_value("See [[Gain fields]]")
    expect(choices(desk)).to_have_count(0)
    expect(desk.locator("#preview a.wikilink")).to_have_text("Gain fields")
    body.press("ControlOrMeta+z")
    expect(body).to_have_value("See [[ga")
    assert desk.complaints == []  # type: ignore[attr-defined]


def test_what_ends_the_link_is_not_doubled(desk: Page, notes: None) -> None:
    body = desk.get_by_label("body")
    body.fill("[[]] behind")
    body.press("Home")
    body.press("ArrowRight")
    body.press("ArrowRight")
    body.press_sequentially("gati")
    expect(choices(desk)).to_have_text(["Gating"])
    body.press("Enter")
    expect(body).to_have_value("[[Gating]] behind")


def test_escape_leaves_what_is_typed_and_enter_is_a_line_again(desk: Page, notes: None) -> None:
    body = desk.get_by_label("body")
    body.fill("")
    body.press_sequentially("[[ga")
    expect(choices(desk)).to_have_count(2)
    body.press("Escape")
    expect(choices(desk)).to_have_count(0)
    body.press("Enter")
    expect(body).to_have_value("[[ga\n")
    body.press_sequentially("ga")
    desk.wait_for_timeout(300)
    expect(choices(desk)).to_have_count(0)


def test_tags_are_offered_but_never_taken_unasked(desk: Page, notes: None) -> None:
    tags = desk.get_by_label("tags")
    tags.fill("first ")
    tags.press_sequentially("ga")
    expect(choices(desk)).to_have_text(["gain_field", "gating"])
    expect(tags).to_have_attribute("aria-expanded", "true")
    expect(marked(desk)).to_have_count(0)
    tags.press("ArrowUp")
    expect(marked(desk)).to_have_text("gating")
    active = tags.get_attribute("aria-activedescendant")
    assert active and desk.locator(f"#{active}").text_content() == "gating"
    tags.press("Enter")
    expect(tags).to_have_value("first gating ")
    expect(tags).to_have_attribute("aria-expanded", "false")
    assert desk.url.endswith("/edit/")


def test_the_filter_offers_tags_and_enter_filters(desk: Page, notes: None) -> None:
    desk.goto("/")
    tags = desk.get_by_label("tags:")
    tags.press_sequentially("-gat")
    expect(choices(desk)).to_have_text(["gating"])
    tags.press("ArrowDown")
    tags.press("Enter")
    expect(tags).to_have_value("-gating ")
    tags.press("Enter")
    desk.wait_for_url(re.compile("tags=-gating"))


def test_a_finger_chooses(
    browser: Browser, desk: Page, live_server: Any, note: Any, notes: None
) -> None:
    phone = browser.new_context(
        base_url=live_server.url,
        storage_state=desk.context.storage_state(),
        has_touch=True,
        viewport={"width": 360, "height": 740},
    )
    page = phone.new_page()
    page.goto(f"{note.get_absolute_url()}edit/")
    body = page.get_by_label("body")
    body.fill("")
    body.press_sequentially("[[ga")
    option = page.get_by_role("option", name="Gating")
    box = option.bounding_box()
    assert box and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 360
    option.tap()
    expect(body).to_have_value("[[Gating]]")
    expect(body).to_be_focused()
    phone.close()


def test_a_server_that_does_not_answer_is_in_nobodys_way(desk: Page, notes: None) -> None:
    desk.route("**/suggest/**", lambda route: route.abort())
    body = desk.get_by_label("body")
    body.fill("")
    body.press_sequentially("[[ga")
    desk.wait_for_timeout(300)
    expect(choices(desk)).to_have_count(0)
    expect(body).to_have_value("[[ga")


def test_the_preview_knows_which_note_it_is_of(
    desk: Page, note: Note, alice: Any, fields: Any
) -> None:
    Note.objects.write(fields(title="Twin"), owner=alice)
    title = desk.get_by_label("title")
    title.fill("twin")
    expect(desk.locator("#preview")).to_contain_text("has this title too")
    title.fill(note.title.upper())
    expect(desk.locator("#preview h2")).to_have_text(note.title.upper())
    expect(desk.locator("#preview")).not_to_contain_text("has this title too")
