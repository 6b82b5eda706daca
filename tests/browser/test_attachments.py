"""Files added in the editor: chosen, pasted, dropped; what is typed meanwhile is never touched."""

import base64
import errno
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, FilePayload, Page, Route, expect

from tests.browser.console import watched
from tests.conftest import signed_in
from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.fields import Fields
from wiki.files import store
from wiki.files.kinds import SVG
from wiki.files.svg import sanitise
from wiki.models import Attachment, Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MODIFIER = "ControlOrMeta"
RED = picture(30, 20)
GREEN = picture(20, 30)
UPLOADS = re.compile(r"/notes/(\d+|new)/files/$")

# What a browser makes of files that come from a clipboard or another window.
BRING = """([kind, files, x, y, on]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  const said = { bubbles: true, cancelable: true, clientX: x, clientY: y };
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { ...said, clipboardData: data })
    : new DragEvent(kind, { ...said, dataTransfer: data });
  return !document.querySelector(on).dispatchEvent(event);
}"""


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path
    return tmp_path


def payload(name: str, content: bytes = RED) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("files:", exact=True).set_input_files(list(files))


def bring(
    page: Page, kind: str, file: FilePayload, x: float = 0, y: float = 0, on: str = "#id_body"
) -> bool:
    """Paste or drop a file; tells whether the page took it."""
    said = [file["name"], file["mimeType"], base64.b64encode(file["buffer"]).decode()]
    return bool(page.evaluate(BRING, [kind, [said], x, y, on]))


def body_of(page: Page) -> str:
    return page.get_by_label("body").input_value()


def selected(page: Page) -> tuple[int, int]:
    field = "document.querySelector('#id_body')"
    start, end = page.evaluate(f"[{field}.selectionStart, {field}.selectionEnd]")
    return start, end


def save(page: Page) -> None:
    page.keyboard.press(f"{MODIFIER}+s")
    page.wait_for_url(re.compile(r"/notes/\d+/$"))


def shown_pictures(page: Page, within: str = ".prose") -> list[tuple[int, int]]:
    """Return the true sizes of the pictures that arrived."""
    pictures = page.locator(f"{within} img")
    expect(pictures.first).to_be_visible()
    pictures.first.scroll_into_view_if_needed()
    sizes = pictures.evaluate_all(
        "all => Promise.all(all.map(async (one) => {"
        " await one.decode(); return [one.naturalWidth, one.naturalHeight]; }))"
    )
    return [(width, height) for width, height in sizes]


def test_a_chosen_picture_is_written_where_the_caret_was_and_shown(desk: Page, note: Note) -> None:
    body = desk.get_by_label("body")
    body.fill("before\n\nafter\n")
    body.evaluate("field => field.setSelectionRange(8, 8)")
    choose(desk, payload("cat.png"))
    expect(body).to_have_value("before\n\n![](cat.png)after\n")
    expect(body).to_be_focused()
    assert selected(desk) == (10, 10), "between the brackets, for its alternative text"
    desk.keyboard.type("a cat")
    expect(desk.locator("#preview img")).to_have_attribute("alt", "a cat")
    assert shown_pictures(desk, "#preview") == [(30, 20)]
    expect(desk.locator("[data-attached]")).to_have_text("cat.png is in the text")
    save(desk)
    assert shown_pictures(desk) == [(30, 20)]
    assert note.attachments.get().name == "cat.png"
    assert desk.complaints == []  # type: ignore[attr-defined]


def test_undo_takes_a_picture_out_and_what_was_typed_stays(desk: Page) -> None:
    body = desk.get_by_label("body")
    body.press("End")
    body.press_sequentially(" typed")
    choose(desk, payload("cat.png"))
    expect(body).to_have_value(re.compile(r"typed!\[\]\(cat\.png\)"))
    desk.keyboard.press(f"{MODIFIER}+z")
    expect(body).to_have_value("Queries meet keys. typed\n")
    desk.keyboard.press(f"{MODIFIER}+Shift+z")
    expect(body).to_have_value(re.compile(r"typed!\[\]\(cat\.png\)"))


