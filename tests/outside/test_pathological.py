"""Texts made to be slow, through a real preview: answered, and nobody else has to wait."""

import pytest

from wiki.measuring.benchmarks.pathological_texts import PATHOLOGICAL
from wiki.rendering import sandbox

pytestmark = [pytest.mark.outside, pytest.mark.django_db]


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_pathological_text_is_set_or_shown_as_typed(alice_client, name):
    reply = alice_client.post("/notes/preview/", {"body": PATHOLOGICAL[name]})
    page = reply.content.decode()
    assert reply.status_code == 200
    assert ('class="as-typed"' in page) == (sandbox.TOO_COMPLEX in page)
    assert sandbox.render("*next*").segments == ("<p><em>next</em></p>\n",)
