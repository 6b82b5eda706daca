"""Whatever goes wrong, what somebody typed comes back to them."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from tests.wiki.page_text import Text, page
from wiki.models import Note
from wiki.views import errors


def test_errors_stand_beside_their_field_and_nothing_typed_is_lost(alice_client: Any) -> None:
    typed = {"title": "", "body": "\n kept\n", "tags": "x" * 101, "type": "note"}
    reply = alice_client.post("/notes/new/", {**typed, "visibility": "private"})
    html = reply.content.decode()
    assert reply.status_code == 422
    assert Text(html).all.count("Give the note a title.") == 2
    assert 'id="id_title_error"' in html
    assert "\n\n kept\n</textarea>" in html


def test_a_bad_base_is_refused_and_not_a_fault(alice_client: Any, note: Note) -> None:
    reply = alice_client.post(f"/notes/{note.pid}/edit/", {"base": "x", "title": "t"})
    assert reply.status_code == 422


def test_a_preview_is_shown_with_the_form_still_filled(alice_client: Any, note: Note) -> None:
    typed = {"title": "New", "body": "*soon*", "type": "note", "visibility": "public", "base": 0}
    reply = alice_client.post(f"/notes/{note.pid}/edit/", {**typed, "preview": "1"})
    html = reply.content.decode()
    assert "<em>soon</em>" in html
    assert "*soon*</textarea>" in html
    assert "save as revision 1" in Text(html).all
    assert note.revisions.count() == 1


def test_a_conflict_shows_both_texts_and_one_to_finish(
    alice: Any, alice_client: Any, note: Note, fields: Any
) -> None:
    note.save_revision(fields(body="Theirs.\n", title="Their title"), base=0, author=alice)
    mine = {"title": "My title", "body": "Mine.\n", "type": "paper", "visibility": "public"}
    reply = alice_client.post(f"/notes/{note.pid}/edit/", {**mine, "base": 0})
    text = Text(reply.content.decode())
    assert reply.status_code == 409
    assert "Nothing has been lost" in text.all
    assert {"Mine", "Theirs"} <= set(text.nodes)
    assert "title: changed in both" in text.all
    assert {"type": "hidden", "name": "base", "value": "1", "id": "id_base"} in text.named("input")


def test_an_anonymous_form_is_carried_through_the_login(client: Any, note: Note) -> None:
    reply = client.post(f"/notes/{note.pid}/edit/", {"body": "two\nlines", "password": "p"})
    text = Text(reply.content.decode())
    assert reply.status_code == 403
    assert "Nothing you typed is lost" in text.all
    assert {"type": "hidden", "name": "body", "value": "two\nlines"} in text.named("input")
    assert {"type": "hidden", "name": "send_to", "value": f"/notes/{note.pid}/edit/"} in text.named(
        "input"
    )
    assert "two\nlines" in [node.lstrip("\n") for node in text.nodes]


def test_a_missing_note_and_a_hidden_one_give_the_same_page(client: Any, secret: Note) -> None:
    hidden, missing = (page(client, f"/notes/{pid}/", 404).all for pid in (secret.pid, 987654))
    assert hidden == missing


@pytest.mark.parametrize("fault", [OperationalError("away"), ValueError("ours")])
def test_an_error_page_needs_no_database_and_keeps_the_text(fault: Exception) -> None:
    request = RequestFactory().post("/notes/new/", {"body": "typed"})
    request.user = SimpleLazyObject(lambda: pytest.fail("asked who is reading"))
    try:
        raise fault
    except type(fault):
        reply = errors.server_error(request)
    text = Text(reply.content.decode())
    assert reply.status_code == (503 if isinstance(fault, OperationalError) else 500)
    assert ("The database does not answer" in text.all) == (reply.status_code == 503)
    assert {"type": "hidden", "name": "body", "value": "typed"} in text.named("input")
