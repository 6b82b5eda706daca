"""verify_integrity: silent on a sound database, and each corruption found by its name."""

import json
import threading
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.wiki.attachments import attach
from wiki import extensions, integrity
from wiki.analysis.terms import analyse
from wiki.extensions import Problem
from wiki.integrity import heads
from wiki.models import (
    Attachment,
    Note,
    Revision,
    RevisionFile,
    TagChange,
    attachment_upload,
    revision_append,
    revision_save,
)
from wiki.rendering import sandbox


@pytest.fixture
def lived_in(note, secret, alice, fields):
    """A site with everything that people do to notes; returns `note` with revisions 0 to 3."""
    note.save_revision(fields(body="See [[Canary]] and [[MLPs]].\n"), base=0, author=alice)
    note.save_revision(fields(body="Mine.\n", ref="Later-2020"), base=1, author=alice)
    Note.objects.get(pid=note.pid).restore(1, author=alice)
    change = TagChange.objects.rename("attention", "focus", author=alice)
    TagChange.objects.undo(change, author=alice)
    TagChange.objects.rename("Quoc_Le", "attention", author=alice)
    TagChange.objects.rename("canary_tag", "", author=alice)
    merged_note(alice, fields)
    imported_note(alice, fields)
    trashed = Note.objects.write(fields(title="Old", body="$a_1$ [[Attention]]"), owner=alice)
    trashed.move_to_trash(alice)
    return Note.objects.get(pid=note.pid)


def merged_note(alice, fields):
    text = "one\ntwo\nthree\nfour\nfive\n"
    merged = Note.objects.write(fields(title="Merged", body=text), owner=alice)
    merged.save_revision(fields(title="Merged", body="ONE" + text[3:]), base=0, author=alice)
    merged.save_revision(fields(title="Merged", body=text + "six\n"), base=0, author=alice)


def imported_note(alice, fields):
    """A note of which an import told that there was a revision 0, but not what it said."""
    told = fields(title="Imported", tags=())
    pid = Note.objects.latest("pid").pid + 100
    note = revision_save.new_note(Note, told, alice, created=timezone.now(), pid=pid)
    unknown = Revision.of(
        note, 0, fields(title="Imported", body=None), created=note.created, source="import"
    )
    unknown.save()
    known = Revision.of(note, 1, told, created=note.created, source="import")
    revision_append.append(note, known, sandbox.render(told.body), analyse(told.title, told.body))
    revision_append.next_pid_after(pid)


