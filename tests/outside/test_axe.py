"""axe-core finds no barrier on any page of the site, light or dark, signed in or not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests import pages_of_the_site as site

pytestmark = [pytest.mark.outside, pytest.mark.django_db(transaction=True)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Colours depend on the scheme alone and sizes on the screen alone, so two looks are enough.
LOOKS: dict[str, dict[str, Any]] = {
    "light, on a desk": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark, on a phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
RUN = """async rules => (await axe.run(document, {
    runOnly: {type: "tag", values: rules}, resultTypes: ["violations"],
})).violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${rule.help}\\n    ${node.html}\\n    ${node.failureSummary}`
))"""


@contextmanager
def opened(browser: Browser, base_url: str, client: Any, look: str) -> Iterator[Page]:
    """Open an empty page in a browser that is signed in like the client."""
    # The script of axe is not the site's: the policy that would hold it back is set aside.
    context = browser.new_context(
        base_url=base_url, bypass_csp=True, reduced_motion="reduce", **LOOKS[look]
    )
    for name, cookie in client.cookies.items():
        context.add_cookies([{"name": name, "value": cookie.value, "url": base_url}])
    yield context.new_page()
    context.close()


def violations(page: Page, axe: Path) -> list[str]:
    """Return every violation on the page that is open."""
    page.add_script_tag(path=axe)
    return page.evaluate(RUN, RULES)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("reader", [site.NOBODY, site.READER, site.OWNER])
def test_no_page_has_a_barrier(
    browser: Browser,
    live_server: Any,
    suite: Callable[[str], Path],
    client_of: Callable[[str], Any],
    numbers: dict[str, Any],
    reader: str,
    look: str,
) -> None:
    axe, found = suite("axe-core/axe.min.js"), []
    with opened(browser, live_server.url, client_of(reader), look) as page:
        for kind in site.kinds_for(reader):
            site.visit(page, client_of(reader), kind, numbers)
            found += [f"{kind.name}: {violation}" for violation in violations(page, axe)]
    if found:
        pytest.fail(f"{len(found)} violations\n" + "\n".join(found), pytrace=False)


def test_axe_finds_a_barrier(browser: Browser, suite: Callable[[str], Path]) -> None:
    page = browser.new_page()
    page.set_content("<img src=x><p style='color:#aaa'>pale")
    rules = {
        violation.partition(":")[0] for violation in violations(page, suite("axe-core/axe.min.js"))
    }
    page.close()
    assert {"image-alt", "color-contrast", "document-title"} <= rules
