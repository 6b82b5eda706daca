"""The seed's page, line by line, over HTTP alone: what everybody who reads it can do."""

import re
from urllib.parse import urlencode

import pytest

from tests.conftest import PASSWORD
from tests.wiki.page_text import page
from tests.wiki.seed_page import TAG_FILTERS, WORDS, write_page
from wiki.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def notes(alice):
    return write_page(alice)


def shown(client, **asked):
    """Return which of the four notes the list shows, in order."""
    return shown_at(client, f"/?{urlencode(asked)}")


def shown_at(client, url):
    titles = re.findall(
        r'<h2 class="title"[^>]*><a[^>]*>([^<]*)</a>', client.get(url).content.decode()
    )
    return [WORDS[title] for title in titles]


def sort_links(client, url):
    """Return the attributes of the two links that order the list, by the order's name."""
    found = page(client, url).links()
    return {said.split()[0].strip(","): a for a, said in found if a.get("class") == "sort"}


def links(text, words):
    """Return the links of a page whose text is this."""
    return [attrs for attrs, said in text.links() if said == words]


def test_01_who_is_signed_out_is_told_so_first(notes, client):
    text = page(client, "/?text=odot")
    visible = text.all.partition("Skip to the text")[2].strip()
    assert visible.startswith("You are not authenticated, login.")
    (login,) = links(text, "login")
    assert login["href"] == "/login/?next=/%3Ftext%3Dodot"
    said = {"username": "alice", "password": PASSWORD, "next": "/?text=odot"}
    assert client.post("/login/", said).url == "/?text=odot"
    text = page(client, "/?text=odot")
    assert "alice · logout · new entry" in text.all and "not authenticated" not in text.all


def test_02_the_form_works_by_its_address_alone(notes, client):
    text = page(client, "/?text=a&tags=ML&type=paper&sort=modified&order=asc&hide=5&page=1")
    (form,) = [attrs for attrs in text.named("form") if attrs.get("aria-label") == "Filter notes"]
    assert form["action"] == "/" and form.get("method", "get") == "get"
    # But for the box in the top line, which searches all notes.
    fields = {box["name"]: box.get("value") for box in text.named("input") if box["name"] != "q"}
    assert fields == {
        "text": "a", "tags": "ML", "type": "paper", "sort": "modified", "order": "asc", "hide": "5",
    }  # fmt: skip
    labels = {attrs["for"] for attrs in text.named("label")} - {"seek"}
    assert labels <= {box.get("id") for box in text.named("input")} and len(labels) == 3
    assert "text: sort by tags: modified" in text.all and "type: chronology" in text.all
    (clear,) = links(text, "clear")[:1]
    assert clear["href"] == "/?hide=5"
    assert shown(client, text="a", tags="ML", type="paper", sort="modified") == ["three"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("odot", ["three"]),
        (r"\odot", ["three"]),
        ("attention", ["three", "four"]),
        ("ATTENTION keys", ["four"]),
        ("rules SEQUENCES", ["one"]),
        ("nowhere", []),
    ],
)
def test_03_text_finds_words_and_commands_of_formulas(notes, client, words, found):
    assert shown(client, text=words) == found
    text = page(client, f"/?{urlencode({'text': words})}")
    counted = {0: "No note", 1: "1 note"}.get(len(found), f"{len(found)} notes")
    assert f"{counted} with text “{words}”." in text.all


@pytest.mark.parametrize(("tags", "found"), TAG_FILTERS)
def test_04_tags_fit_the_start_of_a_word(notes, client, tags, found):
    assert shown(client, tags=tags) == found


def test_05_type_filters_and_combines(notes, client):
    assert shown(client, type="paper") == ["one", "three"]
    assert shown(client, type="Paper", tags="transformers") == ["three"]
    assert shown(client, type="note", text="attention", tags="google") == ["four"]
    assert shown(client, type="nonsense") == []
    text = page(client, "/?type=paper&tags=transformers&text=gate&ref=-2021")
    assert (
        "1 note with text “gate” and tags “transformers” and type “paper” and ref “-2021”."
        in text.all
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"text": "x" * 501},
        {"text": "a\0"},
        {"tags": "\0"},
        {"type": "y" * 21},
        {"sort": "'"},
        {"order": "up"},
        {"page": "9" * 5000},
        {"page": "-1"},
        {"hide": ",,x,²,-1,1e9," + "9" * 40},
        {"ref": "\0"},
    ],
)
def test_05_what_is_unusable_counts_as_not_given(notes, client, asked):
    assert shown(client, **asked) == ["one", "two", "three", "four"]