def plant(statement, **values):
    """Change rows behind the models' back, references unchecked."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        assert cursor.rowcount != 0
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = origin")


def found():
    return {problem.check for problem in integrity.verify().problems}


@pytest.mark.django_db
def test_a_sound_database_has_no_problem(lived_in):
    report = integrity.verify()
    assert report.problems == []
    assert report.ok and report.checked == {
        "notes": 5,
        "revisions": 4 + 1 + 3 + 2 + 1,
        "tags": 4,
        "postings": 18,
        "attachments": 0,
        "passages": 0,
    }


@pytest.mark.django_db
def test_an_empty_database_has_no_problem():
    assert integrity.verify().ok


CORRUPTIONS = {
    "words of another text": (
        "index",
        "UPDATE wiki_posting SET term = term + 1 WHERE note_id = %(pid)s",
    ),
    "a private word for everyone": (
        "index",
        "UPDATE wiki_posting SET audience = 0 WHERE note_id = %(other)s",
    ),
    "words of nothing": (
        "index_missing",
        "DELETE FROM wiki_notewords WHERE note_id = %(pid)s",
    ),
    "an index of another version": (
        "index_version",
        "COMMENT ON TABLE wiki_notewords IS 'english 0'",
    ),
    "the text of an old revision changed": (
        "revision_hash",
        "UPDATE wiki_revision SET body = 'x' WHERE note_id = %(pid)s AND number = 0",
    ),
    "the text of the head changed": (
        "revision_hash",
        "UPDATE wiki_revision SET body = body || 'x' WHERE note_id = %(pid)s AND number = 3",
    ),
    "the date of a revision changed": (
        "revision_hash",
        "UPDATE wiki_revision SET created = created - interval '1 day'"
        " WHERE note_id = %(pid)s AND number = 1",
    ),
    "a revision deleted in the middle": (
        "revision_gap",
        "DELETE FROM wiki_revision WHERE note_id = %(pid)s AND number IN (1, 2)",
    ),
    "the first revision deleted": (
        "revision_gap",
        "DELETE FROM wiki_revision WHERE note_id = %(pid)s AND number = 0",
    ),
    "the head set back": (
        "head_not_newest",
        "UPDATE wiki_note SET head_id = (SELECT id FROM wiki_revision"
        " WHERE note_id = %(pid)s AND number = 2) WHERE pid = %(pid)s",
    ),
    "no head": ("head_missing", "UPDATE wiki_note SET head_id = NULL WHERE pid = %(pid)s"),
    "the head of another note": (
        "head_foreign",
        "UPDATE wiki_note SET head_id = (SELECT id FROM wiki_revision"
        " WHERE note_id = %(pid)s AND number = 0) WHERE pid = %(other)s",
    ),
    "a private note shown as public": (
        "note_columns",
        "UPDATE wiki_note SET visibility = 'public' WHERE pid = %(other)s",
    ),
    "another title": ("note_columns", "UPDATE wiki_note SET title = 'x' WHERE pid = %(pid)s"),
    "another link key": (
        "note_columns",
        "UPDATE wiki_note SET title_key = 'x' WHERE pid = %(pid)s",
    ),
    "a tag row missing": (
        "tags",
        "DELETE FROM wiki_notetag WHERE content_object_id = %(pid)s",
    ),
    "a tag row too many": (
        "tags",
        "INSERT INTO wiki_notetag (content_object_id, tag_id, name, position)"
        " SELECT %(other)s, id, 'Quoc_Le', 9 FROM wiki_tag WHERE slug = 'quoc_le'",
    ),
    "a step of a tag change lost": (
        "tags",
        "UPDATE wiki_tagchange SET steps = '{}' WHERE old = 'Quoc_Le'",
    ),
    "a link row missing": (
        "links",
        "DELETE FROM wiki_link WHERE note_id = %(pid)s AND key = 'mlps'",
    ),
    "a link row too many": (
        "links",
        "INSERT INTO wiki_link (note_id, key) VALUES (%(other)s, 'mlps')",
    ),
    "other cached HTML": (
        "html",
        "UPDATE wiki_notehtml SET rendered = jsonb_set(rendered, '{segments,0}', '\"<p>x\"')"
        " WHERE note_id = %(pid)s",
    ),
    "cached HTML of no shape": (
        "html",
        "UPDATE wiki_notehtml SET rendered = '[]' WHERE note_id = %(pid)s",
    ),
    "the cached HTML of another note": (
        "html",
        "UPDATE wiki_notehtml SET revision_id = (SELECT head_id FROM wiki_note"
        " WHERE pid = %(pid)s) WHERE note_id = %(other)s",
    ),
    "the number of the next note taken": (
        "sequence",
        "SELECT setval('wiki_note_pid_seq', %(imported)s - 1)",
    ),
    "no note numbered yet": ("sequence", "SELECT setval('wiki_note_pid_seq', 1, false)"),
    "an author who never was": (
        "orphan",
        "UPDATE wiki_tagchange SET author_id = 999999 WHERE old = 'Quoc_Le'",
    ),
    "a tag nobody finds": (
        "tag_identity",
        "UPDATE wiki_notetag SET name = 'x'"
        " WHERE content_object_id = %(pid)s AND name = 'attention'",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_each_corruption_is_found_and_named_once(lived_in, secret, corruption):
    check, statement = CORRUPTIONS[corruption]
    imported = Note.objects.get(title="Imported").pid
    plant(statement, pid=lived_in.pid, other=secret.pid, imported=imported)
    assert found() == {check}


@pytest.mark.django_db
def test_a_file_that_is_lost_or_changed_is_named(lived_in, secret, settings, tmp_path):
    settings.WIKI_DATA_DIR = tmp_path
    lost = attach(lived_in, "a", b"lost")
    changed = attach(secret, "b", b"to be changed")
    attach(secret, "c", b"sound")
    attach(secret, "d", b"not used any more")
    report = integrity.verify()
    assert report.ok and report.checked["attachments"] == 4 and report.unused_files == 0
    Attachment.objects.filter(key="d").delete()
    lost.path.unlink()
    changed.path.write_bytes(b"is no more...")
    report = integrity.verify()
    assert {(problem.check, problem.pid) for problem in report.problems} == {
        ("file_missing", lived_in.pid),
        ("file_damaged", secret.pid),
        ("file_unreferenced", None),
    }
    assert report.unused_files == 1


@pytest.mark.django_db
def test_files_in_the_wrong_place_are_named(lived_in, secret, settings, tmp_path, alice):
    settings.WIKI_DATA_DIR = tmp_path
    row = Attachment.objects.add(secret, key="a", name="a", content=b"theirs")
    RevisionFile.objects.create(revision=lived_in.head, attachment=row, key="a")
    waiting = attachment_upload.upload(b"a", "a.txt", uploader=alice, submission=uuid.uuid4())
    assert found() == {"file_of_another_note"}
    Attachment.objects.add(lived_in, key="b", name="b", content=b"shown by nothing")
    Attachment.objects.filter(pk=waiting.pk).update(created=waiting.created - timedelta(days=3))
    problems = {(problem.check, problem.pid) for problem in integrity.verify().problems}
    assert problems == {("file_of_another_note", lived_in.pid), ("upload_unswept", None)} | {
        ("file_unused", lived_in.pid)
    }


@pytest.mark.django_db
def test_a_deleted_note_leaves_orphans(lived_in):
    plant("DELETE FROM wiki_note WHERE pid = %(pid)s", pid=lived_in.pid)
    assert "orphan" in found()


@pytest.mark.django_db
def test_html_of_an_older_revision_is_shown_to_nobody_and_is_no_problem(lived_in):
    plant(
        "UPDATE wiki_notehtml SET revision_id = (SELECT id FROM wiki_revision"
        " WHERE note_id = %(pid)s AND number = 2) WHERE note_id = %(pid)s",
        pid=lived_in.pid,
    )
    assert found() == set()


@pytest.mark.django_db
def test_a_problem_names_the_note_and_says_nothing_of_its_text(lived_in):
    plant("UPDATE wiki_note SET title = 'x', type = 'demo' WHERE pid = %(pid)s", pid=lived_in.pid)
    (problem,) = integrity.verify().problems
    assert (problem.pid, problem.revision) == (lived_in.pid, 3)
    assert problem.message == f"Note {lived_in.pid} does not repeat its head's title, type."


@pytest.mark.django_db
def test_very_many_problems_are_counted_and_not_listed(lived_in, monkeypatch):
    monkeypatch.setattr(integrity, "MAX_PER_CHECK", 2)
    plant("UPDATE wiki_revision SET summary = 'x'")
    report = integrity.verify()
    assert len(report.problems) == 3
    assert report.problems[-1].message == "There are 9 more problems of this kind."


@pytest.mark.django_db
def test_checks_of_extensions_are_run(monkeypatch):
    own = Problem("passages", "Passage 3 is of no note.", pid=3)
    monkeypatch.setattr(extensions, "checks", [lambda: [own]])
    assert integrity.verify().problems == [own]


@pytest.mark.django_db(transaction=True)
def test_people_who_save_meanwhile_cause_no_alarm(lived_in, alice, fields, monkeypatch):
    def save_meanwhile():
        note = Note.objects.get(pid=lived_in.pid)
        note.save_revision(fields(body="Newer. [[New]]\n", tags=("new",)), base=3, author=alice)
        Note.objects.write(fields(title="Another"), owner=alice)
        TagChange.objects.rename("attention", "later", author=alice)
        connection.close()

    saver = threading.Thread(target=save_meanwhile)

    def render(body):
        if saver.ident is None:
            saver.start()
            saver.join()
        return sandbox.render(body)

    renderer = SimpleNamespace(**{**vars(sandbox), "render": render})
    monkeypatch.setattr(heads, "sandbox", renderer)
    monkeypatch.setattr(heads, "CHUNK", 1)
    assert integrity.verify().problems == []
    assert Note.objects.get(pid=lived_in.pid).head.number == 4


@pytest.mark.django_db
def test_the_command_says_a_sentence_for_each_problem_and_exits_1(lived_in, capsys):
    plant("UPDATE wiki_note SET title = 'x' WHERE pid = %(pid)s", pid=lived_in.pid)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_integrity", json=True)
    said = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    assert said[0] == f"note_columns: Note {lived_in.pid} does not repeat its head's title."
    assert json.loads(said[-1])["problems"] == [
        {
            "check": "note_columns",
            "message": f"Note {lived_in.pid} does not repeat its head's title.",
            "pid": lived_in.pid,
            "revision": 3,
        }
    ]


@pytest.mark.django_db
def test_the_command_is_content_with_a_sound_database(lived_in, capsys, settings, tmp_path):
    settings.WIKI_DATA_DIR = tmp_path
    call_command("verify_integrity")
    assert capsys.readouterr().out.splitlines() == [
        "No problem found; checked 5 notes, 11 revisions, 4 tags, 18 postings."
    ]
