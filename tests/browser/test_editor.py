"""Writing with JavaScript: the preview, the warning, the keys, saving, and what goes wrong."""

import re
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"


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


def test_a_refused_preview_is_asked_for_again_only_when_somebody_types(desk: Page) -> None:
    expect(desk.locator("#preview")).to_have_attribute("data-state", "fresh")
    asked: list[str] = []
    desk.on("request", lambda request: "preview" in request.url and asked.append(request.url))
    desk.clock.install()
    desk.context.clear_cookies(name="sessionid")
    desk.get_by_label("body").fill("signed out")
    sentence = re.compile("signed out.*asked again when you type.*older")
    expect(desk.locator("[data-age]")).to_have_text(sentence)
    desk.clock.fast_forward(120_000)
    desk.clock.run_for(1_000)
    assert len(asked) == 1
    desk.get_by_label("body").fill("signed out still")
    expect(desk.locator("[data-age]")).to_have_text(sentence)
    desk.clock.run_for(1_000)
    assert len(asked) == 2


@pytest.mark.parametrize("status", [None, 503])
def test_a_preview_that_fails_is_asked_for_less_and_less(desk: Page, status: int | None) -> None:
    expect(desk.locator("#preview")).to_have_attribute("data-state", "fresh")
    failing = "**/notes/preview/"
    desk.route(failing, lambda route: route.fulfill(status=status) if status else route.abort())
    desk.clock.install()
    desk.get_by_label("body").fill("*back*")
    words = desk.locator("[data-age]")
    for wait_s in (5, 10, 20, 40, 60):
        expect(words).to_have_text(re.compile(f"asked again in {wait_s} seconds.*older"))
        with desk.expect_request(failing):
            desk.clock.fast_forward(wait_s * 1_000)
    desk.wait_for_timeout(300)
    expect(words).to_have_text(re.compile("asked again in 60 seconds"))
    desk.unroute(failing)
    desk.clock.fast_forward(60_000)
    expect(desk.locator("#preview em")).to_have_text("back")


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


def test_a_saved_note_is_asked_for_once(desk: Page, note: Note) -> None:
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    desk.get_by_label("body").fill("saved\n")
    desk.keyboard.press(f"{MODIFIER}+s")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert len([one for one in asked if one.endswith(note.get_absolute_url())]) == 1
    assert len([one for one in asked if one.startswith("POST") and "edit" in one]) == 1


def test_text_typed_while_saving_is_not_left_behind(desk: Page, note: Note) -> None:
    saving = f"**{note.get_absolute_url()}edit/"
    body = desk.get_by_label("body")

    def typed_on(route: Route) -> None:
        body.fill("one two\n")
        route.continue_()

    body.fill("one\n")
    desk.route(saving, typed_on, times=1)
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.get_by_role("alert")).to_have_text(re.compile("typed on"))
    desk.keyboard.press(f"{MODIFIER}+s")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    bodies = [revision.body for revision in note.revisions.order_by("number")]
    assert bodies == ["Queries meet keys.\n", "one\n", "one two\n"]


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
    expect(desk.get_by_label("files:", exact=True)).to_be_focused()
    desk.keyboard.press("Tab")
    expect(desk.get_by_text("how to write it")).to_be_focused()
    for label in ("tags", "ref", "type", "what changed", "everyone"):
        desk.keyboard.press("Tab")
        expect(desk.get_by_label(label)).to_be_focused()
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert "By *hand*." in Note.objects.cards().get(pid=note.pid).head.body
