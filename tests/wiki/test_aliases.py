"""Links by a name a note had before: they hold, for whoever may know that name."""

import re
from dataclasses import replace

import pytest

from tests.conftest import signed_in
from wiki.models import Alias, Link, Note

pytestmark = pytest.mark.django_db


def where(client, source):
    """Return where the one link of a note leads; "" if nowhere."""
    html = client.get(source.get_absolute_url()).content.decode()
    found = re.search(r'<(?:a|span) class="(wikilink|missing)"(?: href="([^"]*)")?', html)
    return found[2] if found[1] == "wikilink" else ""


def links_here(client, note):
    html = client.get(note.get_absolute_url()).content.decode()
    panel = re.search(r'id="links-here".*?</section>', html, re.DOTALL)
    return re.findall(r'<a class="to"[^>]*>([^<]*)</a>', panel[0]) if panel else []


@pytest.fixture
def source(bob, fields):
    return Note.objects.write(fields(title="Source", body="[[Old name]]\n"), owner=bob)


def saved(fields, alice, *states):
    """Write a note that had each of these (title, visibility) in turn."""
    (title, visibility), *rest = states
    note = Note.objects.write(fields(title=title, visibility=visibility), owner=alice)
    for base, (title, visibility) in enumerate(rest):
        note.save_revision(fields(title=title, visibility=visibility), base=base, author=alice)
    return Note.objects.get(pid=note.pid)


def test_a_link_by_an_old_title_holds_and_counts_here(client, source, alice, fields):
    note = saved(fields, alice, ("Old name", "public"), ("New name", "public"))
    assert where(client, source) == note.get_absolute_url()
    assert links_here(client, note) == ["Source"]
    note.save_revision(fields(title="Newer still"), base=1, author=alice)
    assert where(client, source) == note.get_absolute_url()
    assert set(note.aliases.values_list("key", "kind")) == {
        ("old name", "title"),
        ("new name", "title"),
    }


def test_a_note_of_that_title_comes_before_one_that_had_it(client, source, alice, fields):
    had = saved(fields, alice, ("Old name", "public"), ("New name", "public"))
    has = Note.objects.write(fields(title="OLD  name"), owner=alice)
    assert where(client, source) == has.get_absolute_url()
    assert links_here(client, had) == [] and links_here(client, has) == ["Source"]
    has.move_to_trash(alice)
    assert where(client, source) == had.get_absolute_url()


def test_of_two_notes_that_had_a_title_the_older_has_its_links(client, source, alice, fields):
    older = saved(fields, alice, ("Old name", "public"), ("One", "public"))
    younger = saved(fields, alice, ("Old name", "public"), ("Two", "public"))
    assert where(client, source) == older.get_absolute_url()
    assert links_here(client, older) == ["Source"] and links_here(client, younger) == []


def test_a_title_from_private_days_leads_its_owner_alone(
    client, bob_client, alice_client, staff, source, alice, fields
):
    note = saved(fields, alice, ("Old name", "private"), ("New name", "public"))
    assert where(client, source) == where(bob_client, source) == ""
    assert links_here(client, note) == links_here(bob_client, note) == []
    assert where(alice_client, source) == note.get_absolute_url()
    assert links_here(alice_client, note) == ["Source"]
    assert where(signed_in(staff), source) == note.get_absolute_url()


def test_a_title_it_had_both_ways_leads_everybody(client, source, alice, fields):
    both = ("Old name", "public"), ("Old name", "private"), ("x", "private"), ("y", "public")
    note = saved(fields, alice, *both)
    assert where(client, source) == note.get_absolute_url()
    assert dict(note.aliases.values_list("key", "visibility")) == {
        "old name": "public",
        "x": "private",
    }


def test_a_title_published_later_leads_everybody_from_then_on(client, source, alice, fields):
    note = saved(fields, alice, ("Old name", "private"), ("x", "private"))
    assert note.aliases.get().visibility == "private"
    note.save_revision(fields(title="Old name"), base=1, author=alice)
    note.save_revision(fields(title="y"), base=2, author=alice)
    assert where(client, source) == note.get_absolute_url()


def test_the_names_of_an_unreadable_note_shadow_nothing(
    client, alice_client, source, alice, fields
):
    """The older note is private: others get the younger, as if there were no other."""
    hidden = saved(fields, alice, ("Old name", "public"), ("Hidden", "private"))
    shown = saved(fields, alice, ("Old name", "public"), ("Shown", "public"))
    assert where(client, source) == shown.get_absolute_url()
    assert links_here(client, shown) == ["Source"]
    assert where(alice_client, source) == hidden.get_absolute_url()
    assert links_here(alice_client, shown) == []


def test_a_change_of_case_makes_no_alias(alice, fields):
    assert not saved(fields, alice, ("A name", "public"), ("a  NAME", "public")).aliases.exists()


def test_saving_without_a_new_title_asks_for_no_earlier_ones(alice, fields, monkeypatch):
    note = saved(fields, alice, ("A name", "public"))
    with monkeypatch.context() as patch:
        patch.setattr(Alias.objects.all().__class__, "remember_titles", pytest.fail)
        note.save_revision(fields(title="A name", body="Other.\n"), base=0, author=alice)


def test_names_from_front_matter_and_files_lead_too(client, source, alice, fields):
    note = saved(fields, alice, ("A name", "public"))
    Alias.objects.create(note=note, key="old name", kind="alias")
    assert where(client, source) == note.get_absolute_url()
    assert links_here(client, note) == ["Source"]


def test_for_anonymous_no_page_tells_of_a_thousand_hidden_notes(client, source, alice, fields):
    shown = saved(fields, alice, ("Old name", "public"), ("Shown", "public"))
    addresses = ["/links/", "/links/orphans/", "/tags/", "/suggest/?q=o", "/suggest/?q=name"]
    addresses += [source.get_absolute_url(), shown.get_absolute_url()]
    before = [client.get(address).content for address in addresses]
    hidden = fields(
        title="Hidden", body="[[Nowhere]] [[Shown]] [[Old name]]\n", visibility="private"
    )
    first = Note.objects.write(replace(hidden, tags=("old_names",)), owner=alice)
    others = Note.objects.bulk_create(
        Note(owner=alice, title=name, title_key=name, visibility="private", **times(first))
        for name in ("old name", "nowhere", "oldest", "name") * 250
    )
    Alias.objects.bulk_create(Alias(note=note, key="old name", kind="alias") for note in others)
    Link.objects.bulk_create(Link(note=note, key="source") for note in others)
    assert [client.get(address).content for address in addresses] == before


def times(note):
    return {"created": note.created, "modified": note.modified}
