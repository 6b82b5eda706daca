"""Writing with JavaScript: the preview, drafts, the warning, the keys, and what goes wrong."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"


@pytest.fixture
def context(browser: Browser, live_server: Any) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(5000)
    yield opened
    opened.close()


@pytest.fixture
def sign_in(context: BrowserContext, live_server: Any) -> Callable[[Any], None]:
    def as_person(person: Any) -> None:
        client = Client()
        client.force_login(person)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        context.clear_cookies()
        context.add_cookies([{**cookie, "url": live_server.url}])

    return as_person


@pytest.fixture
def desk(context: BrowserContext, sign_in: Callable[[Any], None], alice: Any, note: Note) -> Page:
    """Alice's editor, open at her note; `complaints` holds what the browser objects to."""
    sign_in(alice)
    page = context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    complain = page.complaints.append  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("console", lambda said: said.type == "error" and complain(said.text))
    page.goto(f"{note.get_absolute_url()}edit/")
    return page


def open_again(page: Page) -> Page:
    """Open the same address in a new tab; the old one ends as in a crash, without a word."""
    again = page.context.new_page()
    url = page.url
    page.close(run_before_unload=False)
    again.goto(url)
    return again


def test_the_preview_follows_the_text(desk: Page) -> None:
    desk.get_by_label("body").fill("Now *slanted*.\n")
    expect(desk.locator("#preview em")).to_have_text("slanted")
    expect(desk.locator("[data-age]")).to_have_text(re.compile("as the saved page"))
    desk.get_by_label("title").fill("Another title")
    expect(desk.locator("#preview h2")).to_have_text("Another title")
    assert desk.complaints == []  # type: ignore[attr-defined]


def test_the_preview_keeps_its_place(desk: Page) -> None:
    body = desk.get_by_label("body")
    body.fill("".join(f"paragraph {i}\n\n" for i in range(100)))
    expect(desk.locator("#preview p", has_text="paragraph 99")).to_be_attached()
    desk.evaluate("document.querySelector('#preview').scrollTop = 700")
    body.press("End")
    body.press_sequentially("*last*")
    expect(desk.locator("#preview em")).to_be_attached()
    assert desk.evaluate("document.querySelector('#preview').scrollTop") == 700


def test_the_preview_says_that_it_is_old_and_comes_back(desk: Page) -> None:
    expect(desk.locator("#preview")).to_have_attribute("data-state", "fresh")
    desk.route("**/notes/preview/", lambda route: route.abort())
    desk.get_by_label("body").fill("away")
    expect(desk.locator("[data-age]")).to_have_text(re.compile("cannot be reached.*older"))
    with desk.expect_event("requestfailed"):
        desk.get_by_label("body").fill("*back*")
    desk.unroute("**/notes/preview/")
    desk.keyboard.press(f"{MODIFIER}+Enter")
    expect(desk.locator("#preview em")).to_have_text("back", timeout=3000)


def test_typed_text_is_not_left_without_a_warning(desk: Page, note: Note) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    desk.on("dialog", stay)
    desk.get_by_label("body").press_sequentially("more")
    desk.get_by_role("link", name="leave").click()
    expect(desk.get_by_label("body")).to_be_visible()
    assert asked == ["beforeunload"]
    desk.get_by_role("button", name=re.compile("^save as")).click()
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert asked == ["beforeunload"]


def test_an_untouched_editor_is_left_freely(desk: Page) -> None:
    desk.on("dialog", lambda dialog: pytest.fail(f"asked: {dialog.message}"))
    desk.get_by_role("link", name="leave").click()
    expect(desk.get_by_role("heading", name="Attention")).to_be_visible()


def test_a_draft_is_found_after_a_crash_and_dropped_after_saving(desk: Page, note: Note) -> None:
    desk.get_by_label("body").fill("typed, not saved\n")
    desk.get_by_label("only me").check()
    expect(desk.locator("[data-kept]")).to_have_text(re.compile(r"draft kept \d\d:\d\d:\d\d"))
    desk = open_again(desk)
    expect(desk.get_by_label("body")).to_have_value("typed, not saved\n")
    expect(desk.get_by_label("only me")).to_be_checked()
    expect(desk.locator("[data-found]")).to_have_text(
        re.compile(r"A draft from \d\d-\d\d-\d{4} \d\d:\d\d was found and is shown\. drop it")
    )
    desk.keyboard.press(f"{MODIFIER}+s")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    note.refresh_from_db()
    assert (note.head.body, note.visibility) == ("typed, not saved\n", "private")
    desk.goto(f"{note.get_absolute_url()}edit/")
    expect(desk.locator("[data-found]")).to_be_hidden()
    assert desk.evaluate("Object.keys(localStorage).length") == 0


