"""Related notes: which are shown to whom, and which two passages say why."""

import doctest
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlhooks.indexes import calibration, hnsw, index_build, related
from mlhooks.models import EncoderIndex
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki import extensions

SOURDOUGH = """Harbours were quiet that year, and the ferry came on Mondays only, if it came at all.

# Baking

A sourdough of flour, water and salt ferments over night before the loaf goes into a hot oven.
"""


def learn(cosine: float, notes: int = 1_000) -> None:
    """Let so much be what is usual between two notes."""
    closeness = {"pairs": [cosine] * 101, "notes": notes}
    EncoderIndex.objects.update(closeness=closeness)


@pytest.fixture
def shelf(db, write, work):
    """Bread and sourdough, which are close, and gates, which are close to neither."""
    notes = write("Loaves", BREAD), write("A year by the sea", SOURDOUGH), write("Gates", GATES)
    work()
    learn(0.4)
    return notes


def found(note, reader):
    note.refresh_from_db()
    return related.related(active(), note, reader)


def page(client, note) -> str:
    return client.get(note.get_absolute_url()).content.decode()


def test_a_page_shows_what_is_close_and_the_two_passages_that_say_why(shelf, client):
    bread, sea, _ = shelf
    html = page(client, sea)
    assert ">Related</h2>" in html and f'href="{bread.get_absolute_url()}"' in html
    assert BREAD in html
    assert "“<bdi>A sourdough of flour, water and salt ferments over night" in html
    assert "Closer than 99 of 100 pairs of notes." in html
    assert ">Gates</a>" not in html


def test_an_excerpt_is_a_sentence_or_what_says_more():
    assert doctest.testmod(related).failed == 0
    said = "The gate multiplies where attention would have weighed, and costs less than that."
    formula, table = "$$ o_i = \\sum_j \\phi(q_i) v_j $$", "| a | b |\n|---|---|\n| c | d |"
    for odd in (formula, table):
        assert related.excerpt(f"{odd}\n\n{said}", (0, len(odd))).endswith(said)
        assert "o_i" not in related.excerpt(f"{odd}\n\n{said}", (0, len(odd)))
    assert related.excerpt(table, None) == "a · b · c · d"
    long = related.excerpt(f"{said} {said} {said}", None)
    assert len(long) <= related.EXCERPT + 1 and long.endswith("…")


def test_where_nothing_is_close_there_is_no_heading(shelf, client):
    gates = shelf[2]
    assert "Related" not in page(client, gates)


def test_a_small_notebook_cannot_tell_what_is_usual(shelf, bob):
    learn(0.4, notes=9)
    assert found(shelf[0], bob) == []
    learn(0.4, notes=20)
    assert related.usual(active()) == related.Usual(90, 0.4)


def test_nothing_shows_of_what_a_reader_may_not_read(shelf, write, work, alice, bob, client):
    _, sea, _ = shelf
    secret = write("Secret loaves", BREAD.replace("pot", "oven"), "private")
    work()
    assert secret.pid in [one.pid for one in found(sea, alice)]
    assert secret.pid not in [one.pid for one in found(sea, bob)]
    assert "Secret loaves" not in page(client, sea)


def test_a_note_that_was_made_private_is_gone_at_once(shelf, bob):
    bread, sea, _ = shelf
    assert [one.pid for one in found(sea, bob)] == [bread.pid]
    fields = replace(bread.current_fields(), visibility="private")
    bread.save_revision(fields, base=0, author=bread.owner)
    assert found(sea, bob) == []


def test_what_the_text_links_to_is_no_news(shelf, work, bob):
    bread, sea, _ = shelf
    linking = replace(sea.current_fields(), body=f"{SOURDOUGH}\nSee [[Loaves]].\n")
    sea.save_revision(linking, base=0, author=sea.owner)
    work()
    assert found(sea, bob) == []
    (one,) = found(bread, bob)
    assert one.pid == sea.pid and one.links_here


def test_a_link_by_an_earlier_title_counts_as_well(shelf, work, bob):
    bread, sea, _ = shelf
    linking = replace(sea.current_fields(), body=f"{SOURDOUGH}\nSee [[Loaves]].\n")
    sea.save_revision(linking, base=0, author=sea.owner)
    renamed = replace(bread.current_fields(), title="Bread")
    bread.save_revision(renamed, base=0, author=bread.owner)
    work()
    assert found(sea, bob) == []
    assert [one.links_here for one in found(bread, bob)] == [True]


@pytest.mark.parametrize("saved", [0, 1])
def test_places_in_a_text_that_was_saved_since_are_not_shown(shelf, work, bob, saved):
    _, sea, _ = shelf
    assert found(sea, bob)
    note = shelf[saved]
    fields = replace(note.current_fields(), body=f"Something before it.\n\n{note.head.body}")
    note.save_revision(fields, base=0, author=note.owner)
    assert found(sea, bob) == []
    work()
    assert found(sea, bob)


def test_code_is_no_reason(db, write, work, bob):
    code = (
        "```\nfor loaf in oven:\n    loaf.bake(minutes=40, temperature=230)\n    loaf.cool()\n```\n"
    )
    first = write("Harbours", f"The ferry comes on Mondays only, if it comes at all.\n\n{code}")
    write("Gates", f"{GATES}\n{code}")
    work()
    learn(0.5)
    assert found(first, bob) == []


def test_notes_come_in_the_order_of_their_closest_pair_and_are_few(shelf, write, work, bob):
    for number in range(7):
        write(f"Baking day {number}", f"{BREAD} It was day {number} of {number + 2}.")
    work()
    first, *others = found(shelf[0], bob)
    assert len(others) == related.SHOWN - 1
    assert first.title.startswith("Baking day")


def test_a_note_without_text_is_close_by_its_title(shelf, write, work, bob):
    titled = write("Flour, water and salt make a loaf of bread", "")
    work()
    (one,) = [one for one in found(titled, bob) if one.title == "Loaves"]
    assert one.ours == "" and one.theirs == BREAD


def test_a_page_asks_once_more_than_without(shelf, bob_client, monkeypatch):
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(bob_client, shelf[1])
        return len(asked)

    count()
    with_panel = count()
    monkeypatch.setattr(extensions, "panels", [])
    assert count() == with_panel - 1


def test_a_walk_of_the_graph_finds_the_same(shelf, bob, monkeypatch):
    _, sea, _ = shelf
    compared = found(sea, bob)
    with connection.cursor() as cursor:
        cursor.execute(
            hnsw.MAKE.replace(" CONCURRENTLY", "").format(graph="walked", table=active().table)
        )
    EncoderIndex.objects.update(has_graph=True)
    monkeypatch.setattr(related, "MAX_READ", 0)
    assert active().has_graph and found(sea, bob) == compared


def test_what_is_usual_is_learnt_from_the_closest_passages_of_two_notes(shelf, write, work):
    write("Gates again", f"{GATES}\nSomething about harbours and ferries on quiet Mondays.\n")
    work()
    index, encoder = index_build.active()
    calibration.calibrate(index, encoder)
    pairs = active().closeness["pairs"]
    assert active().closeness["notes"] == 4 and len(pairs) == 101
    # Six pairs: two copies of one passage, and others that share nothing.
    assert pairs == sorted(pairs) and pairs[100] > 0.8 and pairs[0] < 0.2
