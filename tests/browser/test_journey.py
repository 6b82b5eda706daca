"""A reader's and a writer's way through the site, without JavaScript, on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from wiki.accounts import sign_in_links
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_sign_in_write_edit_compare_restore(page: Page) -> None:
    page.goto(sign_in_links.first_owner_link())
    page.get_by_role("button").first.click()
    page.get_by_role("link", name="new entry").click()
    page.get_by_label("title").fill("A first note")
    page.get_by_label("body").fill("So $a^2 + b^2 = c^2$ and *more*.\n")
    page.get_by_role("button", name="preview").click()
    expect(page.locator("em", has_text="more")).to_be_visible()
    page.get_by_role("button", name=re.compile("^save")).click()
    expect(page.get_by_role("heading", name="A first note")).to_be_visible()
    page.get_by_role("link", name="edit[0]").click()
    page.get_by_label("body").fill("So $a^2 + b^2 = c^2$ and *less*.\n")
    page.get_by_role("button", name=re.compile("^save as revision 1")).click()
    page.get_by_role("link", name="[0]").click()
    page.get_by_role("link", name=re.compile("to head|head")).first.click()
    page.go_back()
    page.get_by_role("link", name=re.compile("restore")).click()
    page.get_by_role("button", name=re.compile("restore")).click()
    assert [r.body.split()[-1] for r in Note.objects.get().revisions.order_by("number")] == [
        "*more*.",
        "*less*.",
        "*more*.",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(page: Page, alice, fields, scheme) -> None:
    wide = "| " + "x" * 300 + "\n\n`" + "y" * 300 + "`\n\n$" + "z" * 300 + "$\n"
    tags = tuple(f"tag_{i}_of_many" for i in range(40))
    note = Note.objects.write(fields(title="W" * 200, body=wide, tags=tags), owner=alice)
    note.save_revision(fields(title="W" * 200, body=wide + "more", tags=tags), base=0, author=alice)
    page.emulate_media(color_scheme=scheme)
    urls = ["/", "/tags/", "/login/", "/tags/tag_1_of_many/", "/missing/", note.get_absolute_url()]
    urls += [
        f"{note.get_absolute_url()}{rest}" for rest in ("history/", "r/0/", "diff/0/1/", "print/")
    ]
    for url in urls:
        page.goto(url)
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{url} is {width[0]} wide"
