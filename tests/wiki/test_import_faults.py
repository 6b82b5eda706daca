"""One bad item stops nothing: it is told, the others come in, and a dry run knew it before."""

import pytest
from django.db import OperationalError, connection, transaction

from wiki import integrity
from wiki.backup.content import content_sha256
from wiki.importers import attachments, faults, surveys, updates, writer
from wiki.importers.formats import json_archive, m8ta, markdown
from wiki.importers.item import Code
from wiki.models import Link, Note, Posting, search_index

THAI = "ควรเรียนรู้"
FILES = {"a.md": "# a\n\ntext #tag\n", "bad.md": "# bad\n\ntext\n", "c.md": "# c\n\ntext\n"}


class Unforeseen(Exception):
    """What nobody thought of."""


def is_bad(*said):
    """Tell whether a call is about the bad note, whatever it is called with."""
    return "bad" in repr(said)


@pytest.fixture
def fail_at(monkeypatch):
    """Let a function raise where it is called for the bad note."""

    def fail(place, name, is_bad=is_bad):
        work = getattr(place, name)

        def wrapped(*said, **more):
            if is_bad(*said):
                raise Unforeseen
            return work(*said, **more)

        monkeypatch.setattr(place, name, wrapped)

    return fail


def test_a_word_of_two_marks_stops_no_import(vault, bring_vault):
    files = {f"{number}.md": f"# {number}\n\ntext\n" for number in range(13)}
    folder = vault({**files, "thai.md": f"# thนึก\n\n{THAI}\n"})
    for dry_run in (True, False):
        assert bring_vault(folder, dry_run=dry_run).outcomes == {"created": 14}
    assert integrity.verify().ok


PLACES = [
    (markdown, "decode"),
    (surveys, "_completed"),
    (writer, "complaint"),
    (writer, "Known"),
    (writer, "arrival"),
    (search_index, "index_many"),
]


@pytest.mark.parametrize(("place", "name"), PLACES, ids=lambda one: getattr(one, "__name__", one))
def test_a_fault_nobody_foresaw_keeps_one_note_out(
    vault, bring_vault, fail_at, caplog, place, name
):
    fail_at(place, name)
    folder = vault(FILES)
    dry = bring_vault(folder, dry_run=True)
    assert not Note.objects.exists()
    real = bring_vault(folder)
    for imported in (dry, real):
        assert imported.outcomes == {"created": 2, "failed": 1}
        assert imported.codes("bad.md") == {Code.FAULT: 1}
        assert [line["path"] for line in imported.lines] == list(FILES)
    assert set(Note.objects.values_list("title", flat=True)) == {"a", "c"}
    assert integrity.verify().ok
    assert "An item of an import was left out." in caplog.messages
    assert any(record.exc_info[0] is Unforeseen for record in caplog.records)


def test_a_fault_nobody_foresaw_keeps_one_update_out(vault, bring_vault, fail_at):
    folder = vault(FILES)
    bring_vault(folder)
    vault({name: f"{text}more\n" for name, text in FILES.items()})
    fail_at(updates, "_take_names")
    for dry_run in (True, False):
        imported = bring_vault(folder, dry_run=dry_run)
        assert imported.outcomes == {"updated": 2, "failed": 1}
        assert imported.codes("bad.md") == {Code.FAULT: 1}
    heads = dict(Note.objects.values_list("title", "head__number"))
    assert heads == {"a": 1, "bad": 0, "c": 1}


def test_a_fault_with_the_files_of_a_note_is_told_and_the_note_comes(
    vault, bring_vault, fail_at, settings, tmp_path
):
    settings.WIKI_DATA_DIR = tmp_path / "data"
    folder = vault({name: f"{text}\n![[{name}.png]]\n" for name, text in FILES.items()})
    fail_at(attachments, "_brought")
    imported = bring_vault(folder)
    assert imported.outcomes == {"created": 3}
    assert imported.codes() == {Code.ATTACHMENT_MISSING: 2, Code.ATTACHMENT_REFUSED: 1}
    assert imported.codes("bad.md") == {Code.ATTACHMENT_REFUSED: 1}


