"""What a writer hid reaches nobody who may not edit the note, on no page and by no search.

The same notebook is written twice, with comments and without, and every answer compared.
"""

import re
from collections.abc import Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.wiki.world import number_from
from wiki import integrity
from wiki.fields import Fields
from wiki.markup import render
from wiki.models import Link, Note, NoteHtml, NoteWords, Posting, index_rebuild
from wiki.rendering import sandbox

pytestmark = pytest.mark.django_db

FIRST = 9_101
# Each text with its comments, and as if they had never been typed.
OPEN = [
    (
        "Open words %%canaryone [[Canary link]] ![[canary.png]]%% and more. See [[Other]].\n\n"
        "%%\ncanarytwo\n\n## Canary heading\n\n```\ncanary %% code\n```\n"
        "$canary$ #canary_tag\n%%\n\n"
        "## Heading\n\n`%%shown%%`, 100%% sure <!-- canarythree\n\n[[Third]] --> end.\n\n"
        "- a\n- b %%canaryfour%%\n\n> %%\n> canaryfive\n> %%\n> quoted\n\n"
        "| a | %%canary | six%% b |\n|---|---|\n\nnote[^1]\n\n[^1]: foot %%canaryseven%% note\n",
        "Open words and more. See [[Other]].\n\n"
        "## Heading\n\n`%%shown%%`, 100%% sure end.\n\n"
        "- a\n- b\n\n> quoted\n\n"
        "| a | b |\n|---|---|\n\nnote[^1]\n\n[^1]: foot note\n",
    ),
    ("Open words. %%canaryfirst words of many%%\n", "Open words.\n"),
    ("Open words twice. <!-- another canary → sentence -->\n", "Open words twice.\n"),
]
OTHER = ("Other says %%canary [[Open]] or so%% little.\n", "Other says little.\n")
LONG = ("%%\n" + "canary macaw " * 1_000 + "\n%%\n\nA long Macaw.\n", "A long Macaw.\n")
UNCLOSED = ("Seen.\n\n%% canary, and [[Open]]\n\ncanary on\n", "Seen.\n")


def write(alice: Any, which: int) -> None:
    """Write the notebook: with comments (0) or without (1)."""
    Note.objects.all().delete()
    number_from(FIRST)

    def fields(title: str, text: tuple[str, str]) -> Fields:
        return Fields(title, text[which], "", "note", ("open",), "public")

    note = Note.objects.write(fields("Open", OPEN[1]), owner=alice)
    note.save_revision(fields("Open", OPEN[2]), base=0, author=alice)
    note.save_revision(fields("Open", OPEN[0]), base=1, author=alice)
    for title, text in [("Other", OTHER), ("Long", LONG), ("Unclosed", UNCLOSED)]:
        Note.objects.write(fields(title, text), owner=alice)
    Note.objects.write(fields("Third", ("Third.\n", "Third.\n")), owner=alice)


ASKED = [
    *("canaryone", "canarytwo", "canaryseven", "canary", "cana", "canarx", "open", "words", "→"),
    *('"canary code"', '"of many"', '"words of"', "-canaryone open", "has:math", "in:title canary"),
    *("tag:canary_tag", "hidden words of many canaries", "end", '"words and"'),
]
PLACES = [
    *("/", "/print/", "/changes/", "/tags/", "/tags/open/", "/feed.atom", "/links/"),
    *("/links/orphans/", "/suggest/?q=canary", "/tags/canary_tag/", "/print/?text=canary"),
    *(f"/?text={quote(word)}" for word in ("canaryone", "cana", "→", "open")),
    *(f"/search/?q={quote(word)}" for word in ("canarx", "open", '"words and"', "macax")),
    *(f"/search/?format=json&q={quote(word)}" for word in ASKED),
    *(f"/search/?typing=1&q={quote(word)}" for word in ("cana", '"of ma')),
    *(f"/notes/{FIRST + i}/{what}" for i in range(5) for what in ("", "raw/")),
    *(f"/notes/{FIRST}/{what}" for what in ("print/", "history/", "r/0/", "r/1/", "r/2/")),
    *(f"/notes/{FIRST}/diff/{pair}/" for pair in ("0/1", "1/2", "2/0")),
    *(f"/notes/{FIRST}/{what}" for what in ("edit/", "restore/0/", "delete/")),
]
# Dates, and what is random or made of the whole text.
VARYING = re.compile(
    r"\d\d-\d\d-\d{4} \d\d:\d\d gmt|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?"
    r'|name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"'
)


def answers(reader: Client, places: Sequence[str] = PLACES) -> dict[str, tuple[int, str]]:
    replies = {place: reader.get(place) for place in places}
    return {
        place: (reply.status_code, VARYING.sub("·", reply.content.decode()))
        for place, reply in replies.items()
    }


def test_for_who_may_not_edit_a_note_its_comments_do_not_exist(client, alice, bob_client):
    # Signed in, a reader has the same pages but for the links to write; a third will do.
    readers = [(client, PLACES), (bob_client, PLACES[::3])]
    write(alice, 0)
    with_comments = [answers(*reader) for reader in readers]
    write(alice, 1)
    without = [answers(*reader) for reader in readers]
    for found, wanted in zip(with_comments, without, strict=True):
        assert [place for place in found if found[place] != wanted[place]] == []
    pages = {place: page for place, (_, page) in with_comments[0].items() if "cana" not in place}
    assert [place for place, page in pages.items() if re.search("(?i)canary", page)] == []
    assert "%%shown%%" in pages[f"/notes/{FIRST}/"]


