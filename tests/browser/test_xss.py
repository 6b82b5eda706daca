"""The hostile texts in a real browser: whatever is pointed at, focused or pressed, none runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.urls import reverse
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.browser.console import Watch, watched
from tests.hostile_markup import CONTEXTS, packed, vectors
from tests.wiki.test_xss import ADDRESSES
from wiki.http.middleware import CONTENT_SECURITY_POLICY
from wiki.markup import render
from wiki.models import Note
from wiki.models.tag import tag_key

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ALL = vectors()
SOME = vectors("markdown_latex_own") + ALL[::40]
ORIGIN = "http://texts.example"
# Writes down what would have shown itself; a prompt would stop the page.
HOOKS = """
window.ran = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"])
  window[name] = text => { ran.push(`${name}(${String(text).slice(0, 40)})`); };
"""
# Links and buttons are pressed, but lead nowhere.
EXCITE = """() => {
  const quiet = event => event.preventDefault();
  for (const kind of ["click", "auxclick", "submit", "dragstart"])
    addEventListener(kind, quiet, true);
  const kinds = ["mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "click",
    "dblclick", "contextmenu", "wheel", "keydown", "keyup", "input", "change", "select", "focus",
    "focusin", "blur", "load", "error", "toggle", "scroll", "copy", "paste", "dragenter", "drop",
    "pointerover", "pointerdown", "animationstart", "animationend", "transitionend", "begin"];
  for (const element of document.querySelectorAll("*")) {
    for (const kind of kinds)
      element.dispatchEvent(new Event(kind, {bubbles: true, cancelable: true}));
    element.focus?.({preventScroll: true});
  }
}"""
# What could run, as the browser understood the page.
LIVE = """() => {
  const elements = /^(script|iframe|frame|object|embed|applet|base|form|style|link|meta)$/i;
  const names = /^(on|style$|srcdoc|formaction|hx-|data-hx)/i;
  const values = /^[\\s\\0-\\x20]*(javascript|data|vbscript|blob|file):/i;
  return [...document.querySelectorAll("main *, body > :not(main)")].filter(element =>
    elements.test(element.localName) || [...element.attributes].some(({name, value}) =>
      names.test(name) || values.test(value.replace(/[\\t\\r\\n]/g, "")))
  ).map(element => element.outerHTML.slice(0, 200));
}"""
PAGE = "<!doctype html><html lang=en><title>texts</title><main>"


def naively(text: str) -> str:
    """Render as carelessly as possible: HTML is let through and nobody sanitises."""
    return str(MarkdownIt("commonmark", {"html": True}).render(text))


class Stage:
    """Shows HTML as a page of its own, with or without our policy, and counts what runs."""

    def __init__(self, context: BrowserContext, headers: dict[str, str]) -> None:
        self.headers = headers
        self.html = ""
        self.asked: list[str] = []
        self.ran: list[str] = []
        context.add_init_script(HOOKS)
        context.route("**/*", self.answer)
        self.page = context.new_page()
        self.page.on("dialog", lambda dialog: dialog.dismiss())

    def answer(self, route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            headers = {"Content-Type": "text/html; charset=utf-8", **self.headers}
            route.fulfill(body=PAGE + self.html, headers=headers)
        else:
            if not route.request.url.startswith(f"{ORIGIN}/"):
                self.asked.append(route.request.url)
            route.abort()

    def show(self, html: str) -> list[str]:
        """Show it, excite every element; return what is live in it."""
        self.html = html
        self.page.goto(f"{ORIGIN}/", wait_until="domcontentloaded")
        live: list[str] = self.page.evaluate(LIVE)
        self.page.evaluate(EXCITE)
        self.page.wait_for_timeout(20)
        self.ran += self.page.evaluate("ran")
        return live


@contextmanager
def stage(browser: Browser, policy: str = "") -> Iterator[Stage]:
    context = browser.new_context()
    try:
        yield Stage(context, {"Content-Security-Policy": policy} if policy else {})
    finally:
        context.close()


def batches(html: list[str], size: int) -> Iterator[str]:
    for start in range(0, len(html), size):
        yield "\n<hr>\n".join(html[start : start + size])


def test_no_text_runs_even_without_the_policy(browser: Browser) -> None:
    """Every vector as a text and in one context each; the first wall alone has to hold."""
    ways = list(CONTEXTS.values())
    html = [str(render(text)) for text in ALL]
    html += [str(render(ways[number % len(ways)](text))) for number, text in enumerate(ALL)]
    with stage(browser) as shown:
        live = [found for batch in batches(html, 250) for found in shown.show(batch)]
    print(f"{len(html)} texts: {len(live)} live, {len(shown.ran)} ran, {len(shown.asked)} asked")
    assert not live and not shown.ran and not shown.asked


def test_set_again_as_a_preview_no_text_runs(browser: Browser) -> None:
    """What a script puts into a page is parsed once more: it must not become something else."""
    html = [str(render(text)) for text in ALL]
    with stage(browser) as shown:
        shown.show("")
        for batch in batches(html, 500):
            shown.page.evaluate("html => { document.body.innerHTML = html }", batch)
            shown.page.evaluate("() => { document.body.innerHTML += '' }")
            assert not shown.page.evaluate(LIVE)
            shown.page.evaluate(EXCITE)
        assert not shown.page.evaluate("ran") and not shown.asked


@pytest.mark.parametrize("policy", ["", CONTENT_SECURITY_POLICY])
def test_without_both_walls_texts_do_run(browser: Browser, policy: str) -> None:
    """The control: rendered carelessly hundreds run here, and under the policy none."""
    html = [naively(text) for text in ALL[::12]]
    with stage(browser, policy) as shown:
        live = [found for batch in batches(html, 15) for found in shown.show(batch)]
    print(f"{len(html)} careless texts: {len(live)} live, {len(shown.ran)} ran; {policy[:18]!r}")
    assert len(live) > 300
    assert not shown.ran if policy else len(shown.ran) >= 100


@pytest.fixture
def site(alice: Any, staff: Any, fields: Any) -> Note:
    """Notes that say hostile things in every field."""
    values = packed(SOME, 1500)
    for number, value in enumerate(values):
        said = fields(
            title=value[:500],
            body="\n\n".join(
                CONTEXTS[name](value[:300]) for name in list(CONTEXTS)[number % 5 :: 5]
            ),
            ref=value[:200],
            tags=tuple({tag_key(word[:100]): word[:100] for word in value.split()}.values())[:20],
        )
        note = Note.objects.write(said, owner=alice, summary=value[:300])
        again = fields(title=values[-1 - number][:500], body=value, tags=said.tags)
        note.save_revision(again, base=0, author=alice, summary=value[-300:])
    Note.objects.order_by("-pid")[0].move_to_trash(staff)
    staff.username = '"><img src=x onerror=alert(1)>'
    staff.save()
    return Note.objects.order_by("pid")[3]


def beyond_pictures(watch: Watch) -> list[str]:
    """Return what went wrong, but for pictures that texts name and that are not there."""
    return [wrong for wrong in watch.wrong if "status of 404" not in wrong]


def excite(watch: Watch) -> list[str]:
    watch.page.evaluate(EXCITE)
    watch.page.wait_for_timeout(50)
    ran: list[str] = watch.page.evaluate("ran")
    return ran


def test_no_page_of_the_site_runs_a_text(
    browser: Browser, live_server: Any, site: Note, staff: Any
) -> None:
    numbers = {"pid": site.pid, "revision": site.head_id, "owner": site.owner_id}
    pages = ["/?page=2", "/?page=3", "/?text=alert", f"/?tags={SOME[4]}", *ADDRESSES]
    with watched(browser, live_server.url, staff) as watch:
        watch.page.context.add_init_script(HOOKS)
        for address in pages:
            watch.page.goto(address.format(**numbers) if "{pid" in address else address)
            assert not excite(watch), address
    assert not beyond_pictures(watch)


def test_no_preview_runs_what_is_being_typed(
    browser: Browser, live_server: Any, alice: Any
) -> None:
    with watched(browser, live_server.url, alice) as watch:
        watch.page.context.add_init_script(HOOKS)
        watch.page.goto(reverse("new"))
        for value in packed(SOME, 4000):
            with watch.page.expect_response("**/notes/preview/"):
                watch.page.get_by_label("body").fill(value)
            expect(watch.page.locator("#preview-text")).not_to_be_empty()
            ran: list[str] = watch.page.evaluate("ran")
            assert not ran
    assert not beyond_pictures(watch)