@pytest.mark.parametrize("place", [m8ta, json_archive], ids=lambda one: one.__name__)
def test_a_fault_while_an_entry_is_read_is_told(place, fail_at, tmp_path):
    if place is m8ta:
        path = tmp_path / "page.txt"
        header = "hide / / print\nref: tags: date: 01-01-2020 00:00 gmt revision:0 [head]\n\n"
        path.write_text(f"{header}good\n\n{header}bad\n")
        fail_at(m8ta, "read_body")
    else:
        path = tmp_path
        (path / "notes.jsonl").write_text('{"pid": 1}\n{"pid": "bad"}\n')
        (path / "archive.json").write_text(
            '{"format": "commonplace", "version": 2, "sha256": {"notes.jsonl": ""}}'
        )
        fail_at(json_archive, "_note")
    codes = [[notice.code for notice in item.notices] for item in place.read(path)]
    assert codes[1] == [Code.FAULT] and codes[0] != [Code.FAULT]


@pytest.mark.parametrize("statement", ["SELECT '''''::tsvector", "SELECT 1/0", "SELECT nothing"])
def test_whatever_the_database_refuses_is_one_notes_fault(
    vault, bring_vault, monkeypatch, statement
):
    write = search_index.index_many

    def refuse(analysed):
        write(analysed)
        if any(note.title == "bad" for note, _ in analysed):
            with connection.cursor() as cursor:
                cursor.execute(statement)

    monkeypatch.setattr(search_index, "index_many", refuse)
    folder = vault(FILES)
    for dry_run in (True, False):
        imported = bring_vault(folder, dry_run=dry_run)
        assert imported.outcomes == {"created": 2, "failed": 1}
        assert imported.codes("bad.md") == {Code.NOT_SAVED: 1}


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_at_the_end_of_a_transaction_is_known_to_a_dry_run(
    vault, bring_vault, monkeypatch
):
    write = search_index.index_many

    def refuse(analysed):
        write(analysed)
        if any(note.title == "bad" for note, _ in analysed):
            Link.objects.create(note_id=2**40, key="nowhere")

    monkeypatch.setattr(search_index, "index_many", refuse)
    folder = vault(FILES)
    for dry_run in (True, False):
        imported = bring_vault(folder, dry_run=dry_run)
        assert imported.outcomes == {"created": 2, "failed": 1}
        assert imported.codes("bad.md") == {Code.NOT_SAVED: 1}


def test_a_dry_run_leaves_nothing(vault, bring_vault, transactional_db):
    folder = vault({**FILES, "old.md": "# old\n"})
    bring_vault(vault({"old.md": "# old\n"}, name="other"), name="garden")
    vault({"old.md": "# old\n\nchanged\n"})
    before = content_sha256(), Posting.objects.count(), Link.objects.count()
    assert bring_vault(folder, dry_run=True).outcomes == {"created": 3, "updated": 1}
    assert (content_sha256(), Posting.objects.count(), Link.objects.count()) == before


def test_an_import_ends_when_the_database_is_away(vault, bring_vault, monkeypatch):
    def gone(*said):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(search_index, "index_many", gone)
    folder = vault(FILES)
    assert bring_vault(folder).codes() == {Code.NOT_SAVED: 3}
    monkeypatch.setattr(faults.connection, "is_usable", lambda: False)
    with pytest.raises(OperationalError), transaction.atomic():
        bring_vault(folder)


def test_one_bad_note_of_many_costs_few_tries(vault, bring_vault, fail_at, monkeypatch):
    folder = vault({**{f"{number}.md": "text" for number in range(120)}, "bad.md": "# bad\n"})
    fail_at(search_index, "index_many")
    tries = []
    insert = writer.Writer._insert
    monkeypatch.setattr(
        writer.Writer, "_insert", lambda self, planned: tries.append(1) or insert(self, planned)
    )
    imported = bring_vault(folder)
    assert imported.outcomes == {"created": 120, "failed": 1}
    pids = [line["pid"] for line in imported.lines if line["pid"]]
    assert pids == sorted(pids) and len(tries) <= 2 * 7 + 1
