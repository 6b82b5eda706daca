"""What a writer hid is not embedded, and no answer by meaning quotes it."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection

from mlhooks import gateway
from mlhooks.models import EncoderIndex, IndexedNote, NoteBlocks, Passage, SplitNote
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from tests.mlhooks.indexes.test_related import SOURDOUGH, learn
from tests.wiki.world import number_from
from wiki.markup import as_read
from wiki.models import Note

FIRST = 9_201
HIDDEN = "%%\n# Canary heading\n\nThe canary was baked in a hot pot with salt and water.\n%%\n\n"
SEA = SOURDOUGH.replace("A sourdough", "A %%canary%% sourdough")
BODIES = {"Loaves": HIDDEN + BREAD + "\n", "A year by the sea": SEA, "Gates": HIDDEN + GATES}

pytestmark = pytest.mark.django_db


def shelf(write, work, shown):
    """Write the notes, with comments or as if they had none, and read them."""
    Note.objects.all().delete()
    number_from(FIRST)
    for title, body in BODIES.items():
        write(title, as_read(body) if shown else body)
    work()
    learn(0.4)


def kept():
    """Return the passages of each note, with their vectors."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT passage.note, start, "end", heading, sha256, vector::text, sentences'
            f" FROM {active().table} AS kept JOIN mlhooks_passage AS passage"
            " ON passage.id = kept.passage ORDER BY 1, 2"
        )
        return cursor.fetchall()


def answers(client, asked):
    found = []
    for words in ("bread with salt", "canary"):
        asked(words)
        hits = client.get("/search/", {"q": words, "format": "json"}).json()["hits"]
        for hit in hits:
            hit["meaning"] and hit["meaning"].pop("indexed_at")
        found.append(hits)
    pages = [client.get(f"/notes/{FIRST + i}/").content.decode() for i in range(3)]
    return found, [page[page.index('<aside class="margin') :] for page in pages[:2]]


def test_meaning_is_that_of_a_notebook_without_comments(small, write, work, asked, client):
    shelf(write, work, shown=False)
    passages, said = kept(), answers(client, asked)
    assert "Related" in said[1][0] and "canary" not in str(said)
    for note in Note.objects.all():
        body = gateway.heads([note.pid])[note.pid].body
        for passage in Passage.objects.filter(note=note.pid):
            assert "canary" not in passage.heading.casefold()
            assert body[passage.start : passage.end].strip() == body[passage.start : passage.end]
    shelf(write, work, shown=True)
    assert kept() == passages
    assert answers(client, asked) == said


def test_an_edit_of_a_comment_alone_embeds_nothing(small, write, work, alice):
    note = write("Loaves", BREAD)
    work()
    before = kept()
    said = note.current_fields()
    changed = said.__class__(said.title, HIDDEN + BREAD, "", "note", (), "public")
    note.save_revision(changed, base=0, author=alice)
    assert gateway.body_of(note.pid, 1) == BREAD
    [job] = work()
    assert kept() == before and job.result["embedded"] == 0
    again = said.__class__(said.title, HIDDEN * 2 + BREAD, "", "note", (), "public")
    Note.objects.get().save_revision(again, base=1, author=alice)
    work()
    assert kept() == before


def test_what_earlier_versions_read_in_comments_is_forgotten(small, write, work):
    shelf(write, work, shown=False)
    plain = write("Plain", BREAD)
    work()
    migration = import_module("mlhooks.migrations.0003_what_writers_hid")
    migration.forget(None, SimpleNamespace(connection=connection))
    for model in (Passage, SplitNote, IndexedNote, NoteBlocks):
        assert set(model.objects.values_list("note", flat=True)) == {plain.pid}
    assert {pid for pid, *_ in kept()} == {plain.pid}
    assert gateway.not_current(EncoderIndex.objects.get()).count() == 3
