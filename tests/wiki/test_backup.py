"""A backup restores everything, refuses what it must, and never leaves half a thing."""

import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.conftest import PASSWORD
from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki import backup, integrity
from wiki.accounts import sign_in_links
from wiki.backup import BackupError, content_sha256, creation
from wiki.backup.archive import MANIFEST
from wiki.files import store
from wiki.importers.batch import import_path
from wiki.models import Attachment, Note, NoteHtml, NoteTag, Revision, TagChange

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
PICTURE = b"\x89PNG" * 1000
FILES = (PICTURE, b"%PDF")


@pytest.fixture
def media(settings, tmp_path):
    """The data folder's attachments, two of them."""
    settings.WIKI_DATA_DIR = tmp_path / "here"
    folder = settings.WIKI_DATA_DIR / "media"
    for content in FILES:
        store.keep(content)
    (folder / "thumbs" / "1").mkdir(parents=True)
    (folder / "thumbs" / "1" / "1_0.png").write_bytes(b"made again")
    (folder / ".x.part").write_bytes(b"not finished")
    return folder


@pytest.fixture
def lived_in(note, secret, alice, bob, fields):
    note.save_revision(fields(body="See [[Canary]]. 👩‍🔬 e\u0301\n"), base=0, author=alice)
    TagChange.objects.rename("attention", "focus", author=alice)
    secret.move_to_trash(alice)
    return note


@pytest.fixture
def saved(lived_in, tmp_path):
    """A backup of lived_in."""
    file = tmp_path / "notes.zip"
    backup.backup(file)
    return file


def unforeseen(restored):
    """What is wrong with a restored notebook, but for the media that no note has."""
    return [found for found in restored.problems if found.check != "file_unreferenced"]


def manifest_of(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(MANIFEST))


