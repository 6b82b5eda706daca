"""The search page with a registered ranker: hybrid, lexical and semantic, and its explanations."""

import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.hostile_markup import tags_of, vectors
from tests.wiki.page_text import Text, page
from wiki.fields import Fields
from wiki.models import Note

pytestmark = pytest.mark.django_db

WARM_UP = "Turn the rate up too early and the loss leaves for good."
NORMS = "A warm-up lets the norms settle first."
LAYERS = "Each layer splits its channels in two, and one half is a gate for the other one. " * 3
TEXTS = [
    ("Attention is all you need", "Fragile to train, many small tricks. Attention asks."),
    (
        "Pay attention to MLPs",
        f"Take attention out. {LAYERS}\n\nIt starts near zero, so nothing blows up.",
    ),
    ("Warm-up", f"{WARM_UP} {NORMS}"),
    ("Octopus", "Colours of a skin."),
    ("Shell", "Use `--quiet` with pg_trgm."),
]
SCORES = {"Warm-up": 0.8, "Pay": 0.6, "Attention": 0.5, "Octopus": 0.1, "Shell": 0.05}


def write(owner, title, body="", tags=(), visibility="public", **said):
    fields = Fields(title, body, "", "note", tags, visibility)
    return Note.objects.write(fields, owner=owner)


@pytest.fixture
def notes(alice):
    for title, body in TEXTS:
        write(alice, title, body, ("ml",) if "A" in title or "Pay" in title else ("other",))
    write(alice, "Diary", "fragile attention, in private", visibility="private")


def search(client, typed, **more):
    return page(client, f"/search/?{urlencode({'q': typed, **more})}")


def found(client, typed, **more):
    reply = client.get(f"/search/?{urlencode({'q': typed, 'format': 'json', **more})}")
    return json.loads(reply.content)


def titles(client, typed, **more):
    return [hit["title"].split()[0] for hit in found(client, typed, **more)["hits"]]


def results(client, typed, **more):
    """Return the text of each result of a page."""
    html = client.get(f"/search/?{urlencode({'q': typed, **more})}").content.decode()
    return [words(part) for part in html.split('<li class="row full hit">')[1:]]


def words(html):
    """Return the text of a page; each name of a list of values stands apart from its value."""
    return " ".join(Text(html.replace("</dt>", " </dt>")).all.split())


def link(text, said):
    (href,) = {attrs["href"] for attrs, words in text.links() if words == said}
    return href


def asked_by(href):
    return {name: value for name, (value,) in parse_qs(urlsplit(href).query).items()}


# Where things stand


