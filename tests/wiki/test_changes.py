"""Recent changes, as each reader sees them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.wiki.page_text import page
from wiki.models import Note, Revision

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 23, 58, tzinfo=UTC)


def numbers(client, url="/changes/"):
    """Return the revisions the page lists, as `pid/number`."""
    html = client.get(url).content.decode()
    return re.findall(r'href="/notes/(\d+)/r/(\d+)/"', html)


def revise(note, fields, number, **said):
    note.save_revision(
        fields(body=f"text {number}\n", **said),
        base=number - 1,
        author=note.owner,
        summary=f"s{number}",
    )


def test_a_save_tells_who_when_what_and_where_to_compare(client, note, fields):
    revise(note, fields, 1)
    Revision.objects.filter(note=note, number=1).update(created=START)
    text = page(client, "/changes/")
    assert "Attention s1 03-01-2026 23:58 gmt [1] by alice · diff to [0]" in text.all
    links = {said: attrs["href"] for attrs, said in text.links()}
    assert links["[1]"] == f"/notes/{note.pid}/r/1/"
    assert links["diff to [0]"] == f"/notes/{note.pid}/diff/0/1/"
    assert client.get(links["diff to [0]"]).status_code == 200
    assert {"href": "/changes/", "aria-current": "page"} in text.named("a")


def test_a_save_that_no_person_typed_says_what_made_it(client, note, fields):
    revise(note, fields, 1)
    Revision.objects.filter(note=note, number=1).update(source="restore")
    text = page(client, "/changes/")
    assert "gmt [1] by alice · restore · diff to [0]" in text.all
    assert "gmt [0] by alice · new note" in text.all


def test_a_summary_stands_in_history_and_on_the_revision_too(client, note, fields):
    revise(note, fields, 1)
    assert "s1" in page(client, f"/notes/{note.pid}/history/").nodes
    assert "person, by alice: “s1”" in page(client, f"/notes/{note.pid}/r/1/").all


def test_days_are_those_of_gmt_and_the_order_is_stable(client, note, fields):
    for number in range(1, 5):
        revise(note, fields, number)
    for number, minutes in enumerate([0, 0, 0, 3, 3]):
        when = START + timedelta(minutes=minutes)
        Revision.objects.filter(note=note, number=number).update(created=when)
    text = page(client, "/changes/")
    days = [node for node in text.nodes if re.fullmatch(r"\d\d-\d\d-\d{4}", node)]
    assert days == ["03-02-2026", "03-01-2026"]
    assert [number for _, number in numbers(client)] == ["4", "3", "2", "1", "0"]


def test_others_see_nothing_of_private_notes_and_revisions(
    client, bob_client, alice_client, note, secret, fields
):
    revise(note, fields, 1, visibility="private")
    revise(note, fields, 2)
    revise(note, fields, 3)
    for reader in (client, bob_client):
        assert numbers(reader) == [(str(note.pid), n) for n in ("3", "2", "0")]
        text = page(reader, "/changes/")
        assert "canary" not in text.all.lower() and "s1" not in text.all.split()
        assert "3 saved revisions" in text.all
        # The revision before [2] is private, so there is nothing to compare with.
        assert [said for _, said in text.links() if said.startswith("diff")] == ["diff to [2]"]
    assert len(numbers(alice_client)) == 5


def test_a_note_made_private_or_trashed_takes_its_changes_along(client, alice_client, note, fields):
    revise(note, fields, 1, visibility="private")
    assert numbers(client) == [] and len(numbers(alice_client)) == 2
    assert "Every save of a note you may read is listed here" in page(client, "/changes/").all
    note.move_to_trash(note.owner)
    assert numbers(alice_client) == []


def test_a_revision_whose_text_nobody_knows_was_not_saved_here(client, note, fields):
    revise(note, fields, 1)
    Revision.objects.filter(note=note, number=0).update(body=None, source="import")
    assert numbers(client) == [(str(note.pid), "1")]
    assert "diff to" not in page(client, "/changes/").all


def test_changes_are_paged(client, alice, fields):
    for number in range(51):
        Note.objects.write(fields(title=f"Note {number}"), owner=alice)
    first, second = numbers(client), numbers(client, "/changes/?page=2")
    assert (len(first), len(second)) == (50, 1) and not set(first) & set(second)
    assert "1 to 50 of 51" in page(client, "/changes/").all


def test_very_old_changes_stand_only_in_their_notes_history(client, note, fields, monkeypatch):
    for number in range(1, 4):
        revise(note, fields, number)
    monkeypatch.setattr("wiki.views.changes.MAX_CHANGES", 3)
    assert [number for _, number in numbers(client)] == ["3", "2", "1"]
    assert "older ones stand in the history of their note" in page(client, "/changes/").all
    monkeypatch.setattr("wiki.views.changes.MAX_CHANGES", 5)
    assert "older ones" not in page(client, "/changes/").all