def rewrite(file, **changes):
    """Change fields of a backup's manifest; all else stays as it was."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[MANIFEST] = json.dumps({**manifest_of(file), **changes}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def tables():
    return set(connection.introspection.table_names())


def test_a_backup_restores_everything_into_a_database_without_a_schema(
    lived_in, media, elsewhere, tmp_path
):
    for key in ("a.png", "b.png", "c.png"):
        attach(lived_in, key, b"png" + key[:1].encode())
    made = backup.backup(tmp_path / "notes.zip")
    assert made.sha256 == content_sha256()
    assert (made.notes, made.revisions, made.attachments) == (2, 3, 3)
    with elsewhere():
        restored = backup.restore(made.file)
        assert (restored.notes, restored.revisions, restored.attachments) == (2, 3, 3)
        assert unforeseen(restored) == [] and restored.bytes == made.bytes
        assert restored.sha256 == made.sha256 == content_sha256()
        again = backup.backup(tmp_path / "again.zip")
        assert again.sha256 == made.sha256
        assert manifest_of(again.file)["members"].keys() == manifest_of(made.file)["members"].keys()
        here = tmp_path / "elsewhere" / "media"
        kept = {sha256: path.read_bytes() for sha256, path in store.kept()}
        assert len(kept) == 5 and {*FILES} < {*kept.values()}
        assert all(sha256 == store.sha256_of(content) for sha256, content in kept.items())
        assert stat.S_IMODE(here.stat().st_mode) == 0o700
        assert not (here / "thumbs").exists() and not (here / ".x.part").exists()
        page = Client().get(f"/files/{lived_in.pid}_2.bin")
        assert page.getvalue() == b"pngb"


def test_the_bytes_that_old_revisions_show_are_restored_too(alice, media, elsewhere, tmp_path):
    folder = tmp_path / "garden"
    folder.mkdir()
    (folder / "a.md").write_text("![](x.png)")
    red, green = picture(5, 5), picture(6, 6)
    for number, content in enumerate((red, green)):
        (folder / "x.png").write_bytes(content)
        said = {"owner": alice, "visibility": "public", "dry_run": False}
        import_path(folder, "markdown", report=tmp_path / f"report-{number}", **said)
    made = backup.backup(tmp_path / "notes.zip")
    pid = Note.objects.get().pid
    with elsewhere():
        assert unforeseen(backup.restore(made.file)) == []
        files = Attachment.objects.filter(note=pid)
        shown = {row.uses.get().revision.number: row.path.read_bytes() for row in files}
        assert shown == {0: red, 1: green}
        assert Client().get(f"/files/{pid}_1.png").getvalue() == red


def test_people_sign_in_and_go_on_writing_after_a_restore(saved, elsewhere, fields):
    with elsewhere():
        backup.restore(saved)
        alice = authenticate(username="alice", password=PASSWORD)
        assert alice is not None
        note = Note.objects.get(title="Attention")
        assert [tag.name for tag in note.shown_tags()] == ["focus", "Quoc_Le"]
        assert Note.objects.in_trash_of(alice).get().title == "Canary"
        assert note.save_revision(fields(body="Newer.\n"), base=1, author=alice).number == 2
        assert Note.objects.write(fields(), owner=alice).pid > note.pid
        assert integrity.verify().ok


def test_sessions_cached_html_and_derived_rows_are_not_kept(lived_in, alice_client, tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO mlhooks_splitnote VALUES (1, 1, 1)")
    assert NoteHtml.objects.exists() and Session.objects.exists()
    backup.backup(tmp_path / "notes.zip")
    kept = manifest_of(tmp_path / "notes.zip")["tables"]
    gone = {"django_session", "wiki_notehtml", "mlhooks_splitnote"}
    assert kept.keys().isdisjoint(gone) and kept["wiki_note"]["rows"] == 2


def test_a_backup_is_closed_to_others_and_leaves_nothing_beside_it(saved, tmp_path):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["notes.zip"]


def test_the_content_hash_sees_every_change(lived_in, alice):
    hashes = [content_sha256(), content_sha256()]
    assert hashes[0] == hashes[1]
    for change in (
        lambda: Revision.objects.filter(number=0).update(summary="x"),
        lambda: Note.objects.update(deleted=None),
        lambda: NoteTag.objects.filter(name="focus").update(name="FOCUS"),
        lambda: TagChange.objects.update(steps={}),
        lambda: get_user_model().objects.filter(pk=alice.pk).update(password="x"),
    ):
        change()
        hashes.append(content_sha256())
    assert len(set(hashes)) == len(hashes) - 1


def test_a_backup_under_load_is_of_one_moment(lived_in, alice, fields, elsewhere, tmp_path):
    done, failures = threading.Event(), []

    def write():
        try:
            while not done.is_set():
                note = Note.objects.get(pid=lived_in.pid)
                body = f"Version {note.head.number}. [[Link {note.head.number}]]\n"
                note.save_revision(fields(body=body), base=note.head.number, author=alice)
                Note.objects.write(fields(title=body), owner=alice)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = backup.backup(tmp_path / "notes.zip")
    finally:
        done.set()
        writer.join()
    assert failures == []
    with elsewhere():
        restored = backup.restore(made.file)
        assert restored.problems == () and restored.sha256 == made.sha256
        assert Note.objects.count() == made.notes and Revision.objects.count() == made.revisions


def test_writing_waits_for_no_backup_and_is_not_in_it(
    lived_in, alice, fields, tmp_path, monkeypatch
):
    """A save between the backup's snapshot and its first row."""
    hold = creation._hold

    def save_meanwhile(tables):
        hold(tables)
        saver = threading.Thread(target=save)
        saver.start()
        saver.join()

    def save():
        Note.objects.write(fields(title="Later"), owner=alice)
        connection.close()

    before = content_sha256()
    monkeypatch.setattr(creation, "_hold", save_meanwhile)
    assert backup.backup(tmp_path / "notes.zip").sha256 == before != content_sha256()


