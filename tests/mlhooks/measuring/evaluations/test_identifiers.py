"""`evaluate identifiers`: which words are names, who has them, and what counts as found."""

import pytest

from mlhooks.measuring.evaluations import identifiers
from wiki.measuring.evaluations.notebook import NothingToEvaluate
from wiki.search.retrieval import Retrieval


def test_names_are_told_from_words_and_belong_to_whoever_has_them():
    found = identifiers.rare_names(
        {
            "a": "Run sqlite-utils with --no-cache and python3. Nothing else is a name. (pg_trgm)",
            "b": "The sqlite-utils again; parseTree, v1.2.3, well.",
            "c": "Plain text, with nothing: neither a-, -b nor end.",
            "d": "PG_TRGM and my-pg_trgm.control are the same.",
        }
    )
    assert {name: set(having) for name, having in found.items()} == {
        "sqlite-utils": {"a", "b"},
        "--no-cache": {"a"},
        "python3": {"a"},
        "PG_TRGM": {"a", "d"},
        "parseTree": {"b"},
        "v1.2.3": {"b"},
        "my-pg_trgm.control": {"d"},
    }


def test_a_name_that_many_notes_have_is_none_even_as_a_part():
    notes = {str(number): f"item-{number} of gpt2" for number in range(3)}
    assert "gpt2" in identifiers.rare_names(notes)
    assert "gpt2" not in identifiers.rare_names({**notes, "4": "the gpt2.bin file"})


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_note_with_the_name_has_to_be_in_front(options, monkeypatch):
    docs = {f"filler{number}": "Text on rivers" + number * "!" for number in range(5)}
    made = options({**docs, "one": "Use pg_trgm here.", "two": "A river, and unaccent.control."})
    result = identifiers.run(made)
    assert (result["queries"], result["in_top_3"], result["misses"]) == (2, 1, [])
    monkeypatch.setattr(identifiers, "retrieve", lambda *args: Retrieval())
    result = identifiers.run(made | {"cases": 1})
    assert (result["queries"], result["in_top_3"]) == (1, 0)
    assert result["misses"][0]["found"] == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_name_inside_of_something_longer_is_counted_apart(options):
    result = identifiers.run(
        options({"one": "Use pg_trgm here.", "two": "See lib/pg_trgm.c, too."})
    )
    # pg_trgm, which two has only in a path, and pg_trgm.c itself.
    assert (result["queries"], result["inside"]["queries"]) == (0, 2)


@pytest.mark.parametrize(
    ("name", "text", "is_alone"),
    [
        ("x8c", r"bytes \x8c\x90", False),
        ("mod.ts", "https://deno.land/mod.ts", False),
        ("mod.ts", "See (mod.ts).", True),
        ("3.9", "python-3.9 and then 3.9, by itself", True),
        ("3.9", "v3.9", False),
        ("6cdb", "b'6cdb'", False),
        ("--key", "use --key=value", True),
        ("--key", "use --key-file", False),
    ],
)
def test_a_name_stands_alone_where_nothing_is_joined_to_it(name, text, is_alone):
    assert identifiers.stands_alone(name, text) == is_alone


def test_one_set_is_asked_for(options, tmp_path):
    made = options(name="sets/one")
    options(name="sets/two")
    with pytest.raises(NothingToEvaluate, match="2 sets"):
        identifiers.run(made | {"corpus": tmp_path / "sets"})
