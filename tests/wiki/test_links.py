"""Wikilinks and what links here: right for each reader on the very next request."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wiki.page_text import page
from wiki import extensions
from wiki.markup import link_key, render
from wiki.markup.rendered import as_typed
from wiki.models import Alias, Note, revision_save
from wiki.rendering import sandbox

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
    all_of_them = dict.fromkeys(readers, True)
    assert everyone(readers, source, target) == all_of_them
    target.save_revision(fields(title="Other", body="A target.\n"), base=0, author=alice)
    assert everyone(readers, source, target) == all_of_them
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
    monkeypatch.setattr(
        revision_save.sandbox, "render", lambda body: as_typed(body, sandbox.TOO_COMPLEX)
    )
    more = source.current_fields().body + "More.\n"
    source.save_revision(fields(title="Source", body=more), base=0, author=alice)
    assert links_here(client, target) == ["Source"]


def test_a_text_for_which_there_was_no_time_is_set_when_there_is(
    client, alice, source, target, fields, monkeypatch
):
    with monkeypatch.context() as busy:
        busy.setattr(revision_save.sandbox, "render", lambda body: as_typed(body, sandbox.TOO_BUSY))
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
    client, bob_client, alice, fields, django_assert_num_queries, monkeypatch
):
    # Of the wiki app alone: the queries of panels are counted where panels are tested.
    monkeypatch.setattr(extensions, "panels", [])
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
            first: (6, 8),
            "/tags/tag_1/": (6, 8),
            "/tags/": (1, 5),
            "/changes/": (4, 6),
            "/print/": (4, 6),
        }
        for url, queries in asked.items():
            for reader, number in zip((client, bob_client), queries, strict=True):
                with django_assert_num_queries(number):
                    assert reader.get(url).status_code == 200

    ask(2)
    ask(20)


def hrefs(client, note):
    """Return where each link of a note's text leads, by its words; "" where it is missing."""
    prose = re.search(
        r'<div class="prose"[^>]*>(.*?)</div>\n',
        client.get(note.get_absolute_url()).content.decode(),
        re.DOTALL,
    )[1]
    found = re.findall(
        r'<(?:a|span) class="(?:wikilink|missing)"(?: href="([^"]*)")?[^>]*>(.*?)</(?:a|span)>',
        prose,
    )
    return {words: href for href, words in found}


def test_a_link_leads_to_the_heading_it_names(client, alice, fields):
    body = "## It’s $x$\n\n## C++\n\n## C\n\n## C\n"
    target = Note.objects.write(fields(title="Costs", body=body), owner=alice)
    said = "[[Costs#c]] [[costs#C++|plus]] [[Costs#It’s x]] [[Costs#None]] [[Nowhere#c]]\n"
    source = Note.objects.write(fields(title="Source", body=said), owner=alice)
    page_of, pid = target.get_absolute_url(), target.pid
    ids = re.findall(r'<h2 id="([^"]+)"', client.get(page_of).content.decode())
    assert ids == [f"n{pid}-its-x", f"n{pid}-c", f"n{pid}-c-2", f"n{pid}-c-3"]
    assert hrefs(client, source) == {
        "Costs#c": f"{page_of}#n{pid}-c-2",
        "plus": f"{page_of}#n{pid}-c",
        "Costs#It’s x": f"{page_of}#n{pid}-its-x",
        "Costs#None": f"{page_of}#n{pid}-none",
        "Nowhere#c": "",
    }
    assert links_here(client, target) == ["Source"]
    target.html.delete()
    assert hrefs(client, source)["Costs#c"] == f"{page_of}#n{pid}-c"


def test_a_link_to_a_heading_of_its_own_note_stays_on_the_page(client, alice, fields):
    body = "[[#Some heading]] [[#some heading|here]] [there](#some-heading)\n\n## Some heading\n"
    note = Note.objects.write(fields(title="Own", body=body), owner=alice)
    place = f"#n{note.pid}-some-heading"
    assert hrefs(client, note) == {"Some heading": place, "here": place, "there": place}
    assert not note.links.exists()


