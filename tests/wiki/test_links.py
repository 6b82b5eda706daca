"""Wikilinks and what links here: right for each reader on the very next request."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wiki.reading import page
from wiki.markup import bounded
from wiki.markup.rendered import as_typed
from wiki.models import Note, saving

pytestmark = pytest.mark.django_db


@pytest.fixture
def readers(client, bob_client, alice_client):
    return {"nobody": client, "bob": bob_client, "owner": alice_client}


@pytest.fixture
def source(alice, fields):
    body = "See [[Gain  Fields]] and [[gain fields|the other words]].\n"
    return Note.objects.write(fields(title="Source", body=body), owner=alice)


@pytest.fixture
def target(source, alice, fields):
    return Note.objects.write(fields(title="Gain fields", body="A target.\n"), owner=alice)


def leads(client, source, target):
    """Tell whether the link of source leads to target; if it does not, it is marked missing."""
    text = page(client, source.get_absolute_url())
    links = [a for a in text.named("a") if a.get("class") == "wikilink"]
    missing = [
        attrs
        for tag in ("a", "span")
        for attrs in text.named(tag)
        if attrs.get("class") == "missing"
    ]
    assert len(links) + len(missing) == 2
    assert {a["href"] for a in links} <= {target.get_absolute_url()}
    return bool(links)


def links_here(client, note):
    """Return the titles under "Links here"."""
    html = client.get(note.get_absolute_url()).content.decode()
    panel = re.search(r'id="links-here".*?</section>', html, re.DOTALL)
    return re.findall(r'<a class="to"[^>]*>([^<]*)</a>', panel[0]) if panel else []


def everyone(readers, source, target):
    return {
        name: leads(client, source, target) and links_here(client, target) == ["Source"]
        for name, client in readers.items()
    }


def test_a_link_follows_create_rename_trash_and_undelete(readers, source, target, alice, fields):
    all_of_them, none_of_them = dict.fromkeys(readers, True), dict.fromkeys(readers, False)
    assert everyone(readers, source, target) == all_of_them
    target.save_revision(fields(title="Other", body="A target.\n"), base=0, author=alice)
    assert everyone(readers, source, target) == none_of_them
    assert not any(links_here(client, target) for client in readers.values())
    target.save_revision(fields(title="GAIN fields", body="A target.\n"), base=1, author=alice)
    assert everyone(readers, source, target) == all_of_them
    target.move_to_trash(alice)
    assert not any(leads(client, source, target) for client in readers.values())
    target.undelete()
    assert everyone(readers, source, target) == all_of_them


def test_a_target_made_private_is_missing_for_all_but_its_owner(
    readers, source, target, alice, fields
):
    said = {"title": "Gain fields", "body": "A target.\n"}
    target.save_revision(fields(**said, visibility="private"), base=0, author=alice)
    assert leads(readers["owner"], source, target)
    assert not leads(readers["nobody"], source, target) and not leads(
        readers["bob"], source, target
    )
    target.save_revision(fields(**said), base=1, author=alice)
    assert everyone(readers, source, target) == dict.fromkeys(readers, True)


def test_who_links_here_is_told_only_to_who_may_read_it(readers, source, target, alice, fields):
    body = "See [[Gain fields]].\n"
    source.save_revision(
        fields(title="Source", body=body, visibility="private"), base=0, author=alice
    )
    assert links_here(readers["owner"], target) == ["Source"]
    assert links_here(readers["nobody"], target) == links_here(readers["bob"], target) == []
    source.save_revision(fields(title="Source", body=body), base=1, author=alice)
    assert links_here(readers["nobody"], target) == ["Source"]
    source.save_revision(fields(title="Source", body="No link.\n"), base=2, author=alice)
    assert not any(links_here(client, target) for client in readers.values())


def test_a_trashed_note_no_longer_links_here(readers, source, target, alice):
    source.move_to_trash(alice)
    assert not any(links_here(client, target) for client in readers.values())


def test_a_text_that_is_shown_as_typed_keeps_the_links_it_had(
    client, alice, source, target, fields, monkeypatch
):
    monkeypatch.setattr(saving.bounded, "render", lambda body: as_typed(body, bounded.TOO_COMPLEX))
    more = source.current_fields().body + "More.\n"
    source.save_revision(fields(title="Source", body=more), base=0, author=alice)
    assert links_here(client, target) == ["Source"]


def test_a_text_for_which_there_was_no_time_is_set_when_there_is(
    client, alice, source, target, fields, monkeypatch
):
    with monkeypatch.context() as busy:
        busy.setattr(saving.bounded, "render", lambda body: as_typed(body, bounded.TOO_BUSY))
        more = source.current_fields().body + "More.\n"
        source.save_revision(fields(title="Source", body=more), base=0, author=alice)
    assert leads(client, source, target)


def test_a_note_does_not_link_to_itself(client, alice, fields):
    note = Note.objects.write(fields(title="Self", body="[[Self]]"), owner=alice)
    assert links_here(client, note) == []


def test_of_equal_titles_the_oldest_a_reader_may_read_has_the_links(
    readers, source, target, alice, fields
):
    younger = Note.objects.write(fields(title="gain FIELDS", body="Younger.\n"), owner=alice)
    assert leads(readers["bob"], source, target)
    assert links_here(readers["bob"], target) == ["Source"]
    assert links_here(readers["bob"], younger) == []
    target.save_revision(
        fields(title="Gain fields", body="A target.\n", visibility="private"), base=0, author=alice
    )
    assert leads(readers["bob"], source, younger) and links_here(readers["bob"], younger) == [
        "Source"
    ]
    assert links_here(readers["owner"], younger) == []


def test_a_missing_note_is_a_link_that_starts_it_for_who_can_write(readers, alice, fields):
    title = "50% of C++ & “σ” <b> a/b?"
    body = f"[[ {title}|some words]] and [[Plain]]\n"
    note = Note.objects.write(fields(title="Source", body=body), owner=alice)
    text = page(readers["bob"], note.get_absolute_url())
    red, plain = [a for a in text.named("a") if a.get("class") == "missing"]
    assert urlsplit(red["href"]).path == "/notes/new/"
    assert parse_qs(urlsplit(red["href"]).query) == {"title": [title]}
    assert plain["href"] == "/notes/new/?title=Plain"
    form = page(readers["bob"], red["href"])
    assert title in [box.get("value") for box in form.named("input")]
    assert "/notes/new/" not in str(page(readers["nobody"], note.get_absolute_url()).named("a"))


def test_a_missing_note_and_a_private_one_look_the_same(bob_client, alice, fields, secret):
    one = Note.objects.write(fields(title="S", body="[[Canary]]"), owner=alice)
    other = Note.objects.write(fields(title="S", body="[[Nobody]]"), owner=alice)
    shown = [
        re.search(
            r'<div class="prose"[^>]*>.*?</div>',
            bob_client.get(n.get_absolute_url()).content.decode(),
            re.DOTALL,
        )[0]
        for n in (one, other)
    ]
    assert shown[0].replace("Canary", "Nobody") == shown[1]


def test_many_links_here_are_counted(client, target, alice, fields):
    for number in range(52):
        Note.objects.write(fields(title=f"From {number}", body="[[Gain fields]]"), owner=alice)
    assert len(links_here(client, target)) == 50
    assert "and 3 more" in page(client, target.get_absolute_url()).all


def test_a_page_makes_the_same_queries_for_2_and_20_notes(
    client, bob_client, alice, fields, django_assert_num_queries
):
    tags = tuple(f"tag_{number}" for number in range(40))
    links = "".join(f"[[Note {number}]] [[nowhere {number}]]\n" for number in range(30))

    def ask(count):
        while (made := Note.objects.count()) < count:
            Note.objects.write(fields(title=f"Note {made}", body=links, tags=tags), owner=alice)
        first = Note.objects.get(title="Note 0").get_absolute_url()
        # Who is signed in costs two more, the session and the person; on the list a third,
        # which looks for sample notes to remove.
        asked = {
            "/": (4, 7),
            first: (4, 6),
            "/tags/tag_1/": (5, 7),
            "/tags/": (1, 3),
            "/changes/": (3, 5),
            "/print/": (4, 6),
        }
        for url, queries in asked.items():
            for reader, number in zip((client, bob_client), queries, strict=True):
                with django_assert_num_queries(number):
                    assert reader.get(url).status_code == 200

    ask(2)
    ask(20)