def test_nothing_is_kept_of_a_comment_but_in_the_revision(alice):
    write(alice, 0)
    kept = [
        Posting.objects.order_by("note", "term").values_list("note", "term", "tf", "length"),
        NoteWords.objects.order_by("note").values_list("note", "length", "words"),
        NoteHtml.objects.order_by("note").values_list("note", "rendered"),
        Link.objects.order_by("note", "key").values_list("note", "key"),
    ]
    before = [list(rows.all()) for rows in kept]
    write(alice, 1)
    assert [list(rows.all()) for rows in kept] == before
    assert not NoteWords.objects.exclude(shown=None).exists()


def test_who_may_edit_keeps_them(alice, alice_client, staff_client):
    write(alice, 0)
    for writer in (alice_client, staff_client):
        assert writer.get(f"/notes/{FIRST}/raw/").content.decode() == OPEN[0][0]
        assert "canaryone" in writer.get(f"/notes/{FIRST}/edit/").content.decode()
        assert "canaryfirst" in writer.get(f"/notes/{FIRST}/diff/0/1/").content.decode()
        assert "sha256" in writer.get(f"/notes/{FIRST}/history/").content.decode()
        page = writer.get(f"/notes/{FIRST}/").content.decode()
        assert not re.search("(?i)canary", page)
        assert "7 comments in its text, which readers do not see" in page
    for note in Note.objects.all():
        assert note.head.sha256 == note.head.digest()


def test_a_comment_alone_is_a_revision_of_which_others_see_no_word(client, alice, alice_client):
    write(alice, 0)
    said = Note.objects.get(pid=FIRST).current_fields()
    changed = Fields(said.title, said.body + "\n%%canaryeight%%\n", "", "note", said.tags, "public")
    Note.objects.get(pid=FIRST).save_revision(changed, base=2, author=alice)
    page = client.get(f"/notes/{FIRST}/diff/2/3/").content.decode()
    assert "The text is the same in both." in page and "0 words added, 0 removed" in page
    assert "1 word added" in alice_client.get(f"/notes/{FIRST}/diff/2/3/").content.decode()


def test_the_preview_tells_the_writer_what_is_hidden(alice_client):
    typed = {"title": "T", "body": "Shown %%not this%%.\n\n<!-- nor\n\nthe rest\n"}
    page = alice_client.post("/notes/preview/", typed).content.decode()
    assert "2 comments that readers do not see" in page
    assert "line 3: it has no end, so it hides the rest of the note." in page
    assert page.index("Shown .") < page.index("%%not this%%") < page.index("the rest")


def test_a_text_too_long_to_be_set_is_shown_without_comments(client, alice, monkeypatch):
    monkeypatch.setattr("wiki.rendering.sandbox.MAX_CHARACTERS", 10)
    write(alice, 0)
    page = client.get(f"/notes/{FIRST}/").content.decode()
    assert "too long to be set" in page and "canary" not in page and "%%shown%%" in page


def test_staff_without_the_right_to_edit_see_no_comments_in_the_admin(client, alice, bob, staff):
    write(alice, 0)
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(codename="view_revision"))
    place = f"/admin/wiki/revision/{Note.objects.get(pid=FIRST).head.pk}/change/"
    client.force_login(bob)
    page = client.get(place).content.decode()
    assert "Open words and more." in page and "canary" not in page
    client.force_login(staff)
    assert "canaryone" in client.get(place).content.decode()


@pytest.fixture
def older(alice, monkeypatch):
    """The notebook as the version before has left it, which read comments like any words."""
    with monkeypatch.context() as before:
        for module in ("markup.markdown", "analysis.terms"):
            before.setattr(f"wiki.{module}.as_read", lambda body: body)
        before.setattr("wiki.analysis.terms.hidden", lambda body: ())
        # In this process, for a child would not know.
        before.setattr(sandbox, "render", render)
        write(alice, 0)
    NoteHtml.objects.update(renderer="6")
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE wiki_notewords IS 'english 2'")
    assert Link.objects.filter(note=FIRST, key="canary link").exists()


def test_an_older_notebook_forgets_what_it_made_of_comments(older, client, alice):
    migration = import_module("wiki.migrations.0026_what_writers_hid")
    migration.forget_derived(None, SimpleNamespace(connection=connection))
    assert not Posting.objects.filter(note=FIRST).exists()
    assert Posting.objects.filter(note=FIRST + 4).exists()
    index_rebuild.bring_up_to_date()
    places = [place for place in PLACES if "canary" in place or f"notes/{FIRST}" in place]
    upgraded = answers(client, places)
    assert Link.objects.filter(note=FIRST).count() == 1
    call_command("verify_integrity")
    write(alice, 0)
    assert upgraded == answers(client, places)


def test_verify_integrity_looks_at_the_text_that_is_searched(alice):
    write(alice, 0)
    assert integrity.verify().as_json()["problems"] == []
    NoteWords.objects.filter(note=FIRST).update(shown="canary")
    NoteWords.objects.filter(note=FIRST + 1).update(shown=None)
    found = integrity.verify().as_json()["problems"]
    assert [(one["check"], one["pid"]) for one in found] == [("index", FIRST), ("index", FIRST + 1)]


def test_without_the_migration_an_index_of_an_older_version_is_made_again(older, client):
    """As after a restore of rows alone."""
    assert Note.objects.containing("canaryone").exists()
    index_rebuild.bring_up_to_date()
    assert not Note.objects.containing("canaryone").exists()
    assert not Link.objects.filter(note=FIRST, key="canary link").exists()
    assert "canary" not in client.get(f"/notes/{FIRST}/").content.decode()
