"""The seed's page, line by line, over HTTP alone: what a note says, and how it changes."""

import re
from dataclasses import replace

import pytest

from tests.wiki.page_text import Text, page
from tests.wiki.seed_page import GATES, TALK, write_page
from wiki.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def notes(alice):
    return write_page(alice)


def article(client, note, url="/"):
    html = client.get(url).content.decode()
    return Text(re.search(rf'<article[^>]*id="n{note.pid}".*?</article>', html, re.DOTALL)[0])


def typed(title, body, **said):
    start = {
        "title": title,
        "body": body,
        "ref": "-2017",
        "tags": "attention transformer language model youtube google tech talk",
        "type": "note",
        "visibility": "public",
    }
    return {**start, **said}


def test_10_ref_and_number_are_links(notes, client, alice, fields):
    for ref in ("Vaswani-2017", "Vaswani-2017.12"):
        Note.objects.write(fields(title=f"By {ref}", ref=ref), owner=alice)
    text = page(client, "/")
    for ref in ("-2022", "-0", "-2021", "-2017", "Vaswani-2017", "Vaswani-2017.12"):
        (link,) = [attrs for attrs, said in text.links() if said == ref]
        same = re.findall(r'<article[^>]*id="n(\d+)"', client.get(link["href"]).content.decode())
        assert same == [str(Note.objects.get(ref=ref).pid)]
    one = notes["one"]
    (permalink,) = [attrs for attrs, said in text.links() if said == f"{{{one.pid}}}"]
    assert permalink["href"] == f"/notes/{one.pid}/"
    assert client.get(f"/index.pl?pid={one.pid}").url == permalink["href"]


def test_11_each_tag_leads_to_its_notes(notes, client):
    text = article(client, notes["three"])
    names = [
        "gated",
        "multi",
        "layer",
        "perceptrons",
        "transformers",
        "ML",
        "Quoc_Le",
        "Google_Brain",
    ]
    for name in names:
        (link,) = [attrs for attrs, said in text.links() if said == name]
        assert f'id="n{notes["three"].pid}"' in client.get(link["href"]).content.decode()
    both = client.get("/tags/transformers/").content.decode()
    assert re.findall(r'<article[^>]*id="n(\d+)"', both) == [
        str(notes["two"].pid), str(notes["three"].pid),
    ]  # fmt: skip


def test_11_a_tag_page_turns_its_orders_round(notes, client):
    text = page(client, "/tags/transformer/")
    sorts = [(attrs["href"], said) for attrs, said in text.links() if attrs.get("class") == "sort"]
    assert sorts == [
        ("?sort=modified", "modified"),
        ("?sort=chronology&order=asc", "chronology ↓, newest first"),
    ]
    html = client.get("/tags/transformer/?sort=modified").content.decode()
    assert re.findall(r'<article[^>]*id="n(\d+)"', html) == [
        str(notes["four"].pid), str(notes["one"].pid),
    ]  # fmt: skip


def test_12_a_date_is_one_text_in_gmt(notes, client):
    text = article(client, notes["one"])
    assert "05-17-2022 20:25 gmt" in text.nodes
    assert text.named("time") == [{"datetime": "2022-05-17T20:25:00Z"}]
    assert "ref: -2022 tags: symbolic regression facebook AI transformer date: " in text.all


def test_13_old_revisions_are_read_compared_and_restored(notes, client, alice_client):
    one, three = notes["one"], notes["three"]
    assert "revision:4 [3] [2] [1] [0] [head]" in article(client, three).all
    assert "revision:0 [head]" in article(client, one).all
    (link,) = [attrs for attrs, said in article(client, three).links() if said == "[2]"]
    old = page(client, link["href"])
    assert "A draft, number 2." in old.all and "This is revision 2 of 4" in old.all
    to = {said: attrs["href"] for attrs, said in old.links()}
    assert "diff to previous" in to and "diff to head" in to and "restore" not in to
    assert client.get(to["diff to head"]).status_code == 200
    assert to["[head]"] == three.get_absolute_url()
    owned = {said: attrs["href"] for attrs, said in page(alice_client, link["href"]).links()}
    assert client.post(owned["restore"]).status_code == 403
    assert alice_client.post(owned["restore"]).url == three.get_absolute_url()
    assert "revision:5 [4] [3] [2] [1] [0] [head]" in article(client, three).all
    assert [r.body for r in three.revisions.order_by("number")][2:] == [
        "A draft, number 2.\n", "A draft, number 3.\n", GATES, "A draft, number 2.\n",
    ]  # fmt: skip


