"""Drafts: kept in the browser, found again, and never one form's text in another form."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"


def open_again(page: Page) -> Page:
    """Open the same address in a new tab; the old one ends as in a crash, without a word."""
    again = page.context.new_page()
    url = page.url
    page.close(run_before_unload=False)
    again.goto(url)
    return again


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


def test_a_new_entry_opened_by_a_link_shows_no_draft_of_another(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("Unheard of")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    desk.goto("/notes/new/?title=Perplexity")
    desk.wait_for_timeout(500)
    expect(desk.get_by_label("title")).to_have_value("Perplexity")
    expect(desk.locator("[data-found]")).to_be_hidden()
    desk.goto("/notes/new/")
    expect(desk.get_by_label("title")).to_have_value("Unheard of")


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


@pytest.fixture(params=["with locks", "without locks"])
def new_entries(desk: Page, request: Any) -> Page:
    """An empty new entry, in a browser that has Web Locks or (as on plain http) has none."""
    if request.param == "without locks":
        desk.context.add_init_script("delete Navigator.prototype.locks")
    desk.goto("/notes/new/")
    assert desk.evaluate("'locks' in navigator") == (request.param == "with locks")
    return desk


def beside(page: Page) -> Page:
    """Open the same address in a second tab; its drafts have been looked for on return."""
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_timeout(1_000)
    return other


def kept_drafts(page: Page) -> str:
    return str(page.evaluate("Object.values(localStorage).join()"))


def test_two_tabs_of_a_new_entry_are_two_notes(new_entries: Page) -> None:
    first = new_entries
    first.get_by_label("title").fill("The first")
    expect(first.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    second = beside(first)
    expect(second.locator("[data-found]")).to_be_hidden()
    expect(second.get_by_label("title")).to_have_value("")
    second.get_by_label("title").fill("The second")
    expect(second.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    for tab in (second, first):
        tab.get_by_role("button", name="save", exact=True).click()
        tab.wait_for_url(re.compile(r"/notes/\d+/$"))
    titles = Note.objects.filter(title__startswith="The ").values_list("title", flat=True)
    assert sorted(titles) == ["The first", "The second"]
    assert first.evaluate("localStorage.length") == 0


def test_a_draft_dropped_in_one_tab_stays_in_the_other(new_entries: Page) -> None:
    first = new_entries
    first.get_by_label("title").fill("The first")
    expect(first.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    second = beside(first)
    second.get_by_label("title").fill("The second")
    expect(second.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    second.get_by_role("button", name="drop the draft").click()
    assert "The first" in kept_drafts(second) and "The second" not in kept_drafts(second)
    first.close(run_before_unload=False)
    expect(beside(second).get_by_label("title")).to_have_value("The first")


def test_a_found_draft_is_saved_under_the_form_that_shows_it(new_entries: Page) -> None:
    submission = "document.querySelector('[name=submission]').value"
    new_entries.get_by_label("title").fill("Unheard of")
    expect(new_entries.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    before = new_entries.evaluate(submission)
    again = open_again(new_entries)
    expect(again.get_by_label("title")).to_have_value("Unheard of")
    assert again.evaluate(submission) != before
    assert again.evaluate(f"Object.keys(localStorage).map(key => key.endsWith({submission}))") == [
        True
    ]


def test_a_copied_tab_saves_under_a_submission_of_its_own(new_entries: Page) -> None:
    """Duplicating a tab shows the same page from the browser's cache, unseen by the server."""
    submission = "document.querySelector('[name=submission]').value"
    page = new_entries.request.get("/notes/new/").text()
    copied = new_entries.context
    copied.route("**/notes/new/", lambda route: route.fulfill(body=page, content_type="text/html"))
    new_entries.reload()
    new_entries.wait_for_timeout(1_000)
    assert new_entries.evaluate(submission) in page
    assert beside(new_entries).evaluate(submission) not in page


def test_an_untouched_editor_drops_no_draft_of_another(desk: Page, note: Note) -> None:
    untouched = beside(desk)
    desk.get_by_label("body").fill("typed in the first\n")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    untouched.get_by_role("link", name="leave").click()
    untouched.wait_for_url(f"**{note.get_absolute_url()}")
    assert "typed in the first" in kept_drafts(untouched)


def test_a_conflict_drops_no_draft_of_another_tab(
    desk: Page, note: Note, alice: Any, fields: Any
) -> None:
    other = beside(desk)
    other.get_by_label("body").fill("typed in the other\n")
    expect(other.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    desk.get_by_label("body").fill("Mine alone.\n")
    note.save_revision(fields(body="Theirs alone.\n"), base=0, author=alice)
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.get_by_role("heading", name="Two texts, one note")).to_be_visible()
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    assert "typed in the other" in kept_drafts(desk)
    assert desk.evaluate("localStorage.length") == 2


def test_a_draft_comes_back_after_reloading(desk: Page) -> None:
    desk.on("dialog", lambda dialog: dialog.accept())
    desk.get_by_label("body").fill("typed, then reloaded\n")
    desk.reload()
    expect(desk.locator("[data-found]")).to_be_visible()
    expect(desk.get_by_label("body")).to_have_value("typed, then reloaded\n")
    assert desk.evaluate("localStorage.length") == 1


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


NO_STORAGE = """Object.defineProperty(window, "localStorage", {
    get() { throw new DOMException("no storage here", "SecurityError"); } })"""


def test_a_browser_without_storage_saves_too(desk: Page, note: Note) -> None:
    desk.context.add_init_script(NO_STORAGE)
    desk.reload()
    desk.get_by_label("body").fill("kept nowhere but here\n")
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("no room for a draft"))
    desk.get_by_role("button", name=re.compile("^save as")).click()
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert Note.objects.cards().get(pid=note.pid).head.body == "kept nowhere but here\n"
    assert desk.complaints == []  # type: ignore[attr-defined]
