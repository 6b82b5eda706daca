"""Suggestions: prefix matches first, other matches last, and nothing that is hidden."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wiki.models import Note, Tag, TagAlias

pytestmark = pytest.mark.django_db


def titles(client, typed, **query):
    return [one["title"] for one in ask(client, typed, **query)["titles"]]


def tags(client, typed, **query):
    return [one["name"] for one in ask(client, typed, **query)["tags"]]


def ask(client, typed, **query):
    return client.get("/suggest/", {"q": typed, **query}).json()


@pytest.fixture
def write(alice, fields):
    def make(*names, **said):
        return [Note.objects.write(fields(title=name, **said), owner=alice) for name in names]

    return make


def test_titles_that_begin_so_come_first_then_words_then_parts(client, write):
    write("Reattending", "The attention", "Self-attention", "Attention B", "attention a", "Other")
    assert titles(client, "  ATTEN") == [
        "attention a",
        "Attention B",
        "Self-attention",
        "The attention",
        "Reattending",
    ]
    assert titles(client, "a") == ["attention a", "Attention B", "Self-attention", "The attention"]


def test_an_answer_says_what_was_asked_and_where_each_leads(client, write):
    (note,) = write("Attention", tags=("C++", "attention_head"))
    assert ask(client, "atten") == {
        "q": "atten",
        "titles": [{"pid": note.pid, "title": "Attention", "url": f"/notes/{note.pid}/"}],
        "tags": [{"name": "attention_head", "url": "/tags/attention_head/"}],
    }
    assert ask(client, "atten", kind="tag")["titles"] == []
    assert ask(client, "atten", kind="title")["tags"] == []


def test_what_is_changed_last_comes_first_among_words(client, write, alice, fields):
    first, _ = write("On attention", "Of attention")
    first.save_revision(fields(title="On attention", body="New.\n"), base=0, author=alice)
    assert titles(client, "attention") == ["On attention", "Of attention"]


def test_there_are_at_most_ten(client, write):
    write(*(f"Many {number}" for number in range(12)), tags=tuple(f"many_{i}" for i in range(12)))
    assert len(titles(client, "many")) == len(tags(client, "many")) == 10
    assert titles(client, "many")[:2] == ["Many 0", "Many 1"]


def test_tags_are_found_by_any_part_and_by_another_word(client, write):
    write("Note", tags=("Quoc_Le", "LeCun", "google", "apple", "unused-later"))
    assert tags(client, "le") == ["LeCun", "Quoc_Le", "apple", "google"]
    TagAlias.objects.create(
        slug="search_engine", name="search_engine", tag=Tag.objects.get(slug="google")
    )
    assert tags(client, "search") == ["google"]


@pytest.mark.parametrize("typed", ["", " ", "\0", "a\0b", "%", "_", "\\", "]]", "x" * 5000, "注意"])
def test_nothing_typed_breaks_it(client, write, typed):
    write("Attention", "100% of a_b \\ c", "自注意力")
    found = titles(client, typed)
    assert found == {"\\": ["100% of a_b \\ c"], "注意": ["自注意力"]}.get(typed, [])


def test_for_anonymous_it_is_the_same_with_and_without_hidden_notes(
    client, bob_client, alice_client, write
):
    write("Kestrel", "A kestrel", tags=("kestrel",))
    asked = ("k", "kes", "estr", "egg")
    before = [ask(client, typed) for typed in asked]
    hidden = write("Kes", "Kestrel egg", "The kestrel", visibility="private", tags=("kes_egg",))
    (gone,) = write("Kestrel gone", tags=("kes_gone",))
    gone.move_to_trash(gone.owner)
    assert [ask(client, typed) for typed in asked] == before
    assert [ask(bob_client, typed) for typed in asked] == before
    assert titles(alice_client, "kes")[:3] == ["Kes", "Kestrel", "Kestrel egg"]
    assert tags(alice_client, "kes") == ["kes_egg", "kestrel"]
    assert hidden


def test_it_asks_as_often_for_many_notes_as_for_few(client, write):
    counts = []
    for _ in range(2):
        write(*(f"The word {number}" for number in range(6)), tags=("the_word",))
        with CaptureQueriesContext(connection) as asked:
            ask(client, "word")
        counts.append(len(asked))
    assert max(counts) <= 6
