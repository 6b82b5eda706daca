"""Quoting passages on the results page, and their freshness."""

from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string

from wiki.extensions import Passage
from wiki.search.passages import MAX_LENGTH, TARGET_LENGTH, freshness, quote
from wiki.search.snippets import Highlighter

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = "One says that. " * 30


def passage(start, end, **said):
    return Passage(1, start, end, **{"heading": "", "revision": 4, "indexed_at": NOW, **said})


def quoted(body, sentence="", part=None, words=()):
    start, end = (body.index(part), body.index(part) + len(part)) if part else (0, len(body))
    at = body.index(sentence) if sentence else 0
    place = (at, at + len(sentence)) if sentence else None
    wanted = Highlighter(dict.fromkeys(words, 1.0))
    return quote(body, passage(start, end), place, wanted)


def said(*given, **more):
    return "".join(piece.text for piece in quoted(*given, **more).pieces)


def test_a_sentence_stands_among_its_neighbours_while_there_is_room():
    body = "It is so. A warm-up *settles* the norms. Then it trains."
    assert said(body, "A warm-up *settles* the norms.") == (
        "It is so. A warm-up settles the norms. Then it trains."
    )
    text = said(f"{LONG}Here it is. {LONG}", "Here it is.")
    assert len(text) <= TARGET_LENGTH and text.startswith("Here it is. One says that.")
    assert text.endswith("One says that.")
    assert said(f"{LONG}Here it is.", "Here it is.").endswith("One says that. Here it is.")


def test_without_a_sentence_the_passage_is_shown_from_its_beginning():
    assert said(f"Before.\n\nFirst. {LONG}", part=f"First. {LONG}").startswith("First. One says")


def test_nothing_from_outside_the_passage_is_shown():
    body = "Secret before. Within the passage. Secret after."
    assert said(body, "Within the passage.", "Within the passage.") == "Within the passage."
    # Whatever characters an explainer names.
    made = quote(body, passage(15, 34), (0, 900), Highlighter({}))
    assert "".join(piece.text for piece in made.pieces) == "Within the passage."
    assert (made.text, made.sentence) == ("Within the passage.", "Within the passage.")
    for place in ((-5, -1), (900, 950), (30, 20)):
        made = quote(body, passage(15, 34), place, Highlighter({}))
        assert "Secret" not in "".join(piece.text for piece in made.pieces)
    assert quote(body, passage(900, 950), (1, 2), Highlighter({})).pieces == []


def test_dots_stand_where_a_sentence_is_cut():
    body = "One long sentence that goes on and on for a while"
    assert said(body, part="that goes on and on") == "… that goes on and on …"
    assert said(f"- first\n- {body}\n- last", body, body) == body
    assert said(f"End. {body}", body, body) == body
    words = "word " * 300
    text = said(words, words)
    assert len(text) <= MAX_LENGTH + 2 and text.endswith("word …")


def test_words_of_the_query_are_marked_in_it():
    marks = [piece.text for piece in quoted("A gate opens.", words=["gate"]).pieces if piece[1]]
    assert marks == ["gate"]


def test_what_the_fragments_say_already_is_not_said_again():
    shown = [quoted("Queries meet keys in attention, and the values are weighed.").pieces]
    assert not quoted("Queries meet keys in attention.").says_more_than(shown)
    assert quoted("Turn the rate up too early and it fails.").says_more_than(shown)
    assert quoted("Queries fail.").says_more_than([])


def test_freshness_tells_the_revision_and_when_it_was_indexed():
    def sentence(fresh):
        return render_to_string("wiki/_freshness.html", {"fresh": fresh}).strip()

    fresh = freshness(passage(0, 1, indexed_at=NOW - timedelta(seconds=12)), 4, NOW)
    assert fresh.is_current and sentence(fresh) == "indexed 12 s ago, revision 4"
    stale = freshness(passage(0, 1, revision=1), 2, NOW)
    assert not stale.is_current and sentence(stale) == "revision 1 is indexed, the newest is 2"
    # Clocks may differ by a little.
    early = freshness(passage(0, 1), 4, NOW - timedelta(seconds=3))
    assert "indexed 0 s ago" in sentence(early)
