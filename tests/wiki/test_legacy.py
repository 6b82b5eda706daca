"""Redirects from addresses of m8ta.com."""

import pytest

from wiki.models import Note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ptags=a+b", "/?tags=a+b"),
        ("ptags=C%2B%2B&ptype=paper&text=x+y", "/?text=x+y&tags=C%2B%2B&type=paper"),
        ("text=only", "/?text=only"),
        ("ptags=", "/"),
        ("", "/"),
    ],
)
def test_an_old_list_leads_to_the_list(client, db, old, new):
    reply = client.get(f"/index.pl?{old}")
    assert (reply.status_code, reply.url) == (302, new)


def test_a_number_leads_to_its_note(client, note):
    assert client.get(f"/index.pl?pid={note.pid}").url == note.get_absolute_url()


def test_a_number_that_was_taken_leads_to_the_imported_note(client, note, alice, fields):
    other = Note.objects.write(fields(title="Imported"), owner=alice)
    Note.objects.filter(pid=other.pid).update(legacy_pid=note.pid)
    assert client.get(f"/index.pl?pid={note.pid}").url == other.get_absolute_url()


def test_a_private_note_has_no_old_number_for_others(client, alice_client, secret):
    Note.objects.filter(pid=secret.pid).update(legacy_pid=1569)
    for pid in (1569, secret.pid):
        assert client.get(f"/index.pl?pid={pid}").status_code == 404
        assert alice_client.get(f"/index.pl?pid={pid}").url == secret.get_absolute_url()


@pytest.mark.parametrize(
    "query", ["pid=1", "pid=", "pid=x", "pid=²", "pid=-1", f"pid={'9' * 30}", "a=b"]
)
def test_what_was_never_there_is_not_found(client, db, query):
    reply = client.get(f"/index.pl?{query}")
    assert reply.status_code == 404 and b"There is nothing here for you to read" in reply.content


def test_the_old_names_exist_only_there(client, note, alice, fields):
    Note.objects.write(fields(title="Other", tags=("other",)), owner=alice)
    assert b"{%d}" % note.pid in client.get("/?ptags=other").content
