"""A notebook of before: its tags keep the spelling they were shown with, where it was theirs."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from wiki.integrity import heads, tables
from wiki.models import Note, Tag, TagAlias, TagChange

pytestmark = pytest.mark.django_db

SPELLING, AUTHORS = ("wiki", "0020_note_tag_name"), ("wiki", "0021_tag_alias_author")


def migrate(*names):
    with connection.cursor() as cursor:
        # No table with open questions can be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    executor = MigrationExecutor(connection)
    executor.migrate(list(names))
    executor.loader.build_graph()
    return executor.loader


def before():
    """Return the migration that the first of ours builds on."""
    loader = MigrationExecutor(connection).loader
    return max(key for key in loader.graph.node_map[SPELLING].parents if key[0] == "wiki")


def run(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def write(fields):
    return lambda owner, *tags: Note.objects.write(fields(tags=tags), owner=owner)


@pytest.fixture
def old(alice, bob, write):
    """Give notes as they were kept when all notes shared the spelling of a tag."""
    notes = {
        "alices": write(alice, "Deep", "GMLP", "x"),
        "bobs": write(bob, "deep", "gmlp", "y"),
        "renamed": write(bob, "z", "old"),
    }
    TagChange.objects.rename("old", "New", author=bob)
    TagChange.objects.add_alias("nu", Tag.objects.get(slug="new"), author=bob)
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes("wiki")
    migrate(before())
    run("UPDATE wiki_tag SET name = 'GMLP' WHERE slug = 'gmlp'")
    # bob spelled it anew, on his notes; that was one change of the shared name.
    run("UPDATE wiki_tag SET name = 'DEEP' WHERE slug = 'deep'")
    run(
        "INSERT INTO wiki_tagchange (kind, old, new, author_id, created, steps)"
        " VALUES ('rename', 'deep', 'DEEP', %s, %s, '{}')",
        bob.pk,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    migrate(*leaves)
    return notes


def tags_of(note):
    return [tag.name for tag in Note.objects.get(pid=note.pid).shown_tags()]


def test_tags_keep_the_spelling_of_their_note(old, bob):
    assert tags_of(old["alices"]) == ["Deep", "GMLP", "x"]
    assert tags_of(old["bobs"]) == ["DEEP", "gmlp", "y"]
    assert tags_of(old["renamed"]) == ["z", "New"]
    assert TagAlias.objects.get().author == bob and TagAlias.objects.get().is_public
    assert not list(heads.problems()) and not list(tables.problems())
    TagChange.objects.undo(TagChange.objects.get(new="DEEP"), author=bob)
    TagChange.objects.undo(TagChange.objects.get(old="old"), author=bob)
    assert tags_of(old["bobs"]) == ["deep", "gmlp", "y"] and tags_of(old["renamed"]) == ["z", "old"]


def test_the_shared_spelling_comes_back_with_the_old_version(write, alice, bob):
    write(alice, "GMLP"), write(bob, "gmlp")
    Tag.objects.create(slug="ß" * 100)
    migrate(before())
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM wiki_tag ORDER BY slug")
        assert [name for (name,) in cursor] == ["GMLP", "ß" * 100]