def test_the_mark_of_a_paragraph_is_no_part_of_a_title(client, target, alice, fields):
    body = "[[Gain fields^a1b2c3]] [[Gain fields#^a1b2c3|that one]] [[x^2]] [[C# basics]]\n"
    note = Note.objects.write(fields(title="Blocks", body=body), owner=alice)
    Note.objects.write(fields(title="x^2"), owner=alice)
    sharp = Note.objects.write(fields(title="C# basics"), owner=alice)
    found = hrefs(client, note)
    assert found["Gain fields^a1b2c3"] == found["that one"] == target.get_absolute_url()
    assert found["C# basics"] == sharp.get_absolute_url() and found["x^2"]
    keys = set(note.links.values_list("key", flat=True))
    assert keys == {"gain fields", "x^2", "c# basics"}


def test_a_link_in_a_table_has_its_bar_escaped(client, target, alice, fields):
    body = "| a | b |\n|---|---|\n| [[Gain fields\\|words]] | [[Gain fields]] |\n"
    note = Note.objects.write(fields(title="Table", body=body), owner=alice)
    assert set(hrefs(client, note)) == {"words", "Gain fields"}


def filed(alice, fields, place, **said):
    """Write a note as if it had been imported from this file of a vault."""
    note = Note.objects.write(fields(**{"title": place, "body": "Text.\n", **said}), owner=alice)
    path = place.removesuffix(".md")
    for key in {link_key(path), link_key(path.rpartition("/")[2])}:
        Alias.objects.create(note=note, key=key, kind="file")
    note.import_key = f"vault:garden/{place}"
    note.save(update_fields=["import_key"])
    return note


def test_a_relative_link_leads_to_the_note_of_its_file(client, alice, fields):
    there = filed(alice, fields, "b/C d.md", title="Titled", body="## A head\n")
    source = filed(alice, fields, "a/n.md")
    body = "[*some* words](../b/C%20d.md#a-head) [out](../../b/c%20d.md) [none](c%20d.md)\n"
    body += "[site](https://example.org/b.md) [picture](x.pdf) [[b/C d]] [[c d|stem]]\n"
    source.save_revision(fields(title="a/n.md", body=body), base=0, author=alice)
    url = there.get_absolute_url()
    assert hrefs(client, source) == {
        "<em>some</em> words": f"{url}#n{there.pid}-a-head",
        "out": url,
        "none": "",
        "b/C d": url,
        "stem": url,
    }
    assert set(source.links.values_list("key", flat=True)) == {"b/c d", "a/c d", "c d"}
    assert links_here(client, there) == ["a/n.md"]
    assert 'href="../b/C%20d.md#a-head"' in str(render(body))


def test_a_name_is_followed_from_the_folder_of_each_note_of_a_page(client, alice, fields):
    one, other = filed(alice, fields, "a/x.md"), filed(alice, fields, "b/x.md")
    for folder in "ab":
        note = filed(alice, fields, f"{folder}/from.md")
        note.save_revision(fields(title=f"From {folder}", body="[x](x.md)\n"), base=0, author=alice)
    page_of = client.get("/?text=From").content.decode()
    found = re.findall(r'<a class="wikilink" href="([^"]*)"', page_of)
    assert found == [other.get_absolute_url(), one.get_absolute_url()]


def broken(client):
    """Return each title under "Links that lead nowhere" with its row's words."""
    rows = client.get("/links/").content.decode().split("<tr>")[2:]
    words = [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]
    titles = [re.search(r'<th scope="row"[^>]*>(.*?)</th>', row)[1] for row in rows]
    return dict(zip(titles, words, strict=True))


def test_links_that_lead_nowhere_are_listed_with_who_names_them(readers, source, alice, fields):
    for number in range(7):
        body = f"[[GAIN fields#how]] [[Only {number}]] [[Source]]\n"
        Note.objects.write(fields(title=f"From {number}", body=body), owner=alice)
    found = broken(readers["nobody"])
    assert list(found) == ["Gain Fields", *(f"Only {number}" for number in range(7))]
    assert "Source , From 0 , From 1 , From 2 , From 3 and 3 more" in found["Gain Fields"]
    assert "write it" not in found["Gain Fields"]
    assert "/notes/new/?title=Gain+Fields" in readers["bob"].get("/links/").content.decode()
    assert "8 titles" in page(readers["nobody"], "/links/").all


