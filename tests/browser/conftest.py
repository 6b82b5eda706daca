"""A real Chromium against a real server. Without one the tests say so in a line."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from wiki.models import Note

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = "no Chromium on this machine: the browser tests were skipped"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Playwright runs an event loop in this thread, and Django would refuse the database in it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def chromium(pytestconfig: Any) -> str:
    """Where the browser is."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if pytestconfig.getoption("require_browser"):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """Let all skips for want of a Chromium count at one place: a line, not one for each test."""
    report = yield
    if report.skipped and report.longrepr[2].endswith(NO_CHROMIUM):
        report.longrepr = (__file__, 1, report.longrepr[2])
    return report


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, live_server: Any, quick_passwords: None) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    yield context.new_page()
    context.close()


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
