"""Spelling correction and prefix matches, among words of notes that the reader may read."""

import pytest
from django.contrib.auth.models import AnonymousUser

from wiki.fields import Fields
from wiki.models import Note
from wiki.search.prefix_matches import expand_prefix
from wiki.search.spelling import correction

pytestmark = pytest.mark.django_db

TEXT = "Attention to transformers: embeddings, recurrence, accommodated perceptrons, ResNet."


def write(owner, title, body, visibility="public"):
    return Note.objects.write(Fields(title, body, "", "note", (), visibility), owner=owner)


@pytest.fixture
def readable(alice):
    write(alice, "Words", TEXT)
    return Note.objects.visible_to(AnonymousUser())


@pytest.mark.parametrize(
    ("typed", "correct"),
    [
        ("atention", "Attention"),
        ("attenttion", "Attention"),
        ("attnetion", "Attention"),
        ("sttention", "Attention"),
        ("transformrs", "transformers"),
        ("tranformres", "transformers"),
        ("acomodated", "accommodated"),
        ("recurence", "recurrence"),
        ("perzeptronz", "perceptrons"),
        ("resnte", "ResNet"),
        ("embeding", "embeddings"),
        ("xy", ""),
        ("zzzzzz", ""),
        ("1234", ""),
        ("a" * 500, ""),
        ("неттакого", ""),
        ("部落格の注意力機制", ""),
    ],
)
def test_one_error_or_two(readable, typed, correct):
    assert correction(typed, readable) == correct


def test_the_same_first_letter_comes_before_a_frequent_word(alice):
    for i in range(5):
        write(alice, f"A {i}", "form")
    write(alice, "B", "dorms")
    assert correction("dorrm", Note.objects.visible_to(alice)) == "dorms"


def test_the_more_frequent_word_comes_first(alice):
    write(alice, "A", "gates")
    for i in range(2):
        write(alice, f"B {i}", "games")
    assert correction("gales", Note.objects.visible_to(alice)) == "games"


def test_words_of_notes_one_may_not_read_are_not_suggested(alice, bob):
    write(alice, "A", "kestrel", "private")
    assert correction("kestrl", Note.objects.visible_to(alice)) == "kestrel"
    for reader in (bob, AnonymousUser()):
        assert correction("kestrl", Note.objects.visible_to(reader)) == ""
        for half in ("kest", "kestreli"):
            assert expand_prefix(half, Note.objects.visible_to(reader)) == {}
    assert set(expand_prefix("kestreli", Note.objects.visible_to(alice))) == {"kestrel"}


def test_how_often_others_privately_use_a_word_says_nothing(alice):
    write(alice, "A", "gates")
    write(alice, "B", "games")
    for i in range(5):
        write(alice, f"C {i}", "gates", "private")
    assert correction("gales", Note.objects.visible_to(alice)) == "gates"
    assert correction("gales", Note.objects.visible_to(AnonymousUser())) == "games"


def test_what_is_suggested_is_written_so_somewhere(readable):
    """`attent` is a lexeme and no word; its word is not at the distance of one error."""
    assert correction("attennt", readable) == ""


def test_half_a_word_becomes_words(readable):
    def lexemes(typed):
        return set(expand_prefix(typed, readable))

    assert lexemes("trans") == {"transform"}
    assert lexemes("attentio") == {"attent"}
    assert lexemes("ResN") >= {"resnet"}
    assert lexemes("zz") == lexemes("") == lexemes("$") == lexemes("atention") == set()
