"""Each table is named as kept or derived, and a backup brings back a row of each kept one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from taggit.models import Tag as TaggitTag
from taggit.models import TaggedItem

from tests.wiki.archives_of_backups import read_zip, with_rows, write_format_1, write_zip
from tests.wiki.attachments import attach
from wiki import backup, extensions
from wiki.backup import BackupError, kept_tables
from wiki.backup.content import all_tables, read_contents
from wiki.models import Note, Tag, TagAlias, TagChange, TagDifference, VisibilityChange
from wiki.snapshot import snapshot

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def named() -> list[str]:
    return [
        *kept_tables.KEPT,
        *kept_tables.DERIVED,
        *extensions.kept_tables,
        *extensions.derived_tables,
    ]


def test_each_table_is_named_once_as_kept_or_derived(db):
    """Fails for a new table: list it in wiki/backup/kept_tables.py or mlhooks/extensions.py."""
    patterns = {"passage_vector_*"}
    # Tables of vectors come and go, here with tests before this one.
    tables = {
        name
        for name in connection.introspection.table_names()
        if not name.startswith("passage_vector_")
    }
    assert sorted(named()) == sorted(tables | patterns)
    assert {name for name in named() if "*" in name} == patterns


@pytest.fixture
def a_row_of_each(note, secret, alice, bob, fields, settings, tmp_path):
    """Something in every table that is kept."""
    settings.WIKI_DATA_DIR = tmp_path / "here"
    note.save_revision(fields(title="Renamed", body="See [[Canary]].\n"), base=0, author=alice)
    attach(note, "a.png", b"a")
    TagChange.objects.rename("attention", "focus", author=alice)
    TagAlias.objects.create(slug="fokus", name="fokus", tag=Tag.objects.get(slug="focus"))
    TagDifference.objects.create(user=alice, one="a", other="b")
    VisibilityChange.objects.create(visibility="private", created=note.created, author=alice)
    group = Group.objects.create(name="readers")
    bob.groups.add(group)
    group.permissions.add(Permission.objects.first())
    bob.user_permissions.add(Permission.objects.first())
    kind = ContentType.objects.get_for_model(Note)
    LogEntry.objects.create(
        user=alice, content_type=kind, object_id="1", object_repr="x", action_flag=CHANGE
    )
    tag = TaggitTag.objects.create(name="other")
    TaggedItem.objects.create(tag=tag, content_type=kind, object_id=note.pid)


def contents() -> dict[str, object]:
    with snapshot():
        tables = all_tables()
        return read_contents(tables[name] for name in (*kept_tables.KEPT, *extensions.kept_tables))


def test_a_row_of_each_kept_table_is_restored(a_row_of_each, elsewhere, tmp_path):
    made = backup.backup(tmp_path / "notes.zip")
    before = contents()
    assert [name for name in before if not before[name].rows] == []
    with elsewhere():
        assert backup.restore(made.file).problems == ()
        assert contents() == before


def test_a_table_that_nobody_named_is_kept_and_then_refused_by_name(note, elsewhere, tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE judgements (id bigint PRIMARY KEY)")
        try:
            cursor.execute("INSERT INTO judgements VALUES (1)")
            backup.backup(tmp_path / "notes.zip")
        finally:
            cursor.execute("DROP TABLE judgements")
    assert read_zip(tmp_path / "notes.zip")[0]["tables"]["judgements"]["rows"] == 1
    with elsewhere(), pytest.raises(BackupError, match="the table judgements"):
        backup.restore(tmp_path / "notes.zip")


def without_ml(*argv: str) -> tuple[int, str, str]:
    """Run a command on the database of this test with the ML app switched off."""
    connection.ensure_connection()
    name = connection.settings_dict["NAME"]
    address = os.environ["DATABASE_URL"].replace("/commonplace?", f"/{name}?")
    connection.close()  # a restore wants to be alone
    ran = subprocess.run(
        [sys.executable, "manage.py", *argv],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": address,
            "WIKI_DATA_DIR": str(settings.WIKI_DATA_DIR),
            "WIKI_ML": "0",
        },
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stdout, ran.stderr


def ask_for_work() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO mlhooks_splitnote VALUES (1, 1, 1)")


def test_without_the_ml_app_its_derived_tables_are_still_left_out(note, elsewhere, tmp_path):
    call_command("migrate", verbosity=0)  # which notes them in the database
    ask_for_work()
    file = tmp_path / "notes.zip"
    code, out, err = without_ml("backup", str(file), "--json")
    assert code == 0, err
    tables = read_zip(file)[0]["tables"]
    assert "wiki_note" in tables and not [name for name in tables if name.startswith("mlhooks")]
    with elsewhere():
        code, out, err = without_ml("restore", str(file), "--json")
        assert (code, json.loads(out.splitlines()[-1])["ok"]) == (0, True), err
        call_command("migrate", verbosity=0)
        assert Note.objects.get(pid=note.pid).title == note.title


def test_without_the_ml_app_its_kept_rows_are_refused_and_never_lost(note, elsewhere, tmp_path):
    ask_for_work()
    connection.cursor().execute("COMMENT ON TABLE django_migrations IS NULL")
    file = tmp_path / "notes.zip"
    assert without_ml("backup", str(file))[0] == 0
    assert read_zip(file)[0]["tables"]["mlhooks_splitnote"]["rows"] == 1
    with elsewhere():
        code, _, err = without_ml("restore", str(file))
        assert code == 2 and "rows of mlhooks_" in err and "WIKI_ML=1" in err
        assert connection.introspection.table_names() == []
    with elsewhere():
        assert backup.restore(file).problems == ()
    call_command("migrate", verbosity=0)


def test_a_backup_of_format_1_may_hold_rows_of_the_ml_app_which_it_made_itself(
    note, elsewhere, tmp_path
):
    """The version before left them in where that app was switched off."""
    ask_for_work()
    file = write_format_1(tmp_path / "old.zip", left_out=("django_session", "axes_"))
    with elsewhere():
        code, _, err = without_ml("restore", str(file))
        assert code == 0, err
        assert Note.objects.get().title == note.title


def test_rows_of_derived_tables_are_never_taken(note, elsewhere, tmp_path):
    """Cached HTML of a stranger's would be shown as it is."""
    said, members = read_zip(backup.backup(tmp_path / "notes.zip").file)
    with_rows(said, members, "wiki_notehtml", lambda rows: b"evil\n")
    with_rows(said, members, "django_session", lambda rows: b"evil\n")
    with elsewhere():
        backup.restore(write_zip(tmp_path / "changed.zip", said, members))
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM wiki_notehtml UNION ALL SELECT FROM django_session")
            assert cursor.rowcount == 0
