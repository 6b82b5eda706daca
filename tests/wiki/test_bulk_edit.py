"""Changing many notes of a list: tags and readers, in one step that can be taken back."""

import re
import threading
from dataclasses import replace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import signed_in
from wiki.integrity import heads
from wiki.models import Note, NoteHtml, NoteWords, Revision, TagChange, VisibilityChange
from wiki.search import retrieval
from wiki.search.query import parse

pytestmark = pytest.mark.django_db


@pytest.fixture
def notes(alice, fields):
    return [
        Note.objects.write(fields(title=f"Kestrel {i}", tags=("one", f"t{i}")), owner=alice)
        for i in range(4)
    ]


def send(client, query="", **said):
    return client.post(f"/notes/change/{query}", said, follow=True)


def shown(reply):
    return " ".join(re.sub("<[^>]*>", " ", reply.content.decode()).split())


def state(note):
    fresh = Note.objects.cards().get(pid=note.pid)
    return [tag.name for tag in fresh.shown_tags()], fresh.visibility, fresh.head.number


def undo(client):
    page = client.get("/tidying/").content.decode()
    return client.post(re.search(r'action="(/tidying/\w+/\d+/undo/)"', page)[1], follow=True)


def confirm(client, asked):
    """Press the button of the question."""
    html = asked.content.decode()
    said = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))
    return client.post("/notes/change/", {**said, "sure": "1"}, follow=True)


def sound():
    """Tell whether what is derived fits: columns, tags, HTML, and who finds what."""
    audiences = NoteWords.objects.values_list("note__visibility", "note__owner", "audience")
    fits = all(found == (0 if who == "public" else owner) for who, owner, found in audiences)
    return fits and not list(heads.problems())


def test_ticked_notes_get_and_lose_tags_in_one_step(alice_client, notes):
    chosen = [str(note.pid) for note in notes[:2]]
    reply = send(alice_client, pid=chosen, add="new t1", remove="ONE")
    assert "Changed the tags of 2 of the chosen notes." in shown(reply)
    assert "added new t1 , took away ONE" in shown(reply)
    tags = [sorted(state(note)[0]) for note in notes]
    assert tags == [["new", "t0", "t1"], ["new", "t1"], ["one", "t2"], ["one", "t3"]]
    assert all(state(note)[2] == 0 for note in notes) and sound()
    assert "Undone on 2 notes." in shown(undo(alice_client))
    assert [sorted(state(note)[0]) for note in notes[:2]] == [["one", "t0"], ["one", "t1"]]
    assert sound()


def test_all_that_fit_the_filter_are_changed_and_no_others(alice_client, bob, notes, fields):
    theirs = Note.objects.write(fields(title="Kestrel of bob", tags=("t1",)), owner=bob)
    send(alice_client, "?tags=t1&text=Kestrel", every="1", add="picked")
    tagged = Note.objects.filter(note_tags__tag__slug="picked")
    assert list(tagged) == [notes[1]] and state(theirs)[0] == ["t1"]
    send(alice_client, "", every="1", add="all_of_mine")
    assert set(Note.objects.filter(note_tags__tag__slug="all_of_mine")) == set(notes)


def test_nobody_changes_what_is_not_theirs(bob_client, client, staff, notes, secret):
    for pid in (notes[0].pid, secret.pid, 10**15):
        reply = send(bob_client, pid=str(pid), add="x", remove="one")
        assert reply.status_code == 422 and "None of your notes was chosen" in shown(reply)
    assert send(client, pid=str(notes[0].pid), add="x").status_code in (200, 403)
    assert not TagChange.objects.exists()
    send(signed_in(staff), pid=str(notes[0].pid), add="x")
    assert "x" in state(notes[0])[0]


def test_publishing_asks_first_and_names_the_counts(alice_client, client, alice, notes, fields):
    said = fields(title="Hidden", body="Canary.\n", visibility="private")
    hidden = Note.objects.write(said, owner=alice)
    hidden.save_revision(replace(said, body="A kestrel.\n"), base=0, author=alice)
    chosen = [str(hidden.pid), str(notes[0].pid)]
    asked = send(alice_client, pid=chosen, readers="public", add="x")
    assert "Show 1 note to everyone?" in shown(asked)
    assert "2 notes chosen; 1 of them is private now" in shown(asked)
    assert "1 text that only you can read now can be read by everybody" in shown(asked)
    assert "Earlier private revisions of 1 of these notes stay yours alone." in shown(asked)
    assert client.get(hidden.get_absolute_url()).status_code == 404
    assert not TagChange.objects.exists()
    done = confirm(alice_client, asked)
    assert "Changed the tags of 2 and who reads 1 of the chosen notes." in shown(done)
    assert "A kestrel." in client.get(hidden.get_absolute_url()).content.decode()
    assert client.get(f"{hidden.get_absolute_url()}r/1/").status_code == 404
    assert state(hidden)[1:] == ("public", 2) and state(notes[0])[2] == 0
    assert sound()


