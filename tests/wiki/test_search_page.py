"""The search page, over HTTP: results, their explanations, and the page without results."""

import json
import re
from time import process_time
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.hostile_markup import tags_of, vectors
from tests.wiki.page_text import Text, page
from wiki.fields import Fields
from wiki.models import Note

pytestmark = pytest.mark.django_db


def write(owner, title, body="", tags=(), visibility="public", **said):
    rest = {"ref": "", "type": "note", **said}
    fields = Fields(title=title, body=body, tags=tags, visibility=visibility, **rest)
    return Note.objects.write(fields, owner=owner)


@pytest.fixture
def notes(alice):
    write(alice, "Attention is all you need", "A network of *attention*.", ("NLP",), type="paper")
    write(alice, "Pay attention to MLPs", "A gate: $Z_1 \\odot W$.", ("NLP", "Quoc_Le"))
    write(alice, "Shell", "Use `--quiet` with pg_trgm. All networks need you.", ("unix",))
    write(alice, "Diary", "networks of all kinds, generalised", visibility="private")
    return alice


def search(client, typed, **more):
    return page(client, f"/search/?{urlencode({'q': typed, **more})}")


def found(client, typed, **more):
    reply = client.get(f"/search/?{urlencode({'q': typed, 'format': 'json', **more})}")
    return json.loads(reply.content)


def titles(client, typed, **more):
    return [hit["title"].split()[0] for hit in found(client, typed, **more)["hits"]]


def marks(client, typed, **more):
    html = client.get(f"/search/?{urlencode({'q': typed, **more})}").content.decode()
    return re.findall(r"<mark>(.*?)</mark>", html)


def test_a_result_shows_title_text_tags_and_why(notes, client):
    text = search(client, "network attention")
    assert "Attention is all you need" in text.all
    assert "A network of attention." in text.all
    assert "network ×1, attention ×2" in text.all
    assert "3 notes have at least one of these words." in text.all
    assert "attention ×1 · without network" in text.all
    assert text.named("ol")[0]["start"] == "1"
    assert "tags: NLP Quoc_Le" in text.all


def test_words_are_marked_in_title_and_text_whatever_their_endings(notes, client):
    assert marks(client, "networking attentive")[:4] == [
        "Attention",
        "network",
        "attention",
        "networking",
    ]


def test_the_exact_title_comes_first_and_says_so(notes, client, alice):
    for i in range(3):
        write(alice, f"Shell shell {i}", "shell " * 20)
    assert titles(client, "shell")[0] == "Shell"
    assert search(client, "Shell").all.count("has this title") == 1
    write(alice, "What is it?", "…")
    assert titles(client, "what is it?") == ["What"]


def test_private_notes_are_found_by_their_owner_and_marked(notes, client, alice_client):
    assert titles(client, "kinds") == []
    assert titles(alice_client, "kinds") == ["Diary"]
    assert "private" in search(alice_client, "kinds").nodes
    assert "private" not in search(alice_client, "shell").nodes


def test_what_is_searched_for_stays_in_the_box(notes, client):
    text = search(client, '"a & b" <i>')
    (box,) = [box for box in text.named("input") if box.get("id") == "q"]
    assert box["value"] == '"a & b" <i>'
    assert text.named("i") == []


def test_every_operator_has_an_example_that_is_a_link(notes, alice_client):
    links = {said: attrs["href"] for attrs, said in page(alice_client, "/search/").links()}
    for operator in ('"attention is', "-vision", "in:title", "tag:", "-tag:", "type:", "ref:",
                     "after:", "before:", "has:math", "is:private"):  # fmt: skip
        (said,) = [
            said for said in links if operator in said and not said.startswith("-" + operator)
        ][:1]
        assert links[said] == f"/search/?q={quote(said, safe='')}"
        assert found(alice_client, said)["problems"] == []


def test_the_help_names_the_language(notes, client, settings):
    assert "Endings are ignored as in English" in page(client, "/search/").all
    settings.WIKI_LANGUAGE = "simple"
    assert "only as they are written" in page(client, "/search/").all


def test_without_a_query_there_are_help_and_recent_notes(notes, client):
    text = page(client, "/search/")
    assert "open" in text.named("details")[0]
    assert "Shell" in text.all and "Diary" not in text.all
    assert "Nothing here" not in text.all


def test_only_stop_words_are_said_to_find_nothing(notes, client):
    assert "nearly every text" in search(client, "the of").all


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("network", "2 notes have this word."),
        ("gate", "1 note has this word."),
        ("network gate", "3 notes have at least one of these words."),
        ("pg_trgm", "1 note has at least one of these words."),
        ('"all you need"', "1 note has the words in quotes in this order."),
        ('gate "attention"', "2 notes have the words in quotes in this order."),
        ("tag:nlp", "2 notes fit."),
        ("network tag:unix", "1 note has this word."),
    ],
)
def test_how_many_notes_were_found_is_said(notes, client, typed, said):
    assert said in search(client, typed).all


