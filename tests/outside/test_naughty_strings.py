"""The Big List of Naughty Strings, through every field that takes text: none is an error.

What a form takes comes back as it was typed, but for what the form itself brings in order:
line ends, and the spaces of one-line fields.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from tests import pages_of_the_site as site
from wiki.models import Note
from wiki.search.query import MAX_QUERY_LENGTH

pytestmark = [pytest.mark.outside, pytest.mark.django_db]

REFUSED = 422


@pytest.fixture
def strings(suite: Callable[[str], Path]) -> list[str]:
    return json.loads(suite("blns/resources/blns.json").read_text(encoding="utf-8"))


@pytest.fixture
def owner(client_of: Callable[[str], Client]) -> Client:
    return client_of(site.OWNER)


def fields(said: str) -> dict[str, str]:
    return {
        "title": said,
        "body": said,
        "ref": said,
        "tags": said,
        "summary": said,
        "type": "note",
        "visibility": "public",
    }


def one_line(typed: str) -> str:
    return " ".join(typed.split())


def test_a_note_says_what_was_typed_in_every_field(strings: list[str], owner: Client) -> None:
    taken = 0
    for string in strings:
        reply = owner.post("/notes/new/", fields(string))
        if reply.status_code == REFUSED:
            # A control character in a line, a title of nothing: the text is kept in the form.
            reply = owner.post("/notes/new/", fields("") | {"title": "Naughty", "body": string})
        else:
            taken += 1
        if reply.status_code == REFUSED:
            assert "\0" in string
            continue
        assert reply.status_code == 302, string
        note = Note.objects.select_related("head").latest("pid")
        assert note.head.body == string.replace("\r\n", "\n").replace("\r", "\n")
        assert note.title in ("Naughty", one_line(string))
        for page in ("", "edit/", "print/", "history/", "raw/"):
            assert owner.get(f"{note.get_absolute_url()}{page}").status_code == 200, string
    assert taken > len(strings) * 3 // 4
    for address in ("/", "/tags/", "/changes/", "/feed.atom", "/links/", "/links/orphans/"):
        assert owner.get(address).status_code == 200


def test_whatever_is_looked_for_is_answered(strings: list[str], owner: Client) -> None:
    for string in strings:
        asked = string[:MAX_QUERY_LENGTH]
        for name, address in (
            ("q", "/search/"),
            ("q", "/suggest/"),
            ("text", "/"),
            ("tags", "/"),
            ("type", "/"),
            ("ref", "/"),
            ("page", "/"),
            ("hide", "/"),
            ("title", "/notes/new/"),
            ("tag", "/tidying/tag/"),
            ("ptags", "/index.pl"),
            ("pid", "/index.pl"),
        ):
            assert owner.get(address, {name: asked}).status_code < 500, (name, string)


def test_tags_and_accounts_may_be_called_anything_or_are_refused(
    strings: list[str], owner: Client, client: Client
) -> None:
    for string in strings:
        said = {"tag": "transformers", "action": "alias", "to": string}
        assert owner.post("/tidying/tag/", said).status_code < 500, string
        reply = client.post("/login/", {"username": string, "password": string})
        assert reply.status_code < 500, string
        assert owner.post("/notes/preview/", fields(string)).status_code < 500, string