def test_a_picture_is_pasted_and_dropped_and_words_are_left_to_the_browser(desk: Page) -> None:
    body = desk.get_by_label("body")
    body.fill("one\n")
    assert bring(desk, "paste", payload("image.png"))
    expect(body).to_have_value(re.compile(r"^one\n!\[\]\(pasted-\d{14}\.png\)$"))
    body.fill("line one\nline two\n")
    box = body.bounding_box()
    assert box is not None
    cat = payload("cat.png", GREEN)
    assert bring(desk, "dragover", cat)
    expect(body).to_have_class("takes")
    assert bring(desk, "drop", cat, box["x"] + 14, box["y"] + 40)
    expect(body).not_to_have_class("takes")
    expect(body).to_have_value("line one\n![](cat.png)line two\n")
    assert bring(desk, "drop", payload("beside.png", picture(9, 9)), on=".preview")
    expect(body).to_have_value(re.compile(r"!\[\]\(beside\.png\)"))


def test_what_is_pasted_with_words_is_left_to_the_browser(desk: Page) -> None:
    desk.on("request", lambda one: UPLOADS.search(one.url) and pytest.fail("it was sent"))
    assert not desk.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "1\t2");
          data.items.add(new File(["x"], "image.png", { type: "image/png" }));
          const said = { bubbles: true, cancelable: true, clipboardData: data };
          const body = document.querySelector("#id_body");
          return !body.dispatchEvent(new ClipboardEvent("paste", said));
        }"""
    )


def test_several_files_go_one_after_the_other_into_lines_of_their_own(desk: Page) -> None:
    order: list[str] = []
    desk.on("request", lambda one: UPLOADS.search(one.url) and order.append("sent"))
    desk.on("response", lambda one: UPLOADS.search(one.url) and order.append("answered"))
    desk.get_by_label("body").fill("")
    choose(desk, payload("a.png"), payload("b.png", GREEN), payload("paper.pdf", b"%PDF-1.7\n"))
    expected = "![](a.png)\n![](b.png)\n[paper.pdf](paper.pdf)"
    expect(desk.get_by_label("body")).to_have_value(expected)
    assert selected(desk) == (2, 2), "the first of them is to be described first"
    assert order == ["sent", "answered"] * 3


def test_what_is_typed_while_a_file_is_on_its_way_is_not_touched(desk: Page, note: Note) -> None:
    held: list[Route] = []
    desk.route(UPLOADS, lambda route: held.append(route))
    body = desk.get_by_label("body")
    body.fill("one two\n")
    body.evaluate("field => field.setSelectionRange(3, 3)")
    with desk.expect_request(UPLOADS):
        choose(desk, payload("cat.png"))
    body.evaluate("field => { field.focus(); field.setSelectionRange(0, 0) }")
    body.press_sequentially("zero ")
    body.evaluate("field => field.setSelectionRange(8, 8)")
    body.press_sequentially(",")
    body.press("ControlOrMeta+End")
    body.press_sequentially("three")
    assert body_of(desk) == "zero one, two\nthree"
    desk.get_by_label("title").focus()
    desk.keyboard.type("!")
    held[0].continue_()
    expect(body).to_have_value("zero one![](cat.png), two\nthree")
    expect(desk.get_by_label("title")).to_be_focused()
    assert selected(desk) == (31, 31), "the caret stays behind what was typed last"
    save(desk)
    assert Note.objects.cards().get(pid=note.pid).head.body == "zero one![](cat.png), two\nthree"


def test_saving_waits_for_a_file_and_leaving_warns(desk: Page, note: Note) -> None:
    held: list[Route] = []
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    desk.on("dialog", stay)
    desk.route(UPLOADS, lambda route: held.append(route))
    with desk.expect_request(UPLOADS):
        choose(desk, payload("cat.png"))
    desk.get_by_role("link", name="leave").click()
    assert asked == ["beforeunload"]
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.locator("[data-problem]")).to_have_text(re.compile("still on its way"))
    assert note.revisions.count() == 1
    held[0].continue_()
    desk.wait_for_url(f"**{note.get_absolute_url()}")
    assert shown_pictures(desk) == [(30, 20)]


@pytest.mark.parametrize("how", ["stopped", "full"])
def test_a_file_that_did_not_arrive_is_tried_again(desk: Page, monkeypatch: Any, how: str) -> None:
    body = desk.get_by_label("body")
    body.fill("kept\n")
    if how == "stopped":
        desk.route(UPLOADS, lambda route: route.abort(), times=1)
    else:
        refuse_to_write(monkeypatch)
    choose(desk, payload("cat.png"))
    sentence = "cannot be reached" if how == "stopped" else "disk of this site is full"
    expect(desk.locator(".attach [role=alert]")).to_have_text(re.compile(sentence))
    body.press_sequentially("typed on\n")
    desk.keyboard.press(f"{MODIFIER}+s")
    expect(desk.locator("[data-problem]")).to_have_text(re.compile("a file is not in the text"))
    monkeypatch.undo()
    desk.get_by_role("button", name="try again: cat.png").click()
    expect(body).to_have_value("kept\n![](cat.png)typed on\n")
    expect(desk.locator(".attach li")).to_have_count(0)
    save(desk)
    assert shown_pictures(desk) == [(30, 20)]


def refuse_to_write(monkeypatch: Any) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.tempfile, "mkstemp", full)


def test_a_file_on_its_way_can_be_cancelled(desk: Page) -> None:
    held: list[Route] = []
    desk.route(UPLOADS, lambda route: held.append(route), times=1)
    body = desk.get_by_label("body")
    body.fill("")
    with desk.expect_request(UPLOADS):
        choose(desk, payload("a.png"), payload("b.png", GREEN))
    bars = desk.get_by_role("progressbar")
    expect(bars).to_have_count(2)
    expect(bars.first).to_have_accessible_name("a.png")
    desk.get_by_role("button", name="cancel: a.png").focus()
    desk.keyboard.press("Enter")
    expect(body).to_have_value("![](b.png)")
    expect(desk.locator(".attach li")).to_have_count(0)


def test_what_cannot_be_added_is_said_before_it_is_sent(desk: Page) -> None:
    desk.on("request", lambda one: UPLOADS.search(one.url) and pytest.fail("it was sent"))
    desk.evaluate("document.querySelector('[data-attach]').dataset.megabytes = 1")
    before = body_of(desk)
    for name, content, why in (
        ("large.png", bytes(1024 * 1024 + 1), "It has 2 MB, and a file has at most 1 MB"),
        ("IMG_1.HEIC", RED, "Save it as JPEG or PNG"),
        ("empty.png", b"", "It is empty"),
    ):
        choose(desk, payload(name, content))
        line = desk.locator(".attach li", has_text=name)
        expect(line.get_by_role("alert")).to_contain_text(why)
        line.get_by_role("button", name=f"close: {name}").click()
        expect(line).to_have_count(0)
    assert body_of(desk) == before


def test_what_the_server_refuses_is_told_in_its_words(desk: Page) -> None:
    choose(desk, payload("broken.png", RED[:60]))
    expect(desk.locator(".attach [role=alert]")).to_contain_text("damaged")
    desk.get_by_role("button", name="leave it out: broken.png").click()
    desk.context.clear_cookies(name="sessionid")
    choose(desk, payload("cat.png"))
    expect(desk.locator(".attach [role=alert]")).to_contain_text(re.compile("[Ss]ign"))


def test_a_new_note_has_its_pictures_before_it_is_saved_and_after(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("With a picture")
    choose(desk, payload("cat.png"))
    assert shown_pictures(desk, "#preview") == [(30, 20)]
    save(desk)
    assert shown_pictures(desk) == [(30, 20)]
    assert Attachment.objects.get().note.title == "With a picture"


def test_a_draft_found_in_another_form_still_has_its_picture(desk: Page) -> None:
    desk.goto("/notes/new/")
    desk.get_by_label("title").fill("Found again")
    choose(desk, payload("cat.png"))
    expect(desk.locator("#preview img")).to_be_visible()
    expect(desk.locator("[data-kept]")).to_have_text(re.compile("draft kept"))
    again = desk.context.new_page()
    desk.close(run_before_unload=False)
    again.goto("/notes/new/")
    expect(again.locator("[data-found]")).to_be_visible()
    assert shown_pictures(again, "#preview") == [(30, 20)]
    save(again)
    assert shown_pictures(again) == [(30, 20)]


def test_two_tabs_and_a_conflict_keep_both_pictures(desk: Page, note: Note) -> None:
    other = desk.context.new_page()
    other.goto(desk.url)
    for page, content in ((desk, RED), (other, GREEN)):
        page.get_by_label("body").fill("")
        choose(page, payload("cat.png", content))
        expect(page.get_by_label("body")).to_have_value(re.compile(r"^!\[\]\(cat\S*\.png\)$"))
    save(desk)
    other.keyboard.press(f"{MODIFIER}+s")
    expect(other.get_by_role("heading", name="Two texts, one note")).to_be_visible()
    mine = other.get_by_role("textbox", name="body")
    mine.fill("![](cat.png)\n\n")
    choose(other, payload("third.png", picture(10, 11)))
    expect(mine).to_have_value(re.compile("third"))
    names = sorted(note.attachments.values_list("key", flat=True))
    text = "\n\n".join(f"![]({name})" for name in names)
    mine.fill(text)
    save(other)
    assert sorted(shown_pictures(other)) == [(10, 11), (20, 30), (30, 20)]
    assert note.attachments.count() == 3


def test_a_file_is_added_without_scripts_and_nothing_typed_is_lost(
    page: Page, live_server: Any, alice: Any, note: Note
) -> None:
    cookie = signed_in(alice).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(f"{note.get_absolute_url()}edit/")
    page.get_by_label("body").fill("typed\n")
    page.get_by_label("tags").fill("by_hand")
    page.get_by_label("a file for the text").set_input_files([payload("cat.png")])
    page.get_by_role("button", name="add it").click()
    expect(page.get_by_label("tags")).to_have_value("by_hand")
    expect(page.get_by_label("body")).to_have_value("typed\n\n![](cat.png)\n")
    page.get_by_label("title").press("Enter")
    assert shown_pictures(page) == [(30, 20)]
    head = Note.objects.cards().get(pid=note.pid).head
    assert (head.body, head.tags) == ("typed\n\n![](cat.png)\n", ["by_hand"])


HOSTILE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40" onload="alert(1)">
<script>alert(1)</script><style>@import url(//a.example/a.css); rect { fill: #f00 }</style>
<image href="https://a.example/pixel.png"/>
<rect width="60" height="40" onclick="alert(1)"/></svg>"""