def test_a_new_note_has_its_draft_too(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("Unheard of")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    desk = open_again(desk)
    expect(desk.get_by_label("title")).to_have_value("Unheard of")
    desk.get_by_role("button", name="save", exact=True).click()
    desk.wait_for_url(re.compile(r"/notes/\d+/$"))
    desk.goto("/notes/new/")
    expect(desk.get_by_label("title")).to_have_value("")
    assert Note.objects.filter(title="Unheard of").count() == 1


def test_a_draft_can_be_dropped(desk: Page) -> None:
    desk.get_by_label("body").fill("not worth it")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    desk = open_again(desk)
    desk.get_by_role("button", name="drop it").click()
    expect(desk.get_by_label("body")).to_have_value("Queries meet keys.\n")
    desk = open_again(desk)
    expect(desk.get_by_label("body")).to_have_value("Queries meet keys.\n")


def test_a_draft_of_an_older_revision_is_joined_with_the_head(
    desk: Page, note: Note, alice: Any, fields: Any
) -> None:
    desk.get_by_label("tags").fill("attention Quoc_Le typed_here")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    note.save_revision(fields(body="Saved meanwhile.\n"), base=0, author=alice)
    desk = open_again(desk)
    expect(desk.locator("[data-found]")).to_have_text(re.compile("begun on revision 0"))
    desk.get_by_role("button", name=re.compile("^save as")).click()
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    head = Note.objects.cards().get(pid=note.pid).head
    assert head.body == "Saved meanwhile.\n"
    assert head.tags == ["attention", "Quoc_Le", "typed_here"]


def test_another_person_at_the_same_browser_is_offered_nothing(
    desk: Page, sign_in: Callable[[Any], None], alice: Any, bob: Any
) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("alice's own")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    sign_in(bob)
    desk = open_again(desk)
    expect(desk.locator("#preview")).to_have_attribute("data-state", "fresh")
    expect(desk.get_by_label("title")).to_have_value("")
    sign_in(alice)
    desk = open_again(desk)
    expect(desk.get_by_label("title")).to_have_value("alice's own")


def test_the_draft_survives_a_login_that_ran_out(desk: Page, note: Note) -> None:
    desk.get_by_label("body").fill("typed for an hour\n")
    desk.context.clear_cookies(name="sessionid")
    desk.get_by_role("button", name=re.compile("^save as")).click()
    expect(desk.get_by_text("Nothing you typed is lost")).to_be_visible()
    desk.get_by_label("username").fill("alice")
    desk.get_by_label("password").fill("correct horse battery")
    desk.get_by_role("button", name="login").click()
    desk.goto(f"{note.get_absolute_url()}edit/")
    expect(desk.get_by_label("body")).to_have_value("typed for an hour\n")


@pytest.mark.parametrize("status", [None, 413, 500, 503])
def test_a_server_that_fails_takes_no_text(desk: Page, note: Note, status: int | None) -> None:
    desk.get_by_label("body").fill("precious\n")
    failing = f"**{note.get_absolute_url()}edit/"
    desk.route(failing, lambda route: route.fulfill(status=status) if status else route.abort())
    save = desk.get_by_role("button", name=re.compile("^save as"))
    save.click()
    expect(desk.get_by_role("alert")).to_have_text(re.compile("Nothing is lost"))
    expect(desk.get_by_label("body")).to_have_value("precious\n")
    desk.unroute(failing)
    save.click()
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert Note.objects.cards().get(pid=note.pid).head.body == "precious\n"


def test_a_conflict_shows_both_texts_and_leaves_no_draft_behind(
    desk: Page, note: Note, alice: Any, fields: Any
) -> None:
    desk.get_by_label("body").fill("Mine alone.\n")
    note.save_revision(fields(body="Theirs alone.\n"), base=0, author=alice)
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.get_by_role("heading", name="Two texts, one note")).to_be_visible()
    desk.get_by_role("textbox", name="body").fill("Ours.\n")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    desk.keyboard.press(f"{MODIFIER}+s")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert desk.evaluate("Object.keys(localStorage).length") == 0


def test_a_problem_is_named_and_the_text_is_still_there(desk: Page) -> None:
    desk.get_by_label("tags").fill("x" * 101)
    desk.get_by_label("body").fill("kept\n")
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.get_by_text("Not saved yet.")).to_be_visible()
    expect(desk.get_by_label("body")).to_have_value("kept\n")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))


def test_a_note_is_written_with_the_keyboard_alone(desk: Page, note: Note) -> None:
    desk.goto("/")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to the text")).to_be_focused()
    desk.goto(f"{note.get_absolute_url()}edit/")
    desk.get_by_label("title").focus()
    desk.keyboard.press("Tab")
    expect(desk.get_by_label("body")).to_be_focused()
    desk.keyboard.press("End")
    desk.keyboard.type(" By *hand*.")
    desk.keyboard.press(f"{MODIFIER}+Enter")
    expect(desk.locator("#preview em")).to_have_text("hand")
    desk.keyboard.press("Tab")
    expect(desk.get_by_text("how to write it")).to_be_focused()
    for label in ("tags", "ref", "type", "what changed", "everyone"):
        desk.keyboard.press("Tab")
        expect(desk.get_by_label(label)).to_be_focused()
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert "By *hand*." in Note.objects.cards().get(pid=note.pid).head.body


def test_two_tabs_of_a_new_entry_are_two_notes(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("First")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    other = desk.context.new_page()
    other.goto("/notes/new/")
    expect(other.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    other.get_by_label("title").fill("Second")
    for tab in (other, desk):
        tab.get_by_role("button", name="save", exact=True).click()
        tab.wait_for_url(re.compile(r"/notes/\d+/$"))
    found = Note.objects.filter(title__in=("First", "Second")).values_list("title", "head__number")
    assert sorted(found) == [("First", 0), ("Second", 0)]


def test_a_tab_where_nothing_was_typed_drops_no_draft_of_another(desk: Page, note: Note) -> None:
    idle = desk.context.new_page()
    idle.goto(f"{note.get_absolute_url()}edit/")
    desk.get_by_label("body").fill("Typed in the other tab.\n")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    idle.goto("/")
    assert desk.evaluate("Object.keys(localStorage).length") == 1
