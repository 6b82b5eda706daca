"""A folder of notes imported twice: nothing changes, or exactly what changed in the folder."""

import os
from dataclasses import replace

import pytest
from django.db import connection

from wiki import integrity, signals
from wiki.backup.content import content_sha256
from wiki.importers.item import Code
from wiki.importers.surveys import MAX_NOTES
from wiki.models import Alias, Note, NoteHtml, Revision, search_index

FILES = {
    "a.md": "---\ntags: [x]\naliases: [other]\nlayout: post\n---\n# A\n\nOne.\n\nTwo.\n\nThree.\n",
    "b/c.md": "# C\n\nSee [[a]], #said.\n",
}


@pytest.fixture
def once(vault, bring_vault):
    """A folder that has been imported."""
    folder = vault(FILES)
    bring_vault(folder)
    return folder


def edited(note, body, author):
    fields = replace(note.current_fields(), body=body)
    return note.save_revision(fields, base=note.head.number, author=author)


def test_importing_again_changes_no_row(once, bring_vault, transactional_db):
    before = content_sha256()
    again = bring_vault(once)
    assert again.outcomes == {"unchanged": 2} and again.counts["revisions"] == 0
    assert (again.counts["tags"], again.counts["links"]["resolved"]) == (2, 1)
    assert content_sha256() == before


def test_a_file_that_was_only_touched_changes_no_row(once, bring_vault, transactional_db):
    before = content_sha256()
    os.utime(once / "a.md", (0, 0))
    assert bring_vault(once).outcomes == {"unchanged": 2}
    assert content_sha256() == before


def test_another_folder_of_the_same_name_is_the_same_vault(once, bring_vault, tmp_path):
    once.rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "garden")
    assert bring_vault(tmp_path / "garden").outcomes == {"unchanged": 2}
    assert bring_vault(tmp_path / "garden", name="second").outcomes == {"created": 2}


def test_a_changed_file_becomes_a_revision(once, vault, bring_vault):
    vault({"a.md": FILES["a.md"].replace("Two", "Zwei")})
    assert bring_vault(once, dry_run=True).outcomes == {"updated": 1, "unchanged": 1}
    assert bring_vault(once).outcomes == {"updated": 1, "unchanged": 1}
    note = Note.objects.get(title="A")
    assert (note.head.number, note.head.body) == (1, "One.\n\nZwei.\n\nThree.\n")
    assert bring_vault(once).outcomes == {"unchanged": 2}


def test_a_change_of_the_file_is_merged_with_an_edit_made_here(once, vault, bring_vault, alice):
    edited(Note.objects.get(title="A"), "One.\n\nTwo.\n\nDrei.\n", alice)
    vault({"a.md": FILES["a.md"].replace("One", "Eins")})
    imported = bring_vault(once)
    assert imported.outcomes == {"updated": 1, "unchanged": 1}
    assert imported.codes("a.md") == {Code.MERGED: 1}
    assert Note.objects.get(title="A").head.body == "Eins.\n\nTwo.\n\nDrei.\n"


def test_a_change_at_the_same_place_is_told_and_nothing_is_saved(once, vault, bring_vault, alice):
    edited(Note.objects.get(title="A"), "One.\n\nDeux.\n\nThree.\n", alice)
    vault({"a.md": FILES["a.md"].replace("Two", "Zwei").replace("post", "page")})
    imported = bring_vault(once)
    assert imported.outcomes == {"failed": 1, "unchanged": 1}
    assert imported.codes("a.md") == {Code.CONFLICT: 1}
    note = Note.objects.get(title="A")
    assert note.head.body == "One.\n\nDeux.\n\nThree.\n"
    assert note.extra["front_matter"] == {"layout": "post"}


def test_a_change_of_names_or_of_what_is_kept_is_an_update_without_a_revision(
    once, vault, bring_vault
):
    vault({"a.md": FILES["a.md"].replace("other", "another").replace("post", "page")})
    imported = bring_vault(once)
    assert imported.outcomes == {"updated": 1, "unchanged": 1}
    note = Note.objects.get(title="A")
    assert (note.head.number, note.extra["front_matter"]) == (0, {"layout": "page"})
    assert set(note.aliases.values_list("key", flat=True)) == {"another"}
    assert bring_vault(once).outcomes == {"unchanged": 2}