def test_a_hidden_target_is_as_broken_as_a_missing_one(readers, source, target, alice, fields):
    renamed = {"title": "Hidden", "body": "A target.\n", "visibility": "private"}
    assert not any(broken(client) for client in readers.values())
    target.save_revision(fields(**renamed), base=0, author=alice)
    assert list(broken(readers["nobody"])) == list(broken(readers["bob"])) == ["Gain Fields"]
    assert not broken(readers["owner"])


def test_a_link_in_a_hidden_note_is_not_listed(readers, source, target, alice, fields):
    said = fields(title="Hidden", body="[[Nowhere]] [[Source]]\n", visibility="private")
    Note.objects.write(said, owner=alice)
    assert not broken(readers["nobody"]) and list(broken(readers["owner"])) == ["Nowhere"]


def orphans(client):
    html = client.get("/links/orphans/").content.decode()
    return re.findall(r'<p class="to"><a[^>]*>(.*?)</a>', html)


def test_an_orphan_is_a_note_that_no_other_links_to(readers, source, target, alice, fields):
    Note.objects.write(fields(title="Self", body="[[Self]]\n"), owner=alice)
    assert orphans(readers["nobody"]) == ["Self", "Source"]
    target.save_revision(fields(title="Renamed", body="Text.\n"), base=0, author=alice)
    assert orphans(readers["nobody"]) == ["Self", "Source"]
    younger = Note.objects.write(fields(title="Gain fields", body="No link.\n"), owner=alice)
    assert orphans(readers["nobody"]) == ["Renamed", "Self", "Source"]
    twin = Note.objects.write(fields(title="gain fields"), owner=alice)
    assert orphans(readers["nobody"]) == ["gain fields", "Renamed", "Self", "Source"]
    younger.move_to_trash(alice)
    assert orphans(readers["nobody"]) == ["Renamed", "Self", "Source"]
    assert "links to no note itself" in readers["nobody"].get("/links/orphans/").content.decode()
    twin.move_to_trash(alice)
    fresh = source.current_fields()
    source.save_revision(replace(fresh, visibility="private"), base=0, author=alice)
    assert orphans(readers["nobody"]) == ["Renamed", "Self"]
    assert orphans(readers["owner"]) == ["Source", "Self"]


def test_a_second_note_of_a_title_is_pointed_out_and_saved(alice_client, alice, fields, secret):
    first = Note.objects.write(fields(title="Twin"), owner=alice)
    form = {"title": "TWIN", "body": "b", "type": "note", "visibility": "public"}
    shown = alice_client.post("/notes/preview/", form).content.decode()
    assert f"{{{first.pid}}}" in shown and "has this title too" in shown
    assert (
        "too"
        not in alice_client.post("/notes/preview/", form | {"note": first.pid}).content.decode()
    )
    saved = alice_client.post("/notes/new/", form, follow=True).content.decode()
    assert f"older note, {{{first.pid}}}" in saved
    second = Note.objects.get(title="TWIN")
    edited = form | {"base": "0", "title": "Other"}
    assert "has this title" not in said_after(alice_client, second, edited)
    assert "has this title" in said_after(alice_client, second, form | {"base": "1"})
    assert "has this title" not in said_after(
        alice_client, second, form | {"base": "2", "body": "c"}
    )


def said_after(client, note, form):
    return client.post(f"{note.get_absolute_url()}edit/", form, follow=True).content.decode()


def test_a_hidden_namesake_is_not_pointed_out(bob_client, secret):
    form = {"title": "Canary", "body": "b", "type": "note", "visibility": "public"}
    assert "too" not in bob_client.post("/notes/preview/", form).content.decode()
    assert (
        "too"
        not in bob_client.post("/notes/preview/", form | {"note": secret.pid}).content.decode()
    )
    reply = bob_client.post("/notes/new/", form, follow=True).content.decode()
    assert "has this title" not in reply
