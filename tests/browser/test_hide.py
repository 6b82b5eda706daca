"""Hiding notes and opening long ones, in a real Chromium: with a script and without."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.wiki.seed_page import write_page
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def scripted(browser: Browser, live_server: Any, quick_passwords: None) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def note_of(page: Page, note: Note) -> Any:
    return page.locator(f"#n{note.pid}")


def test_hiding_needs_no_reload_and_outlives_one(scripted: Page, alice: Any) -> None:
    notes = write_page(alice)
    two, three = notes["two"], notes["three"]
    scripted.goto("/?tags=transformers")
    loaded = scripted.evaluate("window.loaded = performance.timeOrigin")
    link = note_of(scripted, three).get_by_role("link", name="hide")
    link.focus()
    scripted.keyboard.press("Enter")
    shown = note_of(scripted, three).get_by_role("link", name="show")
    expect(shown).to_be_focused()
    expect(shown).to_have_attribute("aria-expanded", "false")
    expect(note_of(scripted, three).locator(".prose")).to_be_hidden()
    expect(note_of(scripted, three).get_by_role("heading").first).to_be_visible()
    expect(scripted.get_by_role("status").last).to_have_text(f"Note {{{three.pid}}} is hidden.")
    assert scripted.evaluate("window.loaded") == loaded
    assert scripted.url.endswith(f"/?tags=transformers&hide={three.pid}")
    for name in ("print these", "modified", "clear"):
        href = scripted.get_by_role("link", name=name).first.get_attribute("href")
        assert f"hide={three.pid}" in str(href)
    scripted.reload()
    expect(note_of(scripted, three).locator(".prose")).to_have_count(0)
    # Another page of the same reader: the address says nothing, the browser remembers.
    scripted.goto("/")
    expect(note_of(scripted, three).locator(".prose")).to_be_hidden()
    expect(note_of(scripted, two).locator(".prose")).to_be_visible()
    note_of(scripted, three).get_by_role("link", name="show").click()
    expect(note_of(scripted, three).locator(".prose")).to_be_visible()
    assert "hide=" not in scripted.url
    scripted.goto("/")
    expect(note_of(scripted, three).locator(".prose")).to_be_visible()


def test_a_text_the_server_left_out_comes_without_a_reload(scripted: Page, alice: Any) -> None:
    three = write_page(alice)["three"]
    scripted.goto(f"/?text=odot&hide={three.pid}")
    scripted.evaluate("window.kept = true")
    note_of(scripted, three).get_by_role("link", name="show").press("Enter")
    expect(note_of(scripted, three).get_by_text("A gate stands where")).to_be_visible()
    expect(note_of(scripted, three).get_by_role("link", name="hide")).to_be_focused()
    assert scripted.evaluate("window.kept") and scripted.url.endswith("/?text=odot")
    note_of(scripted, three).get_by_role("link", name="hide").click()
    expect(note_of(scripted, three).locator(".prose")).to_be_hidden()


def test_a_notes_own_page_opens_whole(scripted: Page, alice: Any) -> None:
    three = write_page(alice)["three"]
    scripted.goto("/")
    note_of(scripted, three).get_by_role("link", name="hide").click()
    scripted.goto(three.get_absolute_url())
    expect(scripted.locator(".prose")).to_be_visible()


def test_without_a_script_hide_is_a_link(page: Page, alice: Any) -> None:
    three = write_page(alice)["three"]
    page.goto("/?text=odot")
    page.get_by_role("link", name="hide").click()
    expect(page.locator(".prose")).to_have_count(0)
    page.get_by_role("button", name="filter").click()
    assert f"hide={three.pid}" in page.url
    page.get_by_role("link", name="show").click()
    expect(page.locator(".prose")).to_be_visible()


def test_a_long_note_opens_where_it_stands(page: Page, alice: Any, fields: Any) -> None:
    body = "".join(f"Paragraph {i} of many, with [a link](/tags/).\n\n" for i in range(200))
    Note.objects.write(fields(title="Long", body=body), owner=alice)
    page.goto("/")
    prose, last = page.locator(".prose"), page.get_by_text("Paragraph 199")
    folded = prose.bounding_box()["height"]
    expect(page.get_by_role("link", name="show less")).to_be_hidden()
    page.get_by_role("link", name="show whole note").click()
    assert re.search(r"/#rest-\d+$", page.url)
    assert prose.bounding_box()["height"] > 5 * folded
    # Reading goes on where the text had ended.
    assert 0 < page.evaluate("scrollY") < folded + 400
    page.get_by_role("link", name="show less").click()
    assert prose.bounding_box()["height"] == folded
    # A keyboard reaches nothing that is not shown.
    page.get_by_role("link", name="a link").last.focus()
    page.keyboard.press("Shift+Tab")
    expect(page.locator(":focus")).to_be_in_viewport()
    assert prose.bounding_box()["height"] > 5 * folded
    page.goto("/")
    page.emulate_media(media="print")
    assert prose.bounding_box()["height"] > 5 * folded
    expect(last).to_be_visible()
    expect(page.get_by_role("link", name="show whole note")).to_be_hidden()
