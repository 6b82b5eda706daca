"""A page that is watched: what its policy forbade, what it complained of, where it asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

from tests.conftest import signed_in

REPORT = """
addEventListener("securitypolicyviolation", event => console.error(
  `forbidden: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Watch:
    """A page and everything that was wrong with it so far, each with the page's address."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.wrong.append(f"{self.page.url}: {what}")


@contextmanager
def watched(browser: Browser, origin: str, reader: Any = None) -> Iterator[Watch]:
    """Open a page with scripts on, signed in as reader, and write down what goes wrong."""
    context = browser.new_context(base_url=origin)
    context.add_init_script(REPORT)
    if reader is not None:
        cookie = signed_in(reader).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": origin}])
    page = context.new_page()
    watch = Watch(page)
    page.on("console", lambda said: said.type == "error" and watch.note(said.text))
    page.on("pageerror", lambda error: watch.note(f"script failed: {error}"))
    page.on(
        "request",
        lambda asked: (
            asked.url.startswith((f"{origin}/", "data:")) or watch.note(f"asked {asked.url}")
        ),
    )
    try:
        yield watch
    finally:
        context.close()
