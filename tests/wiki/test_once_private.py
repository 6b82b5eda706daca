"""Revisions from when a note was private: no link leads others to them."""

import re

import pytest

from wiki.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(alice, fields):
    """A note with the revisions 0 and 2 private, 1, 3 and 4 public."""
    kinds = ("private", "public", "private", "public", "public")
    note = Note.objects.write(fields(body="text 0", visibility=kinds[0]), owner=alice)
    for number, visibility in enumerate(kinds[1:]):
        said = fields(body=f"text {number + 1}", visibility=visibility)
        note.save_revision(said, base=number, author=alice)
    return Note.objects.get()


def numbers(page):
    return re.findall(r">\[(\d+|head)\]<", page)


PAGES = ["/", "/notes/{0}/", "/notes/{0}/history/", "/notes/{0}/r/3/", "/notes/{0}/diff/3/4/"]


@pytest.mark.parametrize("address", [*PAGES, "/notes/{0}/print/", "/changes/", "/tags/attention/"])
def test_every_link_a_reader_is_shown_leads_somewhere(client, bob_client, published, address):
    for reader in (client, bob_client):
        page = reader.get(address.format(published.pid)).content.decode()
        inside = re.findall(rf'href="(/notes/{published.pid}/(?:r|diff)/[^"]*)"', page)
        assert inside and all(reader.get(url).status_code == 200 for url in inside), inside


def test_the_header_links_what_the_reader_may_read(client, alice_client, staff_client, published):
    said = {
        reader: numbers(each.get(published.get_absolute_url()).content.decode())
        for reader, each in (("nobody", client), ("owner", alice_client), ("staff", staff_client))
    }
    assert said == {
        "nobody": ["3", "1", "head"],
        "owner": ["3", "2", "1", "0", "head"],
        "staff": ["3", "2", "1", "0", "head"],
    }


def test_a_step_leads_over_what_the_reader_may_not_read(client, alice_client, published):
    address = f"/notes/{published.pid}/diff/3/4/"
    assert "diff/1/3/" in client.get(address).content.decode()
    assert "diff/2/3/" in alice_client.get(address).content.decode()


def test_a_long_line_ends_with_the_first_the_reader_may_read(client, alice, published, fields):
    for number in range(4, 28):
        published.save_revision(fields(body=f"text {number + 1}"), base=number, author=alice)
    page = client.get(published.get_absolute_url()).content.decode()
    assert numbers(page) == ["27", "26", "25", "24", "23", "1", "head"]