def test_problems_are_said(notes, client):
    assert "the types are note, paper, demo" in search(client, "attention type:book").all


def test_pages_of_twenty_and_no_more_than_ten(alice, client):
    for i in range(25):
        write(alice, f"Gate {i:02}", "gate")
    first, second = titles(client, "gate"), search(client, "gate", page=2)
    assert len(first) == 20
    assert second.named("ol")[0]["start"] == "21"
    assert "page 2 of 2" in second.all and "25 notes have this word." in second.all
    assert search(client, "gate", page=99).all == search(client, "gate", page=2).all
    assert search(client, "gate", page="²").all.count("page 1 of 2") == 1
    hits = found(client, "gate", page=2)["hits"]
    assert [hit["rank"] for hit in hits] == [21, 22, 23, 24, 25]


def test_json_says_what_the_page_says(notes, client):
    reply = client.get("/search/?q=attention", headers={"Accept": "application/json"})
    assert reply["Content-Type"] == "application/json"
    said = json.loads(reply.content)
    assert said["query"] == "attention" and said["total"] == 2
    assert said["problems"] == [] and said["suggestion"] is None
    first = said["hits"][0]
    assert first["words"]["matched"] == {"attention": 2}
    assert said["by"] == "words" and first["meaning"] is None
    assert first["rank"] == 1 and first["matched"] == ["attention"]
    assert first["snippet"] == "A network of attention."
    assert first["url"].endswith(f"/notes/{first['pid']}/")
    assert "Accept" in reply["Vary"]


def test_browsers_get_a_page(notes, client):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    reply = client.get("/search/?q=attention", headers={"Accept": accept})
    assert reply["Content-Type"].startswith("text/html")


def test_search_pages_are_for_nobodys_index(notes, client):
    reply = client.get("/search/?q=attention")
    assert reply["X-Robots-Tag"] == "noindex"
    assert '<meta name="robots" content="noindex">' in reply.content.decode()


def test_half_a_word_finds_while_it_is_typed(notes, client):
    for typed in ("a", "att", "attent", "attentio", "pay atten", "networ", "pg_tr", "\\od",
                  '"network of att', "in:title atte", "attention type:p"):  # fmt: skip
        reply = client.get(f"/search/?{urlencode({'q': typed, 'typing': 1})}")
        text = Text(reply.content.decode())
        assert "Nothing here" not in text.all and text.named("ol"), typed
        assert text.all.count("Commonplace") == 0
    assert marks(client, "attentio", typing=1)[0] == "Attention"
    assert "the types are" not in search(client, "attention type:p", typing=1).all


def test_the_results_while_typing_are_those_of_the_page(notes, client):
    def region(**more):
        html = client.get(f"/search/?{urlencode({'q': 'attention ', **more})}").content.decode()
        return re.search(r'<div class="row results".*</ol>', html, re.DOTALL)[0]

    assert region() == region(typing=1)


def test_a_beginning_that_is_no_word_finds_what_begins_so(notes, client):
    text = search(client, "netw")
    assert "No note has “netw” itself; words that begin so count." in text.all
    assert titles(client, "netw") == ["Attention", "Shell"]


def test_a_slip_is_corrected_and_can_be_insisted_on(notes, client):
    text = search(client, "atention")
    assert "No note has “atention”. Showing results for attention" in text.all
    (insist,) = [a["href"] for a, said in text.links() if said.startswith("search instead")]
    assert "Nothing here is like that." in page(client, insist).all
    assert "Did you mean attention?" in page(client, insist).all
    assert found(client, "atention")["suggestion"] == "attention"
    text = search(client, "shell atention")
    assert "No note has “atention”. Did you mean shell attention?" in text.all


def test_nothing_found_says_what_narrowed_it(notes, client, alice_client):
    text = search(client, "attention tag:unix -gate")
    assert "without tag:unix: 1 note" in text.all
    hrefs = [a["href"] for a, said in text.links() if said == "1 note"]
    assert hrefs == ["/search/?q=attention%20-gate"]
    assert "Write a note about this" not in text.all
    text = search(alice_client, "zyzzyva quixotically")
    assert "No note has “zyzzyva” or “quixotically”." in text.all
    (write_it,) = [a["href"] for a, said in text.links() if said == "Write a note about this"]
    assert write_it == "/notes/new/?title=zyzzyva%20quixotically"


def queries(client, typed, **more):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/search/?{urlencode({'q': typed, **more})}").status_code == 200
    return len(captured)


