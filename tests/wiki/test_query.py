"""Parsing of queries."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser

from wiki.fields import Fields
from wiki.models import Note
from wiki.search.query import MAX_QUERY_LENGTH, parse
from wiki.search.retrieval import retrieve
from wiki.views.search_sentences import problem_sentence


@pytest.fixture
def notes(alice):
    def write(title, body, tags=(), ref="", type="note", visibility="public"):
        fields = Fields(title, body, ref, type, tags, visibility)
        return Note.objects.write(fields, owner=alice)

    write("Attention is all you need", "A network of attention.", ("NLP",), "Vaswani-2017", "paper")
    write("Pay attention to MLPs", "A gate: $Z_1 \\odot W$.", ("NLP", "Quoc_Le"), "Liu-2021")
    write("Shell", "Use `--quiet` and $5 or $10 with pg_trgm. All networks need you.", ("unix",))
    write("Diary", "networks of all kinds", visibility="private")
    return alice


def titles(typed, reader=None):
    found = retrieve(parse(typed), Note.objects.visible_to(reader or AnonymousUser()), 10)
    names = Note.objects.in_bulk([hit.pid for hit in found.hits])
    return [names[hit.pid].title.split()[0] for hit in found.hits]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("networks", ["Attention", "Shell"]),
        ('"network of attention"', ["Attention"]),
        ('"all you need"', ["Attention"]),
        ("network -attention", ["Shell"]),
        ('network -"network of attention"', ["Shell"]),
        ("attention tag:nlp -tag:quoc", ["Attention"]),
        ("tag:nlp", ["Pay", "Attention"]),
        ("-tag:nlp", ["Shell"]),
        ('tag:"quoc le"', ["Pay"]),
        ("type:paper", ["Attention"]),
        ("-type:paper", ["Shell", "Pay"]),
        ("ref:vaswani", ["Attention"]),
        ("after:2020 networks", ["Attention", "Shell"]),
        ("before:2020 networks", []),
        ("in:title attention", ["Attention", "Pay"]),
        ("in:title network", []),
        ("has:math", ["Pay"]),
        ("-has:math networks", ["Attention", "Shell"]),
        ("is:private", []),
        ("--quiet", ["Shell"]),
        ('"pg_trgm"', ["Shell"]),
        ("pg_trgm", ["Shell"]),
        (r"Z_{ 1 }\odot W", ["Pay"]),
        ("ATTENTION IS ALL YOU NEED", ["Attention", "Pay", "Shell"]),
        ("", []),
        ("gobbledygook", []),
        ("the of", []),
    ],
)
def test_operators(notes, typed, expected):
    assert titles(typed) == expected


@pytest.mark.django_db
def test_an_owner_finds_private_notes_too(notes):
    assert titles("is:private", notes) == ["Diary"]
    assert titles("networks -is:private", notes) == titles("networks")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("type:book", "the types are note, paper, demo"),
        ("before:tomorrow", "2021-08"),
        ("after:2021-13", "2021-08"),
        ("is:secret", "is:private or is:public"),
        ("has:cats", "has:math"),
        ("in:body x", "in:title"),
        ("the of and", "nearly every text"),
        ("word " * MAX_QUERY_LENGTH, "first 2,000 characters"),
    ],
)
def test_what_is_not_understood_is_a_problem_and_looked_for_as_words(typed, sentence):
    query = parse(typed)
    assert sentence in problem_sentence(query.problems[0])
    assert "book" in query.text or "type" not in typed


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    ["'", '"', '"' * 500, "\\", "-", "--", '-"', "tag:", 'tag:"', "a:b:c", "& | ! <-> :* ()", "\0",
     "%", "%s", "\ud7ff", "(((((", "'; drop table x", "\ufdd0", "tag:\0", 'ref:"%"'],
)  # fmt: skip
def test_odd_queries_are_answered(notes, typed):
    titles(typed)


@pytest.mark.django_db
def test_a_phrase_that_no_note_has_is_relaxed_to_its_words(notes):
    readable = Note.objects.visible_to(AnonymousUser())
    assert titles('"attention of network"') == ["Attention", "Pay", "Shell"]
    assert retrieve(parse('"attention of network"'), readable, 10).is_phrase_relaxed
    assert not retrieve(parse('"network of attention"'), readable, 10).is_phrase_relaxed
    assert titles('"gobbledygook network" tag:unix') == ["Shell"]


def test_dates_begin_the_year_the_month_the_day():
    from wiki.search.conditions import _moment

    assert _moment("2021") == datetime(2021, 1, 1, tzinfo=UTC)
    assert _moment("2021-8-5") == datetime(2021, 8, 5, tzinfo=UTC)