@pytest.mark.parametrize("is_sanitised", [True, False])
def test_an_svg_is_drawn_and_nothing_in_it_runs(
    browser: Browser, live_server: Any, alice: Any, note: Note, is_sanitised: bool
) -> None:
    """Also one that came past the sanitiser: its policy holds by itself."""
    content = sanitise(HOSTILE).content if is_sanitised else HOSTILE
    url = attach(note, "plot.svg", content, kind=SVG).get_absolute_url()
    note.save_revision(Fields("A", "![](plot.svg)", "", "note", (), "public"), base=0, author=alice)
    with watched(browser, live_server.url) as watch:
        watch.page.on("dialog", lambda dialog: watch.note(dialog.message))
        watch.page.goto(note.get_absolute_url())
        assert shown_pictures(watch.page) == [(60, 40)]
        assert watch.wrong == []
        watch.page.goto(url)
        watch.page.goto(url)
        rect = watch.page.locator("rect")
        assert rect.evaluate("one => getComputedStyle(one).fill") == "rgb(255, 0, 0)"
        rect.click()
    # The sandbox stops the scripts of these tests too, and says so.
    refused = [said for said in watch.wrong if "sandboxed" not in said]
    assert (refused == []) == is_sanitised, "the policy forbids what the sanitiser takes out"
    assert not any(said.endswith("svg: 1") for said in watch.wrong), "nothing was alerted"