def test_a_search_asks_as_often_for_20_hits_as_for_2(alice, client, alice_client):
    counts = []
    for count in (2, 20):
        for i in range(Note.objects.count(), count):
            write(alice, f"Gate {i}", "gate and attention", (f"t{i}", "many"))
        counts.append(
            [
                queries(client, "gate attention"),
                queries(alice_client, "gate attention tag:many"),
                queries(client, "gate atten", typing=1),
                queries(client, "tag:many"),
            ]
        )
    assert counts[0] == counts[1]
    # Who is signed in, two; counts, rank, titles; notes, tags, words; and a tag's other names.
    assert max(counts[0]) <= 9, counts


@pytest.mark.parametrize(
    "typed",
    ['"' * 10_000, "a" * 100_000, "a " * 50_000, "& | ! <-> :* () " * 5_000, "(" * 9_000,
     "-" * 9_000, "tag:" * 5_000, "\\" * 9_000, "[a-z]+(.*)*$" * 3_000, "-b " * 9_000,
     '"a b" ' * 9_000, "'" * 9_000, "\0" * 100, "ﷺ" * 9_000, "tag:a " * 200, "aб中 " * 300,
     '"the b the" ' * 90, "-tag:a " * 90, '-"the b" ' * 90, "xy in:title " * 90,
     " ".join(f"nowhere{chr(97 + i)}{chr(98 + i)}" for i in range(24))],
)  # fmt: skip
def test_hostile_queries_are_answered_at_once(notes, client, typed):
    for more in ({}, {"typing": 1}, {"format": "json"}):
        begin = process_time()
        assert client.get("/search/", {"q": typed, **more}).status_code == 200
        # Of processor time, on whatever machine: half a second is what it takes at most here.
        assert process_time() - begin < 5, more


def test_no_text_that_is_found_adds_an_element(alice, client):
    def tags(*queries):
        return tags_of("".join(client.get("/search/", q).content.decode() for q in queries))

    pages = [{"q": "needle", "page": number} for number in (1, 2, 3)]
    for i in range(45):
        write(alice, f"Needle {i}", "a needle here", ("many",), ref="a")
    harmless = ["needle", "nedle", "needle zyzzyva", "nee", "xyzzy", "needle tag:none", "tag:x",
                "is:x", "nedle -needle"]  # fmt: skip
    known = tags(*pages, *({"q": typed} for typed in harmless), {"q": "nedle", "as_typed": 1})
    some = vectors("markdown_latex_own") + vectors()[::60]
    for note, i in zip(Note.objects.all(), range(0, len(some), 4), strict=False):
        body = "\n".join(f"needle {vector} needle" for vector in some[i : i + 4])
        title = f"needle {some[i][:200]}".replace("\0", "")
        said = Fields(title, body.replace("\0", ""), "a", "note", ("many",), "public")
        note.save_revision(said, base=0, author=alice)
    assert tags(*pages) <= known
    for vector in some[::3]:
        assert tags({"q": vector}, {"q": vector, "typing": "1"}) <= known, vector


def test_private_notes_change_nothing_for_others(notes, bob, client):
    asked = ["attention", "atention", "netw", "network attention", "sekret", "secre", "zebrra",
             "tag:nlp", "tag:secret", "attention tag:unix", "ref:secret", "-attention",
             "gatee"]  # fmt: skip

    def answers():
        pages = [search(client, typed).all for typed in asked]
        typing = [search(client, typed, typing=1).all for typed in asked]
        return pages, typing, [found(client, typed) for typed in asked]

    before = answers()
    for i in range(60):
        body = f"secret zebra attention networks gates {'network ' * i} attentions"
        write(bob, f"Attention secret {i}", body, ("nlp", "secret"), "private", ref="secret-1")
    assert answers() == before
    assert found(Client(), "secret")["total"] == 0


THAI = "ควรเรียนรู้"  # ends in two marks above one letter


@pytest.mark.parametrize("typed", [THAI, f'"{THAI}"', "รู้", f"title:{THAI}", f"-x {THAI}"])
def test_a_word_with_two_marks_is_saved_and_found(alice_client, typed):
    form = {"title": THAI, "body": f"{THAI}\n", "tags": "", "visibility": "private"}
    assert alice_client.post("/notes/new/", {**form, "type": "note"}).status_code == 302
    assert titles(alice_client, typed) == [THAI]


def test_marks_without_a_letter_find_nothing_and_harm_nothing(alice_client):
    for path in ("/search/?q=ู้", "/search/?q=%22ู้%22&typing=1", "/suggest/?q=ู้", "/?text=ู้"):
        assert alice_client.get(path).status_code == 200, path
