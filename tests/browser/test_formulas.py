"""Formulas in a real browser: copied as TeX, set without a word of style, never too wide."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.wiki.documented_formulas import formulas
from wiki.models import Note

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BODY = r"""
Before $a < b$ and after.

$$
\hat{Z} = s(Z)
$$

Last, $\nosuch{x}$ and no more.
"""
CAUGHT = """
window.caught = [];
document.addEventListener("securitypolicyviolation", (e) => caught.push(e.violatedDirective));
"""


@pytest.fixture
def page(browser: Browser, live_server, quick_passwords):
    context = browser.new_context(base_url=live_server.url, viewport={"width": 360, "height": 740})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def copied(page: Page) -> str:
    page.keyboard.press("Control+C")
    return page.evaluate("navigator.clipboard.readText()")


def test_formulas_are_copied_as_their_tex(page: Page, alice, fields) -> None:
    note = Note.objects.write(fields(body=BODY), owner=alice)
    page.goto(note.get_absolute_url())
    expect(page.locator("math")).to_have_count(2)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.prose'))")
    lines = [line for line in copied(page).splitlines() if line.strip()]
    assert lines == [
        "Before $a < b$ and after.",
        r"$$\hat{Z} = s(Z)$$",
        r"Last, $\nosuch{x}$ and no more.",
    ]


def test_a_part_of_a_formula_is_copied_as_the_whole(page: Page, alice, fields) -> None:
    note = Note.objects.write(fields(body=BODY), owner=alice)
    page.goto(note.get_absolute_url())
    page.evaluate("getSelection().selectAllChildren(document.querySelector('math mi'))")
    assert copied(page) == "$a < b$"


def test_words_without_formulas_are_copied_as_ever(page: Page, alice, fields) -> None:
    note = Note.objects.write(fields(body=BODY), owner=alice)
    page.goto(note.get_absolute_url())
    page.evaluate(
        "const text = document.querySelector('.prose p').firstChild;"
        "getSelection().setBaseAndExtent(text, 0, text, 6)"
    )
    assert copied(page) == "Before"


def test_formulas_keep_the_policy_and_the_width_of_a_phone(page: Page, alice, fields) -> None:
    sample = list(formulas())[::16]
    body = "\n\n".join(f"$${tex}$$" if display else f"${tex}$" for _, display, tex in sample)
    note = Note.objects.write(fields(body=body), owner=alice)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.add_init_script(CAUGHT)
    page.goto(note.get_absolute_url())
    assert page.locator(".prose math").count() > 0.9 * len(sample)
    assert page.evaluate("caught") == [] and errors == []
    assert page.evaluate("document.querySelectorAll('.prose [style]').length") == 0
    fonts = page.evaluate("document.fonts.ready.then(() => [...document.fonts].map(f => f.status))")
    assert fonts == ["loaded"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_environment_is_copied_without_dollars_and_a_reference_leads_to_it(
    page: Page, alice, fields
) -> None:
    equation = "\\begin{equation}\na = b \\label{q}\n\\end{equation}"
    body = f"See \\eqref{{q}} and $\\ref{{q}}$.\n\n$$\\def\\c{{d}}$$\n\n{equation}\n"
    note = Note.objects.write(fields(body=body), owner=alice)
    page.goto(note.get_absolute_url())
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.prose'))")
    lines = [line for line in copied(page).splitlines() if line.strip()]
    assert lines == [r"See (1) and $\ref{q}$.", r"$$\def\c{d}$$", " ".join(equation.split())]
    for link in page.locator("a.eqref").all():
        link.click()
        assert page.evaluate("document.querySelector(':target').textContent").startswith("a=b")
    assert page.locator(".definitions").bounding_box()["height"] == 0