def test_who_reads_is_one_revision_a_note_and_comes_back(alice_client, client, notes):
    chosen = [str(note.pid) for note in notes[:3]]
    confirm(alice_client, send(alice_client, pid=chosen, readers="private"))
    assert [state(note)[1:] for note in notes] == [("private", 1)] * 3 + [("public", 0)]
    head = Revision.objects.get(note=notes[0], number=1)
    assert head.sha256 == head.digest() and head.author_name == "alice" and head.base == 0
    assert client.get(notes[0].get_absolute_url()).status_code == 404
    assert NoteHtml.objects.get(note=notes[0]).revision == head
    assert found_by(AnonymousUser()) == {notes[3].pid} and sound()
    assert "Undone on 3 notes." in shown(undo(alice_client))
    assert [state(note)[1:] for note in notes] == [("public", 2)] * 3 + [("public", 0)]
    assert found_by(AnonymousUser()) == {note.pid for note in notes} and sound()


def found_by(reader):
    found = retrieval.retrieve(parse("kestrel"), Note.objects.visible_to(reader), 50)
    return {hit.pid for hit in found.hits}


def test_tags_changed_elsewhere_stay_when_readers_change(alice_client, alice, notes):
    TagChange.objects.rename("one", "uno", author=alice)
    confirm(alice_client, send(alice_client, pid=str(notes[0].pid), readers="private"))
    assert state(notes[0]) == (["uno", "t0"], "private", 1) and sound()


def test_an_undo_leaves_alone_what_was_saved_since(alice_client, alice, notes):
    chosen = [str(note.pid) for note in notes[:2]]
    confirm(alice_client, send(alice_client, pid=chosen, readers="private"))
    fresh = Note.objects.cards().get(pid=notes[0].pid)
    fields = replace(fresh.current_fields(), body="More.\n")
    fresh.save_revision(fields, base=1, author=alice)
    assert "Undone on 1 note. 1 note changed since" in shown(undo(alice_client))
    assert state(notes[0])[1] == "private" and state(notes[1])[1] == "public"


@pytest.mark.parametrize(
    "said",
    [{}, {"add": "x" * 101}, {"readers": "nobody"}, {"add": " ".join(f"a{i}" for i in range(99))}],
)
def test_what_cannot_be_done_changes_nothing_and_says_why(alice_client, notes, said):
    reply = send(alice_client, every="1", **said)
    assert reply.status_code == 422 and "Nothing was changed" in shown(reply)
    assert not TagChange.objects.exists() and state(notes[0])[0] == ["one", "t0"]


def test_boxes_stand_before_ones_own_notes_where_one_chooses(
    alice_client, bob_client, client, notes, secret
):
    assert 'name="pid"' not in alice_client.get("/").content.decode()
    page = alice_client.get("/?choose=1&tags=one").content.decode()
    assert page.count('name="pid"') == 4 and "all 4 that fit this filter" in shown_text(page)
    assert 'name="pid"' not in bob_client.get("/?choose=1").content.decode()
    assert 'id="many"' not in client.get("/?choose=1").content.decode()
    assert "choose=1" not in client.get("/").content.decode()


def shown_text(html):
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_it_asks_as_often_for_40_notes_as_for_4(alice_client, alice, notes, fields):
    counts = []
    for _ in range(2):
        for readers in ("private", "public"):
            with CaptureQueriesContext(connection) as asked:
                send(alice_client, every="1", readers=readers, sure="1", add=f"n{len(counts)}")
            counts.append(len(asked))
        for i in range(36):
            Note.objects.write(fields(title=f"More {i}", tags=("one",)), owner=alice)
    assert counts[0] == counts[2] and counts[1] == counts[3]
    assert VisibilityChange.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_who_change_the_same_notes_wait_and_never_lock_each_other_out(alice, staff, fields):
    made = [
        Note.objects.write(fields(title=f"N {i}", tags=("one",)), owner=alice) for i in range(30)
    ]
    pids = [note.pid for note in made]
    troubles = []

    def change(person, order, tag):
        try:
            for _ in range(3):
                chosen = Note.objects.filter(pid__in=pids).order_by(order)
                TagChange.objects.retag(chosen, [tag], [], author=person)
                VisibilityChange.objects.change(chosen, "private", author=person)
                VisibilityChange.objects.change(chosen, "public", author=person)
        except Exception as error:
            troubles.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=change, args=(alice, "pid", "a")),
        threading.Thread(target=change, args=(staff, "-pid", "b")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert {tuple(sorted(state(note)[0])) for note in made} == {("a", "b", "one")} and sound()


def test_the_rows_themselves_are_guarded(bob, notes):
    everything = Note.objects.all()
    assert TagChange.objects.retag(everything, ["x"], [], author=bob).count == 0
    assert VisibilityChange.objects.change(everything, "private", author=bob).count == 0
    assert state(notes[0]) == (["one", "t0"], "public", 0)