def test_a_note_that_was_published_here_stays_public(once, vault, bring_vault, alice):
    note = Note.objects.get(title="A")
    fields = replace(note.current_fields(), visibility="public")
    note.save_revision(fields, base=0, author=alice)
    vault({"a.md": FILES["a.md"] + "Four.\n"})
    bring_vault(once)
    assert Note.objects.get(title="A").is_public


def test_a_note_in_the_trash_is_skipped(once, bring_vault, alice):
    Note.objects.get(title="A").move_to_trash(alice)
    imported = bring_vault(once)
    assert imported.outcomes == {"skipped": 1, "unchanged": 1}
    assert imported.codes() == {Code.IN_TRASH: 1}


def test_two_people_import_the_same_folder_for_themselves(once, bring_vault, bob):
    assert bring_vault(once, owner=bob).outcomes == {"created": 2}
    assert Note.objects.filter(owner=bob).count() == 2


def test_a_dry_run_counts_the_same_and_writes_nothing(vault, bring_vault, transactional_db):
    folder, before = vault(FILES), content_sha256()
    dry = bring_vault(folder, dry_run=True)
    assert content_sha256() == before
    real = bring_vault(folder)
    assert {**dry.counts, "revisions": 2} == real.counts
    assert [line["pid"] for line in dry.lines] == [None, None]


def test_no_html_is_made_before_somebody_reads(once, alice_client):
    assert not NoteHtml.objects.exists()
    note = Note.objects.get(title="A")
    assert "Three." in alice_client.get(note.get_absolute_url()).content.decode()
    assert NoteHtml.objects.get().revision_id == note.head_id


def test_imported_notes_are_whole(once):
    assert integrity.verify().ok
    assert Note.objects.filter(postings__isnull=True).count() == 0
    assert Note.objects.filter(words__isnull=True).count() == 0


def test_every_note_rings_once_inside_the_transaction(vault, bring_vault):
    heard = []

    def hear(sender, note, revision, **_):
        heard.append((note.pid, note.head_id == revision.pk, connection.in_atomic_block))

    signals.revision_saved.connect(hear)
    try:
        bring_vault(vault({f"{number}.md": "text" for number in range(3)}))
    finally:
        signals.revision_saved.disconnect(hear)
    assert len({pid for pid, *_ in heard}) == 3
    assert all(is_head and is_inside for _, is_head, is_inside in heard)


def test_notes_are_numbered_in_the_order_of_their_paths(vault, bring_vault):
    imported = bring_vault(vault({f"{number:03}.md": "text" for number in range(MAX_NOTES + 5)}))
    pids = [line["pid"] for line in imported.lines]
    assert pids == sorted(pids) and len(set(pids)) == MAX_NOTES + 5


def test_a_batch_asks_the_database_as_often_as_a_single_note(
    vault, bring_vault, django_assert_max_num_queries
):
    with django_assert_max_num_queries(30):
        bring_vault(vault({f"{number}.md": f"#t{number} [[x]]" for number in range(100)}))


def test_what_the_database_refuses_is_told_and_the_others_come_in(vault, bring_vault, monkeypatch):
    write = search_index.index_many

    def refuse(analysed):
        write(analysed)
        if any(note.title == "bad" for note, _ in analysed):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'x'::int")

    monkeypatch.setattr(search_index, "index_many", refuse)
    imported = bring_vault(vault({"a.md": "a", "bad.md": "b", "c.md": "#tag"}))
    assert imported.outcomes == {"created": 2, "failed": 1}
    assert imported.codes("bad.md") == {Code.NOT_SAVED: 1}
    assert [line["path"] for line in imported.lines] == ["a.md", "bad.md", "c.md"]
    assert set(Note.objects.values_list("title", flat=True)) == {"a", "c"}
    assert Revision.objects.count() == 2 and integrity.verify().ok


def test_an_alias_that_is_gone_from_the_file_leads_nowhere(once, vault, bring_vault):
    assert Alias.objects.filter(key="other").exists()
    vault({"a.md": FILES["a.md"].replace("aliases: [other]\n", "")})
    bring_vault(once)
    assert not Alias.objects.filter(key="other").exists()


def test_of_two_notes_with_the_title_the_older_is_told(vault, bring_vault, alice, fields):
    older, _ = (Note.objects.write(fields(title="Rain"), owner=alice) for _ in range(2))
    imported = bring_vault(vault({"rain.md": "# Rain\n"}))
    assert f"Note {older.pid} here has this title too" in imported.said("rain.md")
