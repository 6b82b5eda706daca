"""Every page in a real browser: the policy forbids nothing that we ship, and nobody is asked."""

import re
from collections import Counter
from typing import Any
from urllib.parse import urldefrag, urlsplit

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, expect

from tests.browser.console import Watch, watched
from tests.conftest import person
from wiki.models import Note, TagChange

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Of pages that differ in numbers only, and of those with a query, so many are opened.
MAX_OF_A_KIND = 3
# Chromium counts a page that is missing as an error of its own.
MISSING = "/missing/"
BODY = """
# First

Some *text*, `code`, $a^2 + b^2$ and [[Second]], [[nowhere]], [a link](https://example.org/).

$$\\sum_{i=1}^n x_i$$

- [ ] one
- two

| a | b |
|---|--:|
| 1 | 2 |

```python
def f(x): return x
```

![a picture](https://example.org/picture.png)

## Third

### Fourth
"""


@pytest.fixture
def notebook(alice: Any, staff: Any, fields: Any) -> Note:
    """A bit of everything that a page can show."""
    first = Note.objects.write(fields(title="First", body=BODY), owner=alice)
    first.save_revision(fields(title="First", body=f"{BODY}\nMore.\n"), base=0, author=alice)
    Note.objects.write(fields(title="Second", visibility="private"), owner=alice)
    Note.objects.write(fields(title="Third"), owner=staff).move_to_trash(staff)
    Note.objects.write(fields(title="Fourth"), owner=alice).move_to_trash(alice)
    for number in range(25):
        Note.objects.write(fields(title=f"Note {number}", body=f"{number}\n"), owner=alice)
    person("erin")
    return first


def crawl(watch: Watch, starts: list[str]) -> set[str]:
    """Open everything that can be reached by links; returns the paths."""
    waiting, seen, kinds = list(starts), set(starts), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        watch.page.goto(address, wait_until="load")
        links = watch.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(watch.page.url))
        for link in (urldefrag(link).url for link in links if link.startswith(f"{origin}/")):
            local = link.removeprefix(origin)
            kind = re.sub(r"\d+", "#", urlsplit(link).path) + "?" * ("?" in link)
            if local not in seen and kinds[kind] < MAX_OF_A_KIND:
                kinds[kind] += 1
                seen.add(local)
                waiting.append(local)
    return {urlsplit(address).path for address in seen}


@pytest.mark.parametrize("reader", [None, "alice", "staff"])
def test_no_page_needs_more_than_the_policy_allows(
    browser: Browser, live_server: Any, notebook: Note, reader: str | None
) -> None:
    user = get_user_model().objects.get(username=reader) if reader else None
    with watched(browser, live_server.url, user) as watch:
        starts = ["/", "/login/", MISSING, f"{notebook.get_absolute_url()}print/", "/notes/new/"]
        paths = crawl(watch, starts)
    print(f"{reader or 'nobody'}: {len(paths)} pages")
    assert not [wrong for wrong in watch.wrong if MISSING not in wrong]
    assert f"{notebook.get_absolute_url()}diff/0/1/" in paths
    assert ("/account/" in paths) == (reader is not None)
    assert ("/admin/auth/user/add/" in paths) == (reader == "staff")


def test_the_watch_sees_what_is_forbidden(browser: Browser, live_server: Any, db: None) -> None:
    with watched(browser, live_server.url) as watch:
        watch.page.goto("/")
        watch.page.evaluate(
            "document.body.innerHTML += '<p style=color:red><img src=//example.org/x.png>'"
        )
        watch.page.wait_for_timeout(300)
    wrong = "\n".join(watch.wrong)
    assert "style-src" in wrong and "img-src" in wrong


def test_the_admin_works_under_the_policy(
    browser: Browser, live_server: Any, notebook: Note, staff: Any
) -> None:
    with watched(browser, live_server.url, staff) as watch:
        page = watch.page
        page.goto("/admin/wiki/note/")
        page.locator("#searchbar").fill("Second")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        page.goto("/admin/wiki/note/")
        page.get_by_role("link", name="Private", exact=True).click()
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        page.locator("#result_list tbody th a").click()
        expect(page.get_by_role("heading", name="View note")).to_be_visible()
        page.goto("/admin/auth/user/")
        page.get_by_role("link", name="erin").click()
        page.locator("#id_date_joined_0 + .datetimeshortcuts a").first.click()
        page.locator("#id_date_joined_1 + .datetimeshortcuts a").first.click()
        page.locator("#id_date_joined_0 + .datetimeshortcuts a").last.click()
        page.locator(".calendarbox:visible .calendar td a").nth(3).click()
        page.locator("#id_user_permissions_add_all").click()
        page.get_by_label("First name").fill("Erin")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".messagelist .success")).to_be_visible()
    assert not watch.wrong
    erin = get_user_model().objects.get(username="erin")
    assert erin.first_name == "Erin" and erin.user_permissions.exists()


def test_the_admins_actions_work_under_the_policy(
    browser: Browser, live_server: Any, notebook: Note, staff: Any
) -> None:
    TagChange.objects.rename("attention", "focus", author=staff)
    with watched(browser, live_server.url, staff) as watch:
        page = watch.page
        page.goto("/admin/wiki/tagchange/")
        page.locator("#action-toggle").check()
        page.get_by_label("Action:").select_option("undo")
        page.get_by_role("button", name="Go").click()
        page.wait_for_load_state()
        page.goto("/admin/auth/user/")
        page.locator("tr", has_text="erin").locator("input.action-select").check()
        page.get_by_label("Action:").select_option("delete_selected")
        page.get_by_role("button", name="Go").click()
        page.get_by_role("button", name=re.compile("sure")).click()
        expect(page.locator(".messagelist .success")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("You are not authenticated")).to_be_visible()
    assert not watch.wrong
    assert TagChange.objects.filter(undoes__isnull=False).exists()
    assert not get_user_model().objects.filter(username="erin").exists()


def test_logging_out_leaves_no_page_behind_and_loses_no_draft(
    browser: Browser, live_server: Any, notebook: Note, alice: Any
) -> None:
    with watched(browser, live_server.url, alice) as watch:
        page = watch.page
        page.goto("/notes/new/")
        page.get_by_label("title").fill("A draft")
        page.wait_for_timeout(1_000)  # until it is kept
        assert page.evaluate("localStorage.length") > 0
        page.on("dialog", lambda asks: asks.accept())
        page.goto("/")
        page.get_by_role("button", name="logout").click()
        expect(page.get_by_text("You are not authenticated")).to_be_visible()
        assert page.evaluate("localStorage.length") > 0
        page.go_back()
        expect(page.get_by_text("You are not authenticated")).to_be_visible()
    assert not watch.wrong