def test_restore_replaces_the_schema_and_account_of_a_first_start(saved, elsewhere):
    with elsewhere():
        call_command("migrate", interactive=False, verbosity=0)
        assert sign_in_links.first_owner_link()
        with connection.cursor() as cursor:
            cursor.execute("CREATE FUNCTION ring() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert backup.restore(saved).problems == ()
        people = get_user_model().objects.order_by("username")
        assert [person.username for person in people] == ["alice", "bob"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regproc('public.ring')")
            assert cursor.fetchone() == (None,)


def test_numbers_of_what_is_gone_for_good_are_not_given_again(
    lived_in, alice, fields, elsewhere, tmp_path
):
    gone = Note.objects.write(fields(title="Gone"), owner=alice)
    Attachment.objects.add(gone, key="a", name="a", content=b"a")
    files = Attachment.objects.values_list("pk", flat=True)
    last_file = files.get()
    Attachment.objects.all().delete()
    Note._base_manager.filter(pk=gone.pk).update(head=None)
    Note._base_manager.get(pk=gone.pk).delete()
    made = backup.backup(tmp_path / "notes.zip")
    with elsewhere():
        backup.restore(made.file)
        new = Note.objects.write(fields(title="New"), owner=Note.objects.first().owner)
        assert new.pid == gone.pid + 1
        Attachment.objects.add(new, key="a", name="a", content=b"a")
        assert files.get() == last_file + 1


def test_an_older_schema_is_restored_and_then_migrated(elsewhere, tmp_path):
    with elsewhere():
        call_command("migrate", interactive=False, verbosity=0)
        call_command("migrate", "admin", "0001", interactive=False, verbosity=0)
        get_user_model().objects.create_user("dora")
        made = backup.backup(tmp_path / "old.zip")
        assert "admin.0002_logentry_remove_auto_add" not in manifest_of(made.file)["migrations"]
        given = manifest_of(made.file)["sequences"]
        assert (given["wiki_note"], given["auth_user"]) == (0, get_user_model().objects.get().pk)
    with elsewhere():
        restored = backup.restore(made.file)
        assert restored.sha256 == made.sha256 and restored.problems == ()
        assert get_user_model().objects.get().username == "dora"
        call_command("migrate", check_unapplied=True, verbosity=0)


def test_a_backup_of_a_newer_version_is_refused(saved, elsewhere):
    rewrite(saved, version="9.9", migrations=["wiki.0001_initial", "wiki.9999_future"])
    with elsewhere():
        with pytest.raises(BackupError, match=r"newer version .*9\.9.*Upgrade first"):
            backup.restore(saved)
        assert tables() == set()


def test_an_instance_in_use_is_left_alone(saved, elsewhere, fields, settings):
    with elsewhere():
        call_command("migrate", interactive=False, verbosity=0)
        owner = get_user_model().objects.create_superuser(sign_in_links.OWNER)
        owners = get_user_model().objects.filter(pk=owner.pk)
        attachment = settings.WIKI_DATA_DIR / "media" / "1_0.png"
        attachment.parent.mkdir(parents=True)
        uses_and_ends = [
            (attachment.touch, attachment.unlink),
            (
                lambda: owners.update(last_login=timezone.now()),
                lambda: owners.update(last_login=None),
            ),
            (
                lambda: owners.update(username="dora"),
                lambda: owners.update(username=sign_in_links.OWNER),
            ),
            (lambda: owners.update(password="md5$x$y"), lambda: owners.update(password="!")),
            (lambda: Note.objects.write(fields(), owner=owner), lambda: None),
        ]
        for use, end in uses_and_ends:
            assert backup.is_empty()
            use()
            before = content_sha256()
            with pytest.raises(BackupError, match="not empty.*WIKI_DATA_DIR"):
                backup.restore(saved)
            assert content_sha256() == before
            end()


def test_a_running_instance_is_left_alone(saved, elsewhere):
    with elsewhere():
        connection.ensure_connection()
        with (
            psycopg.connect(connection.connection.info.dsn),
            pytest.raises(BackupError, match="Stop Commonplace"),
        ):
            backup.restore(saved)
        assert tables() == set()


def test_damage_anywhere_is_noticed_before_anything_changes(saved, elsewhere, tmp_path):
    whole = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        places = [archive.getinfo(f"tables/wiki_{name}.copy") for name in ("note", "revision")]
    with elsewhere():
        for entry in places:
            place = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
            saved.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(BackupError, match=f"damaged: {entry.filename}"):
                backup.restore(saved)
        saved.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BackupError, match="not a whole backup"):
            backup.restore(saved)
        assert tables() == set()
        assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_backup_is_refused_with_a_sentence(elsewhere, tmp_path):
    text, other = tmp_path / "notes.md", tmp_path / "other.zip"
    text.write_text("# Notes\n")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("notes.md", "# Notes\n")
    for file, reason in (
        (text, "not a whole backup"),
        (other, "not a whole backup"),
        (tmp_path / "missing.zip", "There is no file"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(BackupError, match=reason):
            backup.restore(file)


def test_a_later_format_is_refused(saved):
    rewrite(saved, format=3)
    with pytest.raises(BackupError, match="format 3; this version reads formats 1 and 2"):
        backup.restore(saved)


def test_a_failed_load_leaves_an_empty_instance_that_can_be_tried_again(saved, elsewhere, tmp_path):
    changed = tmp_path / "changed.zip"
    changed.write_bytes(saved.read_bytes())
    contents = manifest_of(saved)["tables"]
    contents["wiki_note"]["sha256"] = "0" * 64
    rewrite(changed, tables=contents)
    with elsewhere():
        with pytest.raises(BackupError, match="not what the backup says"):
            backup.restore(changed)
        assert backup.is_empty()
        assert backup.restore(saved).problems == ()


def test_no_file_is_overwritten(lived_in, tmp_path):
    file = tmp_path / "notes.zip"
    file.write_text("precious")
    with pytest.raises(BackupError, match=r"notes\.zip exists already"):
        backup.backup(file)
    assert file.read_text() == "precious"


def test_a_file_that_appears_meanwhile_is_not_overwritten(lived_in, tmp_path, monkeypatch):
    file = tmp_path / "notes.zip"
    monkeypatch.setattr(creation, "_hold", lambda tables: file.write_text("precious"))
    with pytest.raises(BackupError, match="File exists"):
        backup.backup(file)
    assert file.read_text() == "precious" and list(tmp_path.iterdir()) == [file]


def test_what_is_no_file_among_the_attachments_is_not_waited_for(lived_in, media, tmp_path):
    (media / "ab").mkdir()
    os.mkfifo(media / "ab" / ("c" * 62))
    members = manifest_of(backup.backup(tmp_path / "notes.zip").file)["members"]
    kept = {f"media/{sha256[:2]}/{sha256[2:]}" for sha256 in map(store.sha256_of, FILES)}
    assert {name for name in members if not name.startswith("tables/")} == kept


def test_a_missing_folder_is_a_sentence(lived_in, tmp_path):
    with pytest.raises(BackupError, match="There is no folder .*Make it first"):
        backup.backup(tmp_path / "missing" / "notes.zip")


def test_a_database_without_notes_is_not_backed_up(elsewhere, tmp_path):
    with elsewhere(), pytest.raises(BackupError, match="never used"):
        backup.backup(tmp_path / "notes.zip")
    assert list(tmp_path.glob("*notes.zip*")) == []


def test_a_disk_without_space_leaves_no_file(lived_in, tmp_path):
    """The size of files is limited, which fails a write as a full disk does."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
        "sys.argv = ['manage.py', 'backup', sys.argv[1]]; import manage; manage.main()"
    )
    connection.ensure_connection()
    address = os.environ["DATABASE_URL"].replace(
        "/commonplace?", f"/{connection.settings_dict['NAME']}?"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "notes.zip"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address, "WIKI_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1].endswith("notes.zip cannot be written: File too large.")
    assert list(tmp_path.glob("*notes.zip*")) == []


def test_a_table_that_is_being_changed_is_a_sentence_and_no_file(lived_in, tmp_path, monkeypatch):
    monkeypatch.setattr(creation, "LOCK_WAIT_MS", 50)
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("LOCK TABLE wiki_tag IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupError, match="could not be read .*lock timeout.*start again"):
            backup.backup(tmp_path / "notes.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_commands_print_their_object_and_refuse_with_exit_2(
    lived_in, elsewhere, tmp_path, capsys
):
    file = tmp_path / "notes.zip"
    call_command("backup", str(file), json=True)
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    keys = {"file", "notes", "revisions", "attachments", "bytes", "sha256", "seconds"}
    assert made.keys() == keys and made["file"] == str(file)
    with pytest.raises(CommandError, match="exists already") as refused:
        call_command("backup", str(file))
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="not empty") as refused:
        call_command("restore", str(file))
    assert refused.value.returncode == 2
    with elsewhere():
        call_command("restore", str(file), json=True)
    restored = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert restored.keys() == keys | {"ok"} and restored["ok"]
    same = keys - {"seconds"}
    assert {name: restored[name] for name in same} == {name: made[name] for name in same}
