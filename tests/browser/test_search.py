"""Searching as one types, in a real Chromium: what is shown, said, and gone back to."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.wiki.similarity import Meaning
from wiki import extensions
from wiki.fields import Fields
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notes(alice: Any) -> None:
    for title, body in (
        ("Attention is all you need", "Queries meet keys."),
        ("Pay attention to MLPs", "A gate stands there."),
        ("Networks", "Of all kinds."),
    ):
        Note.objects.write(Fields(title, body, "", "note", (), "public"), owner=alice)


@pytest.fixture
def scripted(browser: Browser, live_server: Any, quick_passwords: None) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url)
    context.set_default_timeout(5000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: said.type == "error" and problems.append(said.text))
    yield page
    context.close()
    assert problems == []


def result(page: Page, name: str) -> Any:
    return page.locator("a[data-result]").filter(has_text=name)


def test_results_come_while_one_types(scripted: Page, notes: None) -> None:
    scripted.goto("/search/")
    scripted.evaluate("window.kept = true")
    box = scripted.get_by_role("searchbox")
    expect(box).to_be_focused()
    box.press_sequentially("attentio", delay=10)
    expect(result(scripted, "Attention is all you need")).to_be_visible()
    expect(scripted.locator("#results mark").first).to_have_text("Attention")
    assert scripted.url.endswith("/search/?q=attentio")
    expect(scripted.locator("[data-told]")).to_have_text("2 notes have a word that begins so.")
    box.fill("networks")
    expect(result(scripted, "Networks")).to_be_visible()
    expect(result(scripted, "Attention")).to_have_count(0)
    box.fill("")
    expect(scripted.get_by_text("Changed lately")).to_be_visible()
    assert scripted.url.endswith("/search/") and scripted.evaluate("window.kept")


def test_back_leads_to_the_same_results(scripted: Page, notes: None) -> None:
    scripted.goto("/")
    scripted.goto("/search/")
    scripted.get_by_role("searchbox").press_sequentially("pay atten", delay=10)
    found = result(scripted, "Pay attention to MLPs")
    found.click()
    expect(scripted.get_by_role("heading", level=1)).to_have_text("Pay attention to MLPs")
    scripted.go_back()
    expect(found).to_be_visible()
    expect(scripted.get_by_role("searchbox")).to_have_value("pay atten")
    scripted.go_back()
    assert scripted.url.endswith("/")


def test_meaning_counts_when_the_words_are_sent(
    scripted: Page, notes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "rankers", [Meaning(scores={"Networks": 0.9}).rank])
    scripted.goto("/search/?by=words")
    box = scripted.get_by_role("searchbox")
    box.press_sequentially("attention", delay=10)
    expect(scripted.get_by_text("By words, while you type.")).to_be_visible()
    expect(result(scripted, "Networks")).to_have_count(0)
    # Going back or sending the form, one finds what one saw.
    expect(scripted).to_have_url(re.compile(r"/search/\?q=attention&by=words$"))
    box.press("Enter")
    expect(scripted.get_by_role("link", name="words only")).to_have_attribute(
        "aria-current", "true"
    )
    scripted.get_by_role("link", name="by words and by meaning").click()
    expect(result(scripted, "Networks")).to_be_visible()
    expect(scripted.get_by_text("by meaning, none of your words")).to_be_visible()


def test_an_old_answer_never_replaces_a_newer_one(scripted: Page, notes: None) -> None:
    waiting: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if "q=attention" in route.request.url:
            waiting.append(route)
        else:
            route.continue_()

    scripted.route("**/search/?*typing=1*", hold_the_first)
    scripted.goto("/search/")
    box = scripted.get_by_role("searchbox")
    with scripted.expect_request("**/search/?q=attention*"):
        box.fill("attention")
    box.fill("networks")
    expect(result(scripted, "Networks")).to_be_visible()
    for route in waiting:
        route.continue_()
    scripted.wait_for_timeout(300)
    expect(result(scripted, "Networks")).to_be_visible()
    expect(result(scripted, "Attention")).to_have_count(0)
    assert waiting and scripted.url.endswith("?q=networks")


def test_a_server_that_is_away_is_told(scripted: Page, notes: None) -> None:
    scripted.goto("/search/?q=attention")
    scripted.route("**/search/?*typing=1*", lambda route: route.fulfill(status=204))
    scripted.get_by_role("searchbox").fill("networks")
    expect(scripted.locator("[data-told]")).to_contain_text("could not be fetched")
    expect(result(scripted, "Attention is all you need")).to_be_visible()
    scripted.keyboard.press("Enter")
    expect(result(scripted, "Networks")).to_be_visible()


def test_a_keyboard_goes_through_the_results(scripted: Page, notes: None) -> None:
    scripted.goto("/tags/")
    scripted.keyboard.press("/")
    box = scripted.get_by_role("searchbox")
    expect(box).to_be_focused()
    scripted.keyboard.type("attention")
    scripted.keyboard.press("Enter")
    expect(scripted).to_have_url(re.compile(r"/search/\?q=attention$"))
    scripted.wait_for_load_state()
    results = scripted.locator("a[data-result]")
    expect(results).to_have_count(2)
    scripted.keyboard.press("/")
    expect(box).to_be_focused()
    for expected in (results.nth(0), results.nth(1), results.nth(1)):
        scripted.keyboard.press("ArrowDown")
        expect(expected).to_be_focused()
    scripted.keyboard.press("ArrowUp")
    scripted.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    scripted.keyboard.press("End")
    scripted.keyboard.type("/x")
    expect(box).to_have_value("attention/x")


def test_without_a_script_the_form_searches(page: Page, notes: None) -> None:
    page.goto("/")
    box = page.get_by_role("searchbox", name="Search all notes")
    box.fill("atention")
    box.press("Enter")
    expect(page.get_by_text("Showing results for attention")).to_be_visible()
    page.get_by_text("How to search").click()
    page.get_by_role("link", name="has:math", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing here is like that.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") is True


def test_the_box_in_the_top_line_offers_titles(scripted: Page, notes: None) -> None:
    scripted.goto("/tags/")
    scripted.keyboard.press("/")
    expect(scripted.locator("#seek")).to_be_focused()
    scripted.keyboard.type("atten")
    options = scripted.get_by_role("option")
    expect(options).to_have_text(["Attention is all you need", "Pay attention to MLPs"])
    for option in options.all():
        expect(option).to_be_in_viewport(ratio=1)
    scripted.keyboard.press("Escape")
    expect(options).to_have_count(0)
    scripted.keyboard.type("t")
    expect(options.first).to_be_visible()
    scripted.keyboard.press("ArrowDown")
    scripted.keyboard.press("ArrowDown")
    scripted.keyboard.press("Enter")
    expect(scripted.get_by_role("heading", level=1)).to_have_text("Pay attention to MLPs")
