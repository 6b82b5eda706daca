"""The feed: public notes, with their whole text and absolute addresses."""

from xml.etree import ElementTree

import pytest
from django.conf import settings

from tests.wiki.page_text import page
from wiki.models import Note

pytestmark = pytest.mark.django_db

ATOM = {"a": "http://www.w3.org/2005/Atom"}


def entries(client, url="/feed.atom"):
    reply = client.get(url)
    assert reply.status_code == 200 and reply["Content-Type"].startswith("application/atom+xml")
    return ElementTree.fromstring(reply.content).findall("a:entry", ATOM)


def said(entry, name):
    return entry.find(f"a:{name}", ATOM).text


def test_an_entry_is_the_whole_note(client, note):
    (entry,) = entries(client)
    url = f"http://testserver/notes/{note.pid}/"
    assert said(entry, "title") == "Attention"
    assert said(entry, "id") == f"{settings.SITE_URL}/notes/{note.pid}/"
    assert entry.find("a:link", ATOM).attrib["href"] == url
    assert entry.find("a:content", ATOM).attrib == {"type": "html"}
    assert said(entry, "content") == "<p>Queries meet keys.</p>\n"
    assert said(entry, "updated") == f"{note.modified:%Y-%m-%dT%H:%M:%S.%f}+00:00"
    assert [tag.attrib["term"] for tag in entry.findall("a:category", ATOM)] == [
        "attention",
        "Quoc_Le",
    ]
    assert said(entry.find("a:author", ATOM), "name") == "alice"


def test_the_feed_is_the_same_for_all_and_holds_nothing_private(
    client, alice_client, alice, note, secret, fields
):
    Note.objects.write(fields(title="Other", body="See [[Canary]] and [[nowhere]]."), owner=alice)
    assert client.get("/feed.atom").content == alice_client.get("/feed.atom").content
    both = [said(entry, "content") for entry in entries(alice_client)]
    assert len(both) == 2 and "/notes/" not in both[0] and both[0].count('class="missing"') == 2
    assert b"canary" not in client.get("/feed.atom").content
    note.move_to_trash(alice)
    assert len(entries(client)) == 1


def test_links_work_from_anywhere_and_text_stays_as_it_is(client, alice, note, fields):
    body = "[[Attention]] [a](/tags/) [b](#place) [c](//x.example/) [d](https://y.example/)\n\n"
    body += 'Typed: href="/tags/" <a href="/b">\n\n# Place\n\n$x < y$\n'
    other = Note.objects.write(fields(title="Other", body=body), owner=alice)
    html = said(entries(client)[0], "content")
    site, own = "http://testserver", f"http://testserver/notes/{other.pid}/"
    place = f"{own}#n{other.pid}-place"
    for url in (f"{site}/notes/{note.pid}/", f"{site}/tags/", place, "https://y.example/"):
        assert f'<a href="{url}"' in html or f'href="{url}"' in html, url
    assert 'href="//x.example/"' in html
    assert 'Typed: href="/tags/" &lt;a href="/b"&gt;' in html.replace("&quot;", '"')


def test_the_newest_thirty_by_the_date_of_the_head(client, alice, fields):
    made = [Note.objects.write(fields(title=f"Note {i}"), owner=alice) for i in range(31)]
    made[0].save_revision(fields(title="Note 0", body="again"), base=0, author=alice)
    titles = [said(entry, "title") for entry in entries(client)]
    assert titles == ["Note 0", *(f"Note {i}" for i in range(30, 1, -1))]


def test_the_lists_filters_are_the_feeds(client, alice, note, fields):
    Note.objects.write(fields(title="C++", tags=("C++", "b&d")), owner=alice)
    for listed in ("/tags/C++/", "/?tags=%3Db%26d&sort=modified&page=1&hide=3", "/?text=C%2B%2B"):
        feeds = [a["href"] for a in page(client, listed).named("link") if a["rel"] == "alternate"]
        assert len(feeds) == 1 and "hide" not in feeds[0]
        assert [said(entry, "title") for entry in entries(client, feeds[0])] == ["C++"]
    assert len(entries(client, "/feed.atom?tags=%00&text=" + "x" * 501)) == 2


def test_characters_that_xml_cannot_hold_are_left_out(client, alice, fields):
    Note.objects.write(fields(title="T\ufffe", body="a\x0b\x1bb\uffff"), owner=alice)
    (entry,) = entries(client)
    assert said(entry, "title") == "T" and "ab" in said(entry, "content")


def test_the_feed_names_the_public_address(client, note, settings):
    settings.WIKI_URL = "https://notes.example"
    (entry,) = entries(client)
    assert entry.find("a:link", ATOM).attrib["href"] == f"https://notes.example/notes/{note.pid}/"


def test_an_entry_is_the_same_by_whatever_name_the_site_was_asked(client, note):
    ids = [
        said(
            ElementTree.fromstring(client.get("/feed.atom", headers={"host": name}).content).find(
                "a:entry", ATOM
            ),
            "id",
        )
        for name in ("localhost", "127.0.0.1")
    ]
    assert ids[0] == ids[1]


def test_the_feed_makes_the_same_queries_for_2_and_20_notes(
    client, alice, fields, django_assert_num_queries
):
    for count in (2, 20):
        while (made := Note.objects.count()) < count:
            Note.objects.write(fields(title=f"N {made}", body="[[N 0]] [[x]]"), owner=alice)
        with django_assert_num_queries(3):
            client.get("/feed.atom")
