"""BM25: the order of the hits, which private notes of others do not change."""

import pytest
from django.contrib.auth.models import AnonymousUser

from wiki.fields import Fields
from wiki.models import Note, NoteWords, Posting, index_rebuild
from wiki.search import bm25
from wiki.search.query import parse

pytestmark = pytest.mark.django_db


def write(owner, title, body, visibility="public"):
    return Note.objects.write(Fields(title, body, "", "note", (), visibility), owner=owner)


def found(text, reader=None, notes=None):
    readable = Note.objects.visible_to(reader or AnonymousUser())
    return bm25.rank(parse(text), notes(readable) if notes else readable, 10)


def pids(ranking):
    return [hit.pid for hit in ranking.hits]


def test_a_note_is_found_by_another_form_of_a_word(alice):
    note = write(alice, "Relational networks", "They generalise.")
    assert pids(found("network generalising")) == [note.pid]


def test_a_rare_word_counts_more_and_a_title_twice(alice):
    body = write(alice, "A", "gradient descent with momentum")
    title = write(alice, "Momentum", "gradient of something longer than that")
    others = [write(alice, f"Gradient {i}", "gradient") for i in range(5)]
    assert pids(found("momentum")) == [title.pid, body.pid]
    assert pids(found("gradient momentum"))[:2] == [title.pid, body.pid]
    assert found("gradient").total == 2 + len(others)


def test_private_notes_are_their_owners_and_change_nothing_for_others(alice, bob, staff):
    write(alice, "Attention", "attention is a weighted mean")
    write(alice, "Mean", "the mean of means, attention apart")
    before = found("attention mean")
    for i in range(30):
        write(bob, f"Secret {i}", "attention attention mean " * (i + 1), "private")
    assert found("attention mean") == before
    assert found("attention mean", alice) == before
    assert found("attention mean", bob).total == found("attention mean", staff).total == 32
    assert found("secret").total == 0
    assert found("secret", bob).total == 30


def test_a_note_made_private_or_deleted_is_gone_from_the_next_search(alice):
    note = write(alice, "Attention", "attention")
    other = write(alice, "Other", "attention here too")
    fields = note.current_fields()
    private = Fields(fields.title, fields.body, "", "note", (), "private")
    note.save_revision(private, base=0, author=alice)
    assert pids(found("attention")) == [other.pid]
    assert pids(found("attention", alice)) == [note.pid, other.pid]
    other.move_to_trash(alice)
    assert pids(found("attention")) == []
    assert not Posting.objects.filter(note=other).exists()
    other.undelete()
    assert pids(found("attention")) == [other.pid]


def test_an_edit_replaces_the_words(alice):
    note = write(alice, "A", "perceptron")
    note.save_revision(Fields("A", "transformer", "", "note", (), "public"), base=0, author=alice)
    assert pids(found("perceptron")) == []
    assert pids(found("transformer")) == [note.pid]


def test_narrowed_notes_are_ranked_as_if_all_were_there(alice):
    first, second = write(alice, "A", "gate gate"), write(alice, "B", "gate")
    everything = {hit.pid: hit.score for hit in found("gate").hits}
    narrowed = found("gate", notes=lambda notes: notes.filter(title="B"))
    assert {hit.pid: hit.score for hit in narrowed.hits} == {second.pid: everything[second.pid]}
    assert narrowed.total == 1 and first.pid in everything


def test_what_the_index_lacks_is_made_again(alice):
    note = write(alice, "A", "perceptron")
    NoteWords.objects.all().delete()
    Posting.objects.all().delete()
    assert index_rebuild.bring_up_to_date() == 1
    assert pids(found("perceptron")) == [note.pid]
    assert index_rebuild.bring_up_to_date() == 0


def test_another_language_is_another_index(alice, settings):
    write(alice, "A", "les réseaux neuronaux")
    settings.WIKI_LANGUAGE = "french"
    assert found("réseau").total == 0
    assert index_rebuild.bring_up_to_date() == 1
    assert found("réseau").total == 1