def test_14_a_long_line_of_revisions_is_short(notes, client, alice, fields):
    one = notes["one"]
    for number in range(21):
        one.save_revision(fields(title="T", body=f"{number}\n"), base=number, author=alice)
    assert "revision:21 [20] [19] [18] [17] [16] … [0] [head]" in article(client, one).all


def test_15_a_note_made_private_is_gone_on_the_next_request(
    notes, client, bob_client, alice_client, alice
):
    three = notes["three"]
    private = replace(three.current_fields(), visibility="private")
    three.save_revision(private, base=4, author=alice)
    own = [f"/notes/{three.pid}/{rest}" for rest in ("", "print/", "raw/", "history/", "r/4/")]
    for reader in (client, bob_client):
        for url in (*own, "/tags/Quoc_Le/", f"/index.pl?pid={three.pid}"):
            assert reader.get(url).status_code == 404, url
        for url in ("/", "/?text=odot", "/?tags=Quoc_Le", "/tags/", "/print/", "/changes/"):
            html = reader.get(url).content.decode()
            assert "Gates instead" not in html and '<a href="/tags/Quoc_Le/"' not in html, url
        assert "3 notes" in page(reader, "/").all
    assert "Gates instead of heads" in page(alice_client, "/").all


def test_16_formulas_and_what_only_looks_like_one(notes, client):
    html = client.get(notes["three"].get_absolute_url()).content.decode()
    text = Text(html)
    assert html.count('encoding="application/x-tex">s(Z) = Z_1 \\odot (W Z_2 + b)<') == 1
    assert html.count(r"\odot") == 1 and "⊙" in text.all and len(text.named("math")) == 3
    assert "Costs $5 to $10 an hour; a literal $ stays." in text.all
    assert "<script>alert(1)</script>" in text.all
    assert not [attrs for attrs in text.named("a") if "javascript" in attrs["href"]]
    assert all("src" in attrs for attrs in text.named("script"))


def test_17_lists_nest_three_deep_and_end(notes, client):
    html = client.get(notes["two"].get_absolute_url()).content.decode()
    prose = re.search(r'<div class="prose"[^>]*>(.*?)</div>', html, re.DOTALL)[1]
    assert re.sub(r"(?<=>)[^<]+", "", prose).strip() == (
        "<ul><li><ul><li><ul><li></li></ul></li></ul></li><li></li></ul><p></p>"
    )


def test_18_two_tabs_lose_nothing(notes, alice_client, alice):
    four = notes["four"]
    url, title = f"/notes/{four.pid}/edit/", "A talk about queries and keys"
    first = TALK.replace("Words become vectors", "Words turn into vectors")
    overlapping = TALK.replace("Words become vectors", "Tokens become vectors")
    elsewhere = TALK.replace("a short one", "a very short one")
    assert alice_client.post(url, typed(title, first, base=3)).status_code == 302
    clash = alice_client.post(url, typed(title, overlapping, base=3))
    assert clash.status_code == 409
    assert "Words turn into" in clash.content.decode() and "Tokens become" in clash.content.decode()
    assert Note.objects.get(pid=four.pid).head.body == first
    merged = alice_client.post(url, typed(title, elsewhere, base=3))
    assert merged.status_code == 302
    head = Note.objects.get(pid=four.pid).head
    assert head.body == first.replace("a short one", "a very short one") and head.number == 5
    said = typed(title, head.body, base=5)
    alice_client.post(url, {**said, "tags": said["tags"] + " more"})
    last = alice_client.post(url, {**said, "body": head.body + "\nEnd.\n"})
    assert last.status_code == 302
    note = Note.objects.cards().get(pid=four.pid)
    assert note.head.body.endswith("End.\n") and "more" in [tag.name for tag in note.shown_tags()]