def test_06_the_two_orders_differ_and_turn_round(notes, client):
    chronology, modified = ["one", "two", "three", "four"], ["four", "one", "two", "three"]
    url = "/"
    assert shown_at(client, url) == chronology
    for order, expected in [
        ("modified", modified),
        ("modified", modified[::-1]),
        ("modified", modified),
        ("chronology", chronology),
        ("chronology", chronology[::-1]),
    ]:
        url = "/" + sort_links(client, url)[order]["href"]
        assert shown_at(client, url) == expected
        current = [name for name, a in sort_links(client, url).items() if "aria-current" in a]
        assert current == [order]


def test_07_only_who_may_edit_sees_the_link(notes, client, bob_client, alice_client):
    three = notes["three"]
    for other in (client, bob_client):
        assert f"{{{three.pid}}} hide / / print" in page(other, "/").all
    assert f"{{{three.pid}}} hide / edit[4] / print" in page(alice_client, "/").all
    url = f"/notes/{three.pid}/edit/"
    assert client.get(url).url == f"/login/?next={url}"
    assert client.post(url, {"body": "x"}).status_code == 403
    assert bob_client.post(url, {"body": "x"}).status_code == 403


def test_08_a_hidden_note_keeps_its_header_and_matches(notes, client):
    three = notes["three"]
    text = page(client, "/?text=odot")
    (hide,) = links(text, "hide")
    assert hide["aria-expanded"] == "true"
    hidden = page(client, "/" + hide["href"].partition("#")[0])
    assert "1 note with text “odot”." in hidden.all and "A gate stands" not in hidden.all
    assert "ref: -2021 tags: gated" in hidden.all and "Gates instead of heads" in hidden.all
    (show,) = links(hidden, "show")
    assert show["aria-expanded"] == "false"
    assert show["aria-describedby"] in {attrs.get("id") for attrs in hidden.named("h2")}
    assert "A gate stands" in page(client, "/" + show["href"].partition("#")[0]).all
    for attrs, said in hidden.links():
        if attrs.get("class") == "sort" or said in ("clear", "print these"):
            assert f"hide={three.pid}" in attrs["href"], said
    assert {"type": "hidden", "name": "hide", "value": str(three.pid)} in hidden.named("input")


def test_08_an_address_that_hides_too_much_hides_the_last(notes, client):
    three = notes["three"].pid
    others = ",".join(map(str, range(900_000, 900_200)))
    assert "A gate stands" in page(client, f"/?text=odot&hide={three},{others}").all
    assert "A gate stands" not in page(client, f"/?text=odot&hide={others},{three}").all


def test_08_pages_keep_what_is_hidden(notes, client, alice, fields):
    for number in range(20):
        Note.objects.write(fields(title=f"More {number}"), owner=alice)
    (following,) = links(page(client, "/?hide=3,4"), "next page")
    assert following["href"] == "?hide=3%2C4&page=2"


def test_08_what_is_hidden_stays_folded_on_paper(notes, client):
    (link,) = links(page(client, f"/?tags=transformers&hide={notes['two'].pid}"), "print these")
    paper = page(client, link["href"])
    assert "A gate stands" in paper.all and "misses the last train" not in paper.all
    assert "Everyday knowledge, distilled" in paper.all and "Rules behind" not in paper.all


def test_09_print_shows_the_note_alone(notes, client):
    three = notes["three"]
    (link,) = links(page(client, three.get_absolute_url()), "print")
    paper = page(client, link["href"])
    assert "A gate stands" in paper.all and "Everyday" not in paper.all
    assert not [tag for tag in ("form", "nav", "button", "input") if paper.named(tag)]
    assert {"lang": "en", "class": "paper"} in paper.named("html")
    assert f"http://testserver/notes/{three.pid}/ · revision 4" in paper.all
    assert r"\odot" in paper.all and "edit" not in paper.all and "hide" not in paper.all