def test_both_legs_make_one_order(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    said = found(client, "fragile attention")
    assert [hit["title"].split()[0] for hit in said["hits"]] == ["Attention", "Warm-up", "Pay"]
    assert said["total"] == 3 and said["by"] == "both" and said["weak"] == 2
    first, second, third = said["hits"]
    assert first["words"]["rank"] == 1 and first["meaning"]["rank"] == 3
    assert second["words"] is None and second["meaning"]["share"] == 1.0
    assert first["words"]["matched"] == {"fragile": 1, "attention": 2}
    assert third["words"]["matched"] == {"attention": 2}


def in_order_again(said):
    """Put hits in their order by what is told of them alone."""
    told = said["weights"]

    def together(hit):
        shares = {leg: hit[leg]["share"] if hit[leg] else 0 for leg in ("words", "meaning")}
        return round(told["words"] * shares["words"] + told["meaning"] * shares["meaning"], 6)

    def place(hit):
        return -together(hit), hit["pid"]

    called = sorted((hit for hit in said["hits"] if hit["placed"] == "title"), key=place)
    rest = sorted((hit for hit in said["hits"] if not hit["placed"]), key=place)
    order = called + rest
    for hit in said["hits"]:
        if hit["placed"] == "rare word":
            order.insert(hit["rank"] - 1, hit)
    assert all(hit["share"] == together(hit) for hit in order)
    return [hit["pid"] for hit in order]


@pytest.mark.parametrize(
    "typed",
    ["gate", "gate 7", "rare gate", "gate number rareness", "gate 3 tag:even", "seldom_used",
     "gate seldom_used of many", "zyzzyva"],
)  # fmt: skip
def test_the_order_follows_from_what_the_json_tells(alice, client, by_meaning, typed):
    for i in range(30):
        rare = "rareness " if i in (3, 17) else "seldom_used " if i in (5, 28) else ""
        body = f"{rare}number of {'gate ' * (1 + i % 5)}{'many ' * (i % 3)}"
        write(alice, f"G{i} {'gate' if i % 4 else 'door'}", body, ("even",) if i % 2 == 0 else ())
    write(alice, "Gate", "a gate")
    by_meaning(scores={f"G{i}": 0.9 - (i * 7 % 30) / 60 for i in range(0, 30, 2)} | {"Gate": 0.1})
    shown = []
    for number in (1, 2):
        said = found(client, typed, all=1, page=number)
        if number <= said["pages"]:
            shown += said["hits"]
    ordered = in_order_again({**said, "hits": shown})
    assert ordered == [hit["pid"] for hit in shown] and len(shown) > 10
    assert [hit["rank"] for hit in shown] == list(range(1, len(shown) + 1))


def test_an_exact_title_stands_first(notes, client, by_meaning):
    by_meaning(scores={**SCORES, "Octopus": 0.05})
    assert titles(client, "octopus")[0] == "Octopus"
    (hit, *_) = found(client, "octopus")["hits"]
    assert hit["placed"] == "title" and "has this title" in search(client, "octopus").all


def test_what_one_exact_name_finds_stands_first(notes, alice, client, by_meaning):
    write(alice, "Index", "It is pg_trgm that finds it. " + "Other words. " * 80)
    by_meaning(scores={"Warm-up": 0.9, "Pay": 0.8, "Attention": 0.7})
    assert set(titles(client, "pg_trgm")[:2]) == {"Shell", "Index"}
    hits = found(client, "pg_trgm")["hits"]
    assert "rare word" in {hit["placed"] for hit in hits[:2]}
    assert "kept in front by a rare word" in search(client, "pg_trgm").all


def test_a_rare_word_is_not_pushed_behind_the_third_place(alice, client, by_meaning):
    for i in range(8):
        body = "gates of many kinds opened slowly under pressure " if i < 2 else "gates"
        write(alice, f"N{i} note", body)
    write(alice, "Zebra note", "A zebra. " + "Other words stand here. " * 40)
    by_meaning(scores={f"N{i}": 0.9 - i / 10_000 for i in range(8)})
    typed = "many kinds of gates opened slowly under pressure by a zebra"
    assert titles(client, typed, by="words")[:3] == ["N0", "N1", "Zebra"]
    hits = found(client, typed)["hits"]
    assert [hit["title"].split()[0] for hit in hits[:4]] == ["N0", "N1", "Zebra", "N2"]
    assert [hit["placed"] for hit in hits[:4]] == ["", "", "rare word", ""]
    # Beyond its third place by words it is one word of many.
    write(alice, "N8 note", "kinds opened slowly under pressure")
    assert titles(client, typed, by="words").index("Zebra") == 3
    assert titles(client, typed).index("Zebra") > 3


# Who is asked what


def test_a_ranker_is_given_what_the_reader_may_read_and_the_operators_leave(
    notes, client, alice_client, by_meaning
):
    meaning = by_meaning(scores={**SCORES, "Diary": 0.9})
    search(client, "fragile attention")
    search(alice_client, "fragile attention")
    search(client, "fragile tag:other -loss")
    assert "Diary" not in meaning.given[0] and "Diary" in meaning.given[1]
    assert meaning.given[2] == {"Octopus", "Shell"}
    assert meaning.asked == ["fragile attention", "fragile attention", "fragile"]
    assert "Diary" not in search(client, "fragile", all=1).all


def test_private_notes_change_nothing_for_others(notes, bob, client, by_meaning):
    by_meaning(scores={**SCORES, "Secret": 0.95})

    def answers():
        return [
            (search(client, typed, **more).all, found(client, typed, **more))
            for typed in ("fragile attention", "warm", "octopus camouflage", "zyzzyva", "secret")
            for more in ({}, {"all": 1}, {"by": "meaning"}, {"by": "words"})
        ]

    def settled(said):
        return re.sub(r'indexed_at": "[^"]*|indexed \d+ s', "", json.dumps(said))

    before = settled(answers())
    for i in range(5):
        write(bob, f"Secret {i}", "secret fragile attention octopus camouflage zyzzyva",
              visibility="private")  # fmt: skip
    assert settled(answers()) == before


@pytest.mark.parametrize("typed", ["", "tag:ml", "the of", "tag:ml meaning:off", "-attention"])
def test_without_words_no_ranker_is_asked(notes, client, by_meaning, typed):
    meaning = by_meaning(scores=SCORES)
    text = search(client, typed)
    assert meaning.asked == [] and "by meaning" not in text.all.partition("Changed lately")[2]


def test_while_typing_no_ranker_is_asked(notes, client, by_meaning):
    meaning = by_meaning(scores=SCORES)
    text = search(client, "atten", typing=1)
    assert meaning.asked == [] and "By words, while you type." in text.all
    assert asked_by(link(text, "Search by meaning too")) == {"q": "atten"}
    assert found(client, "atten", typing=1)["by"] == "words"


def test_sentences_are_asked_for_one_page_and_only_of_what_still_stands(alice, client, by_meaning):
    for i in range(25):
        write(alice, f"G{i} gate", "A gate.")
    scores = {f"G{i}": 0.9 - i / 100 for i in range(25)}
    meaning = by_meaning(scores=scores, revisions={"G3": 7})
    hits = found(client, "gate")["hits"]
    (asked,) = meaning.explained
    assert len(hits) == 20
    assert asked == {hit["pid"] for hit in hits if not hit["title"].startswith("G3 ")}


# Modes


def test_words_alone_and_meaning_alone_are_one_click_away(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    both = search(client, "fragile attention", page=1)
    assert "3 notes by words and by meaning · words only · meaning only" in both.all
    assert "2 notes have at least one of these words; 1 more is close by meaning." in both.all
    current = [said for attrs, said in both.links() if attrs.get("aria-current") == "true"]
    assert current == ["by words and by meaning"]
    words = page(client, f"/search/{link(both, 'words only')}")
    assert "2 notes · by words and by meaning · words only" in words.all
    assert asked_by(link(words, "meaning only")) == {"q": "fragile attention", "by": "meaning"}
    assert titles(client, "fragile attention", by="words") == ["Attention", "Pay"]
    assert titles(client, "fragile attention", by="meaning") == ["Warm-up", "Pay", "Attention"]
    assert (
        "3 notes by meaning, the nearest first."
        in search(client, "fragile attention", by="meaning").all
    )
    assert asked_by(link(words, "by words and by meaning")) == {"q": "fragile attention"}


def test_the_form_keeps_the_mode(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    kept = [i for i in search(client, "warm", by="words").named("input") if i["name"] == "by"]
    assert [box["value"] for box in kept] == ["words"]
    assert not [i for i in search(client, "warm").named("input") if i["name"] == "by"]


def test_an_operator_and_an_unknown_mode(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    assert found(client, "attention meaning:off")["by"] == "words"
    assert titles(client, "attention meaning:off") == titles(client, "attention", by="words")
    assert "meaning only" not in search(client, "attention meaning:off").all
    assert "write meaning:off" in search(client, "attention meaning:on").all
    assert found(client, "attention", by="magic")["by"] == "both"


def test_without_a_ranker_nothing_is_said_of_meaning(notes, client, by_meaning):
    plain = [search(client, "fragile attention", **more).all for more in ({}, {"by": "meaning"})]
    said = found(client, "fragile attention", by="meaning")
    for text in (*plain, search(client, "").all):
        assert "meaning" not in text
    assert said["by"] == "words" and said["coverage"] is None and said["nothing_close"] is False
    assert [hit["meaning"] for hit in said["hits"]] == [None, None]
    assert [hit["words"]["rank"] for hit in said["hits"]] == [1, 2]
    by_meaning(scores=SCORES)
    assert "meaning:off" in search(client, "").all


# Away


def test_a_ranker_that_is_away_leaves_the_words(notes, client, by_meaning):
    meaning = by_meaning(away="The worker has not answered since 14:02. <b>")
    text = search(client, "fragile attention")
    assert titles(client, "fragile attention") == ["Attention", "Pay"]
    said = "Searched by words only. The worker has not answered since 14:02. <b>"
    assert said in text.all and text.named("b") == []
    assert "2 notes have at least one of these words." in text.all
    assert "meaning only" not in text.all
    answered = found(client, "fragile attention")
    assert answered["by"] == "words" and answered["away"] == meaning.away
    assert found(client, "nowhere")["nothing_close"] is False


def test_meaning_alone_that_is_away_offers_the_words(notes, client, by_meaning):
    by_meaning(away="The worker is away.")
    text = search(client, "fragile attention", by="meaning")
    assert "The worker is away." in text.all and results(client, "fragile", by="meaning") == []
    assert asked_by(link(text, "Search by words")) == {"q": "fragile attention", "by": "words"}
    assert "Nothing" not in text.all
    assert found(client, "fragile", by="meaning")["total"] == 0


def test_the_next_ranker_answers_for_one_that_is_away(notes, client, by_meaning, monkeypatch):
    away, here = by_meaning(away="Away."), by_meaning(scores=SCORES)
    monkeypatch.setattr("wiki.extensions.rankers", [away.rank, here.rank])
    said = found(client, "fragile attention")
    assert said["by"] == "both" and said["away"] is None


# Nothing close


def test_notes_that_are_not_close_are_counted_and_shown_on_demand(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    text = search(client, "fragile attention")
    assert "2 more are no closer than unrelated notes usually are. Show them anyway." in text.all
    shown = page(client, f"/search/{link(text, 'Show them anyway')}")
    assert "Octopus" in shown.all and "5 notes by words and by meaning" in shown.all
    assert "2 of them are no closer than unrelated notes usually are." in shown.all
    assert asked_by(link(shown, "Leave them out")) == {"q": "fragile attention"}
    said = found(client, "fragile attention", all=1)
    assert said["weak"] == 0 and said["total"] == 5
    assert [hit["meaning"]["is_close"] for hit in said["hits"]].count(False) == 2
    assert [said.count("not close") for said in results(client, "fragile attention", all=1)] == [
        0, 0, 0, 1, 1,
    ]  # fmt: skip


def test_a_note_with_a_word_is_listed_however_far_it_is(notes, client, by_meaning):
    by_meaning(scores={**SCORES, "Attention": 0.01})
    assert "Attention" in titles(client, "fragile attention")


@pytest.fixture
def far(alice, by_meaning):
    """Give notes of which none is close to anything, and a word that is in many."""
    for i in range(6):
        write(alice, f"N{i} note", "neurons fire")
    return by_meaning(scores={f"N{i}": 0.1 + i / 100 for i in range(6)})


def test_nothing_close_is_an_answer(far, client, alice_client):
    text = search(alice_client, "octopus camouflage neurons")
    assert "Nothing close enough." in text.all and not text.named("ol")
    assert "No note has “octopus” or “camouflage”; “neurons” is in 6 notes." in text.all
    assert "nearestN5 note by meaning 0.15" in text.all
    assert asked_by(link(text, "neurons")) == {"q": "neurons"}
    assert asked_by(link(text, "write a note about this")) == {
        "title": "octopus camouflage neurons"
    }
    anyway = page(client, f"/search/{link(text, 'show the nearest anyway')}")
    assert "Nothing is close to this. These are the nearest." in anyway.all
    assert len(anyway.named("ol")) == 1
    said = found(client, "octopus camouflage neurons")
    assert said["nothing_close"] is True and said["hits"] == [] and said["total"] == 0
    assert said["weak"] == 6 and said["coverage"] < 0.5
    said = found(client, "octopus camouflage neurons", all=1)
    assert said["nothing_close"] is True and len(said["hits"]) == 6 == said["total"]


def test_an_operator_that_left_notes_with_a_word_is_not_to_blame(far, client):
    text = search(client, "octopus camouflage neurons type:note")
    assert "Nothing close enough." in text.all and "without type:note" not in text.all


def test_nothing_close_is_never_said_by_words_alone(far, client):
    assert len(found(client, "octopus camouflage neurons", by="words")["hits"]) == 6
    assert found(client, "octopus camouflage neurons meaning:off")["nothing_close"] is False
    assert found(client, "octopus camouflage neurons", by="meaning")["nothing_close"] is True


def test_what_needs_no_likeness_is_close(far, alice, client):
    def is_nothing(typed):
        return found(client, typed)["nothing_close"]

    assert is_nothing("octopus camouflage neurons")
    write(alice, "Octopus", "neurons of the seldom_used kind")
    assert is_nothing("skin camouflage zyzzyva octopus"), "a rare word that is no name"
    assert not is_nothing("skin camouflage zyzzyva seldom_used"), "a name"
    assert is_nothing("camouflage zyzzyva fire")
    assert not is_nothing('camouflage zyzzyva "neurons fire"'), "a phrase"
    assert is_nothing('camouflage zyzzyva "fire neurons"'), "a phrase that no note has"
    far.scores = {**far.scores, "N3": 0.9}
    assert not is_nothing("octopus camouflage neurons"), "a note close by meaning"


def test_a_title_is_close_although_its_words_drown_in_its_text(alice, client, by_meaning):
    for i in range(40):
        write(alice, f"A{i}", "alpha" if i < 12 else "other")
    for i in range(4):
        write(alice, f"B{i} beta", "filling words " * 2_000)
    by_meaning(scores={"A1": 0.1})
    assert found(client, "alpha beta")["nothing_close"] is True
    write(alice, "Alpha beta", "filling words " * 2_000)
    said = found(client, "alpha beta")
    assert said["nothing_close"] is False and said["coverage"] < 0.5
    assert said["hits"][0]["title"] == "Alpha beta"


def test_coverage_is_the_greatest_part_of_the_query_in_one_note(alice, client, by_meaning):
    for i in range(8):
        write(alice, f"N{i} note", "common" if i else "common rarer rarer other")
    write(alice, "Other", "rarer rarer rarer rarer")
    by_meaning(scores={"N1": 0.9})
    assert found(client, "common")["coverage"] == 1.0
    assert found(client, "common rarer other")["coverage"] == 1.0
    assert found(client, "zyzzyva")["coverage"] == 0.0
    part = found(client, "common zyzzyva")["coverage"]
    assert 0 < part < 0.2 < found(client, "rarer zyzzyva")["coverage"] < 0.5


def test_a_ranker_that_knows_no_note_does_not_say_that_nothing_is_close(far, client):
    assert found(client, "octopus camouflage neurons")["nothing_close"] is True
    far.scores = {}
    assert found(client, "octopus camouflage neurons")["nothing_close"] is False
    assert "Nothing here is like that." in search(client, "zyzzyva").all


# Slips, and words nobody wrote


def test_a_slip_is_corrected_before_meaning_is_asked(notes, client, by_meaning):
    meaning = by_meaning(scores=SCORES)
    text = search(client, "atention")
    assert "No note has “atention”. Showing results for attention" in text.all
    assert meaning.asked == ["attention"]
    assert titles(client, "atention")[0] in ("Attention", "Pay")


def test_what_is_close_is_shown_although_no_note_has_the_words(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    text = search(client, "zyzzyva quixotically")
    assert "No note has “zyzzyva” or “quixotically”." in text.all
    assert "3 notes are close by meaning." in text.all
    assert titles(client, "zyzzyva quixotically") == ["Warm-up", "Pay", "Attention"]


def test_operators_that_leave_nothing_are_named(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    assert "without tag:none: 2 notes" in search(client, "attention tag:none").all


# Why


def test_a_hit_tells_its_figures(notes, client, by_meaning):
    by_meaning(scores=SCORES)
    attention, warm, pay = results(client, "fragile attention")
    assert "words fragile ×1, attention ×2 by words 1.00, 1st by meaning 0.60, 3rd" in attention
    assert "together 0.82 index indexed 12 s ago, revision 0" in attention
    assert "words none by words not ranked by meaning 1.00, 1st together 0.45" in warm
    assert "words attention ×2 · without fragile by words 0.00, 2nd" in pay


def test_the_passage_is_shown_where_it_says_something_else(notes, client, by_meaning):
    by_meaning(
        scores=SCORES,
        sentences={
            "Warm-up": NORMS,
            "Pay": "It starts near zero, so nothing blows up.",
            "Attention": "Fragile to train, many small tricks.",
        },
        headings={"Warm-up": "Training > Rates <i>"},
    )
    attention, warm, pay = results(client, "fragile attention")
    assert f"by meaning, none of your words Training > Rates <i> {WARM_UP} {NORMS}" in warm
    assert "by meaning It starts near zero, so nothing blows up." in pay
    assert "Take attention out." in pay
    assert attention.count("Fragile to train") == 1 and "by meaning Fragile" not in attention
    meaning = found(client, "fragile attention")["hits"][1]["meaning"]
    assert meaning["passage"] == {
        "start": 0, "end": len(f"{WARM_UP} {NORMS}"), "heading": "Training > Rates <i>",
        "text": f"{WARM_UP} {NORMS}", "sentence": NORMS,
    }  # fmt: skip
    assert meaning["revision"] == 0 and meaning["indexed_at"] and meaning["score"] == 0.8


def test_a_passage_of_an_older_revision_is_not_quoted(notes, client, alice, by_meaning):
    note = Note.objects.get(title="Warm-up")
    note.save_revision(
        Fields("Warm-up", "All new here.", "", "note", (), "public"), base=0, author=alice
    )
    by_meaning(scores=SCORES, revisions={"Warm-up": 0})
    _, warm, _ = results(client, "fragile attention")
    assert "revision 0 is indexed, the newest is 1" in warm
    assert "All new here." in warm and "none of your words" not in warm
    meaning = found(client, "fragile attention")["hits"][1]["meaning"]
    assert meaning["revision"] == 0 and meaning["passage"]["text"] is None


def test_without_an_explainer_the_passage_speaks(notes, client, by_meaning, monkeypatch):
    by_meaning(scores=SCORES)
    monkeypatch.setattr("wiki.extensions.explainers", [])
    _, warm, _ = results(client, "fragile attention")
    assert f"none of your words {WARM_UP} {NORMS}" in warm


def test_no_passage_or_heading_adds_an_element(alice, client, by_meaning):
    some = [vector.replace("\0", "") for vector in vectors()[::70]]
    for i, vector in enumerate(some):
        write(alice, f"P{i}", "harmless words")
        write(alice, f"V{i} {vector[:100]}", vector)

    def tags(names, headings, far):
        by_meaning(
            scores={f"{names}{i}": 0.9 for i in range(len(some))}, headings=headings, far=far
        )
        pages = [{}, {"all": 1}, {"by": "meaning"}, {"page": 2}, {"page": 2, "all": 1}]
        replies = [client.get("/search/", {"q": "zyzzyva", **more}) for more in pages]
        return tags_of("".join(reply.content.decode() for reply in replies))

    for far in (0.3, 2.0):
        known = tags("P", {f"P{i}": "A heading" for i in range(len(some))}, far)
        assert tags("V", {f"V{i}": vector for i, vector in enumerate(some)}, far) <= known


# Pages and queries


def test_pages_go_through_the_fused_list(alice, client, by_meaning):
    for i in range(15):
        write(alice, f"W{i} gate", "gate")
    for i in range(30):
        write(alice, f"M{i} other", "other")
    by_meaning(scores={f"M{i}": 0.9 - i / 100 for i in range(30)})
    said = [found(client, "gate", page=number) for number in (1, 2, 3, 9)]
    assert {one["total"] for one in said} == {45} and said[0]["pages"] == 3
    pids = [hit["pid"] for one in said[:3] for hit in one["hits"]]
    assert len(pids) == 45 == len(set(pids)) and said[3]["page"] == 3
    text = search(client, "gate", page=2)
    assert "15 notes have this word; 30 more are close by meaning." in text.all
    assert "page 2 of 3" in text.all


def test_notes_with_a_word_are_counted_once_however_many_they_are(
    alice, client, by_meaning, monkeypatch
):
    # As if 200 were listed of 300.
    monkeypatch.setattr("wiki.search.results_page.MAX_HITS", 20)
    for i in range(30):
        write(alice, f"G{i} gate", "gate " * (1 + i % 3))
    write(alice, "Alone", "other")
    listed = titles(client, "gate", by="words")
    by_meaning(scores={f"G{i}": 0.5 + i / 1000 for i in range(0, 30, 2)} | {"Alone": 0.9})
    assert found(client, "gate")["total"] == 31
    # Nor are they weak, however far they are.
    by_meaning(scores={f"G{i}": 0.1 for i in range(0, 30, 2)} | {"Alone": 0.1})
    said = found(client, "gate", by="meaning")
    assert (said["total"], said["weak"]) == (15, 1)
    assert not {f"G{i}" for i in range(0, 30, 2)} <= set(listed)


def test_meaning_costs_few_queries(notes, alice, client, by_meaning):
    def queries(typed, **more):
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/search/", {"q": typed, **more}).status_code == 200
        return len(captured)

    typed = ("fragile attention", "fragile tag:ml", "zyzzyva quixotic", "tag:ml")
    before = [queries(one) for one in typed]
    meaning = by_meaning(scores=SCORES)
    queries("fragile")
    own = {"rank": 1, "explain": 1}
    after = [queries(one) for one in typed]
    meaning.scores = {"Warm-up": 0.1}
    after.append(queries("zyzzyva quixotic"))
    before.append(before[2])
    spent = [b - a - (own["rank"] + own["explain"]) for a, b in zip(before, after, strict=True)]
    assert max(spent) <= 3, (before, after)
    for i in range(20):
        write(alice, f"More{i} attention", "fragile attention")
    meaning.scores = SCORES | {f"More{i}": 0.7 for i in range(20)}
    assert queries("fragile attention") == after[0]
