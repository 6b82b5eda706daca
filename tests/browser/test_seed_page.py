"""The seed's page, line by line, as a reader sees it in a browser without JavaScript."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PASSWORD
from tests.wiki.seed_page import TAG_FILTERS, WORDS, write_page
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notes(alice):
    return write_page(alice)


@pytest.fixture
def here(page: Page, notes) -> Page:
    """The front page, read by nobody in particular."""
    page.goto("/")
    return page


def shown(page: Page) -> list[str]:
    """Return which of the four notes the page shows, in order."""
    page.wait_for_load_state()
    return [WORDS[title] for title in page.locator("article .title").all_inner_texts()]


def filter_by(page: Page, **said: str) -> list[str]:
    """Fill in the form on an unfiltered list, send it, and return the notes shown."""
    page.goto("/")
    for label, value in said.items():
        page.get_by_label(f"{label}:").fill(value)
    page.get_by_role("button", name="filter").click()
    return shown(page)


def note_on(page: Page, note: Note):
    """Return the part of the page that is about a note."""
    return page.locator(f"#n{note.pid}")


def sign_in(page: Page) -> None:
    page.get_by_role("link", name="login").click()
    page.get_by_label("username").fill("alice")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="login").click()


def line(part) -> str:
    """Return the words of a part of the page with single spaces."""
    return " ".join(part.inner_text().split())


def test_01_a_signed_out_reader_is_told_so_first_and_signs_in(here: Page) -> None:
    first = here.locator("body").inner_text().replace("Skip to the text", "").strip()
    assert first.startswith("You are not authenticated, login.")
    here.goto("/?text=odot")
    sign_in(here)
    assert here.url.endswith("/?text=odot")
    assert line(here.locator(".reader")) == "alice · logout · new entry"
    here.get_by_role("button", name="logout").click()
    expect(here.get_by_text("You are not authenticated")).to_be_visible()


def test_02_the_form_keeps_its_state_in_the_address_and_back_works(here: Page) -> None:
    here.get_by_label("text:").fill("attention")
    here.get_by_label("type:").fill("note")
    here.get_by_role("button", name="filter").click()
    assert "text=attention" in here.url and "type=note" in here.url
    expect(here.get_by_label("text:")).to_have_value("attention")
    here.get_by_role("link", name="modified").click()
    assert "text=attention" in here.url and "sort=modified" in here.url
    here.go_back()
    here.go_back()
    assert shown(here) == ["one", "two", "three", "four"]
    expect(here.get_by_label("text:")).to_have_value("")


def test_03_text_finds_words_and_commands_of_formulas(here: Page) -> None:
    assert filter_by(here, text="odot") == ["three"]
    assert filter_by(here, text="attention") == ["three", "four"]
    assert filter_by(here, text="nothing-says-this") == []
    expect(here.get_by_text("Nothing here is like that.")).to_be_visible()


@pytest.mark.parametrize(("tags", "found"), TAG_FILTERS)
def test_04_tags_fit_the_start_of_a_part(here: Page, tags: str, found: list[str]) -> None:
    assert filter_by(here, tags=tags) == found


def test_05_type_filters_and_combines(here: Page) -> None:
    assert filter_by(here, type="paper") == ["one", "three"]
    assert filter_by(here, type="paper", tags="transformers", text="gate") == ["three"]


def test_06_the_two_orders_differ_and_a_second_click_reverses(here: Page) -> None:
    orders = here.get_by_role("link", name=re.compile("^(modified|chronology)"))
    expect(orders.and_(here.locator("[aria-current]"))).to_have_text(re.compile("chronology"))
    for order, found in [
        ("chronology", ["four", "three", "two", "one"]),
        ("modified", ["four", "one", "two", "three"]),
        ("modified", ["three", "two", "one", "four"]),
        ("chronology", ["one", "two", "three", "four"]),
    ]:
        here.get_by_role("link", name=re.compile(f"^{order}")).click()
        assert shown(here) == found
        expect(orders.and_(here.locator("[aria-current]"))).to_have_text(re.compile(order))


def test_07_only_who_may_edit_sees_an_edit_link(here: Page, notes) -> None:
    acts = note_on(here, notes["three"]).locator(".acts")
    assert line(acts).endswith("hide / / print")
    edit = f"/notes/{notes['three'].pid}/edit/"
    here.goto(edit)
    assert here.url.endswith(f"/login/?next={edit}")
    sign_in(here)
    assert here.url.endswith(edit)
    here.goto("/")
    assert line(acts).endswith("hide / edit[4] / print")


def test_08_hiding_folds_a_text_and_keeps_its_header(here: Page, notes) -> None:
    part = note_on(here, notes["two"])
    part.get_by_role("link", name="hide").click()
    assert f"hide={notes['two'].pid}" in here.url
    expect(part.get_by_text("misses the last train")).to_have_count(0)
    expect(part.get_by_text("ref: -0")).to_be_visible()
    show = part.get_by_role("link", name="show")
    expect(show).to_have_attribute("aria-expanded", "false")
    assert shown(here) == ["one", "two", "three", "four"]
    here.reload()
    show.click()
    expect(part.get_by_text("misses the last train")).to_be_visible()
    here.goto(f"/?hide={notes['two'].pid}&text=train")
    assert shown(here) == ["two"]


def test_09_printing_shows_the_note_alone(here: Page, notes) -> None:
    three = notes["three"]
    note_on(here, three).get_by_role("link", name="print").click()
    assert shown(here) == ["three"]
    for control in ("form", "nav", "input", "button"):
        expect(here.locator(control)).to_have_count(0)
    expect(here.locator("math").first).to_be_attached()
    expect(here.get_by_text(re.compile(rf"http://[^ ]+/notes/{three.pid}/"))).to_be_visible()
    here.emulate_media(media="print")
    here.goto("/")
    expect(here.get_by_role("search")).to_be_hidden()
    expect(here.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(note_on(here, three).locator("math").first).to_be_attached()


def test_10_a_ref_leads_to_its_notes_and_old_addresses_lead_here(here: Page, notes) -> None:
    for word, ref in {"one": "-2022", "two": "-0", "three": "-2021", "four": "-2017"}.items():
        assert f"ref: {ref} tags:" in line(note_on(here, notes[word]).locator(".meta"))
    note_on(here, notes["two"]).get_by_role("link", name="-0", exact=True).click()
    assert shown(here) == ["two"]
    here.get_by_role("link", name=f"{{{notes['two'].pid}}}").click()
    assert here.url.endswith(f"/notes/{notes['two'].pid}/")
    here.goto(f"/index.pl?pid={notes['four'].pid}")
    assert here.url.endswith(f"/notes/{notes['four'].pid}/")
    here.goto("/index.pl?ptags=transformers")
    assert shown(here) == ["two", "three"]


def test_11_a_tag_leads_to_its_notes(here: Page, notes) -> None:
    note_on(here, notes["three"]).get_by_role("link", name="Quoc_Le", exact=True).click()
    assert shown(here) == ["three"]
    here.get_by_role("navigation", name="Main").get_by_role("link", name="tags").click()
    here.get_by_role("link", name="transformers", exact=True).click()
    assert shown(here) == ["two", "three"]


def test_12_dates_are_in_gmt(here: Page, notes) -> None:
    when = note_on(here, notes["one"]).locator("time")
    expect(when).to_have_text("05-17-2022 20:25 gmt")
    expect(when).to_have_attribute("datetime", "2022-05-17T20:25:00Z")


def test_13_revisions_are_read_compared_and_restored(here: Page, notes) -> None:
    three = note_on(here, notes["three"])
    assert line(three.locator(".revs")) == "revision:4 [3] [2] [1] [0] [head]"
    assert line(note_on(here, notes["one"]).locator(".revs")) == "revision:0 [head]"
    sign_in(here)
    three.get_by_role("link", name="[2]").click()
    expect(here.get_by_text("A draft, number 2.")).to_be_visible()
    expect(here.get_by_text("This is revision 2 of 4")).to_be_visible()
    here.get_by_role("link", name=re.compile("head")).last.click()
    here.go_back()
    here.get_by_role("link", name="restore").click()
    here.get_by_role("button", name="restore").click()
    assert "revision:5 [4] [3] [2] [1] [0] [head]" in line(here.locator(".revs").first)
    expect(here.get_by_text("A draft, number 2.")).to_be_visible()
    here.get_by_role("link", name="[4]").click()
    here.get_by_role("link", name="[head]").first.click()
    assert here.url.endswith(f"/notes/{notes['three'].pid}/")


def test_14_a_long_line_of_revisions_is_shortened(here: Page, notes, fields, alice) -> None:
    note = notes["one"]
    for number in range(25):
        said = fields(title=notes["one"].title, body=f"Take {number}.\n")
        note.save_revision(said, base=number, author=alice)
    here.reload()
    words = line(note_on(here, note).locator(".revs"))
    assert words == "revision:25 [24] [23] [22] [21] [20] … [0] [head]"


def test_15_a_private_note_does_not_exist_for_others(here: Page, notes, secret) -> None:
    for address in ("/", "/tags/", "/?text=canary", "/?tags=canary"):
        here.goto(address)
        assert "canary-text" not in here.content() and "Canary" not in here.content()
    for rest in ("", "r/0/", "history/", "print/", "raw/"):
        assert here.goto(f"{secret.get_absolute_url()}{rest}").status == 404


def test_16_formulas_are_set_and_prices_are_not(here: Page, notes) -> None:
    three = note_on(here, notes["three"])
    annotations = three.locator("math annotation").all_text_contents()
    assert r"s(Z) = Z_1 \odot (W Z_2 + b)" in [tex.strip() for tex in annotations]
    assert "⊙" in "".join(three.locator("math mo").all_text_contents())
    expect(three.locator("math mover").first).to_be_attached()
    assert three.locator("math").first.bounding_box()["width"] > 10
    expect(three.get_by_text("Costs $5 to $10 an hour; a literal $ stays.")).to_be_visible()
    assert three.locator("script, a[href^=javascript]").count() == 0


def test_17_lists_nest_three_levels_and_end(here: Page, notes) -> None:
    two = note_on(here, notes["two"])
    expect(two.locator("ul ul ul li")).to_have_text("So X walks home.")
    expect(two.locator(".prose > p", has_text="What people wrote by hand")).to_be_visible()


def test_18_a_second_save_from_one_revision_shows_both_texts(here: Page, notes) -> None:
    sign_in(here)
    note_on(here, notes["four"]).get_by_role("link", name="edit[3]").click()
    second = here.context.new_page()
    second.goto(here.url)
    body = here.get_by_role("textbox", name="body").input_value()
    for tab, words in ((here, "A fine talk, said one."), (second, "A fine talk, said two.")):
        tab.get_by_role("textbox", name="body").fill(
            body.replace("A good talk, and a short one.", words)
        )
        tab.get_by_role("button", name=re.compile("^save")).click()
    expect(second.get_by_role("heading", name="Two texts, one note")).to_be_visible()
    both = (
        second.locator("main").inner_text()
        + second.get_by_role("textbox", name="body").input_value()
    )
    assert "said one." in both and "said two." in both
    second.get_by_role("textbox", name="body").fill(
        body.replace("A good talk,", "Both say a fine talk,")
    )
    second.get_by_role("button", name=re.compile("^save")).click()
    expect(second.get_by_text("Both say a fine talk")).to_be_visible()
    numbers = Note.objects.get(pid=notes["four"].pid).revisions.values_list("number", flat=True)
    assert sorted(numbers) == [0, 1, 2, 3, 4, 5]
