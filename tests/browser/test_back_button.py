"""Saved, gone back, typed on, saved again: the same note, and the longer text."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import QUIET
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"
SAVED = re.compile(r"/notes/\d+/$")


@pytest.fixture(scope="session", params=["keeps pages", "fetches pages again"])
def browser(browser: Browser, chromium: str, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Browsers keep a page for Back while they have room; Playwright turns that off."""
    without = ["--disable-back-forward-cache"] if request.param == "keeps pages" else []
    launched = browser.browser_type.launch(
        executable_path=chromium, args=QUIET, ignore_default_args=without
    )
    yield launched
    launched.close()


@pytest.fixture
def is_kept(browser: Browser, request: pytest.FixtureRequest) -> bool:
    return "keeps pages" in request.node.name


def save(page: Page) -> None:
    page.keyboard.press(f"{MODIFIER}+s")
    page.wait_for_url(SAVED)


@pytest.mark.parametrize("address", ["new", "edit"])
def test_the_longer_text_is_the_head_of_one_note(
    desk: Page, note: Note, address: str, is_kept: bool
) -> None:
    if address == "new":
        desk.goto("/notes/new/")
    desk.evaluate("window.isKept = true")
    desk.get_by_label("title").fill("Gone back to")
    desk.get_by_label("body").fill("one\n")
    save(desk)
    desk.go_back(wait_until="commit")
    expect(desk.get_by_label("body")).to_have_value("one\n")
    expect(desk.get_by_label("title")).to_have_value("Gone back to")
    assert bool(desk.evaluate("window.isKept")) == is_kept
    desk.get_by_label("body").fill("one two\n")
    save(desk)
    saved = Note.objects.get(title="Gone back to")
    bodies = [revision.body for revision in saved.revisions.order_by("-number")]
    assert bodies[:2] == ["one two\n", "one\n"]
    assert desk.evaluate("localStorage.length") == 0


def test_saved_text_gone_back_to_and_left_is_no_draft(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("Saved already")
    save(desk)
    desk.go_back(wait_until="commit")
    expect(desk.get_by_label("title")).to_have_value("Saved already")
    desk.goto("/notes/new/")
    expect(desk.locator("#preview")).to_have_attribute("data-state", "fresh")
    expect(desk.get_by_label("title")).to_have_value("")
    assert desk.evaluate("localStorage.length") == 0
