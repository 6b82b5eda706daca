"""A backup from a stranger is rows or nothing: what else is in it is refused by name."""

import io
import json
import re
import stat
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from tests.wiki.archives_of_backups import (
    read_zip,
    sha256,
    with_rows,
    write_format_1,
    write_zip,
)
from tests.wiki.attachments import attach
from wiki import backup
from wiki.backup import BackupError, loader, reader, restoration
from wiki.backup.schema import Schema
from wiki.files import store

pytestmark = pytest.mark.django_db(transaction=True)


class Extra(NamedTuple):
    """What somebody put into a database before it was dumped, how it goes away, its name."""

    make: str
    undo: str
    named: str


# Each of these a restore by pg_restore would have made, and run.
EXTRAS = [
    Extra(
        "CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION evil()",
        r"FUNCTION public evil\(\)",
    ),
    Extra("CREATE TABLE evil (id int)", "DROP TABLE evil", "the table evil"),
    Extra(
        "CREATE TRIGGER evil BEFORE UPDATE ON wiki_note FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "DROP TRIGGER evil ON wiki_note",
        "TRIGGER public wiki_note evil",
    ),
    Extra(
        "CREATE RULE evil AS ON DELETE TO wiki_tag DO INSTEAD NOTHING",
        "DROP RULE evil ON wiki_tag",
        "RULE public wiki_tag evil",
    ),
    Extra(
        "CREATE POLICY evil ON wiki_note USING (true)",
        "DROP POLICY evil ON wiki_note",
        "POLICY public wiki_note evil",
    ),
    Extra("CREATE TYPE evil AS ENUM ('a')", "DROP TYPE evil", "TYPE public evil"),
    Extra("CREATE VIEW evil AS SELECT 1", "DROP VIEW evil", "VIEW public evil"),
    Extra("CREATE SEQUENCE evil", "DROP SEQUENCE evil", "SEQUENCE evil"),
    Extra(
        "CREATE SCHEMA evil CREATE TABLE wiki_note (id int)",
        "DROP SCHEMA evil CASCADE",
        "SCHEMA - evil|TABLE evil wiki_note",
    ),
    Extra("CREATE EXTENSION dblink", "DROP EXTENSION dblink", "EXTENSION - dblink"),
    Extra("SELECT lo_create(666)", "SELECT lo_unlink(666)", "BLOB METADATA - 666"),
    Extra(
        "ALTER TABLE wiki_tag ADD COLUMN evil text",
        "ALTER TABLE wiki_tag DROP COLUMN evil",
        "wiki_tag with the column evil",
    ),
]


@pytest.fixture
def refused(elsewhere) -> Callable[[Path, str], None]:
    """Restore a file, which must be refused so; the instance stays as empty as it was."""

    def refuse(file: Path, match: str) -> None:
        with pytest.raises(BackupError, match=match):
            backup.restore(file)
        assert connection.introspection.table_names() == []

    return refuse


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_all_that_a_dump_can_hold_but_rows_of_ours_is_refused_by_name(
    note, elsewhere, refused, tmp_path
):
    files = []
    for number, extra in enumerate(EXTRAS):
        run(extra.make)
        try:
            files.append((write_format_1(tmp_path / f"{number}.zip"), extra.named))
        finally:
            run(extra.undo)
    with elsewhere():
        for file, named in files:
            refused(file, f"it holds ({named}), .* nothing else")


def same_length(command: str, wanted: bytes) -> bytes:
    """Return a command as long as what it replaces, so that a dump stays readable.

    Blanks are added where it has a ~, or at its end.
    """
    start, _, end = command.partition("~")
    return f"{start}{' ' * (len(wanted) - 1 - len(start + end))}{end}\n".encode()


def test_a_dump_that_runs_a_program_is_refused_and_runs_nothing(note, elsewhere, refused, tmp_path):
    """COPY … PROGRAM, a command of psql's and other statements, where the dump has its COPY."""
    said, members = read_zip(write_format_1(tmp_path / "old.zip"))
    marker = tmp_path / "ran"
    old = rb"COPY public\.wiki_revision \([^)]*\) FROM stdin;\n"
    copy = re.search(old, members["database.dump"])
    assert copy is not None
    for command in (
        f"COPY public.wiki_revision (id) FROM PROGRAM 'touch {marker}';",
        f"\\! touch {marker}",
        f"\\copy wiki_tag from program 'touch {marker}'",
        f"DO $$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {marker}'; END $$;",
        "COPY evil.wiki_revision (id) FROM stdin;",
        "COPY public.pg_authid (id~) FROM stdin;",
    ):
        dump = members["database.dump"].replace(copy[0], same_length(command, copy[0]))
        with elsewhere():
            hostile = {**members, "database.dump": dump}
            named = "TABLE DATA pg_authid" if "pg_authid" in command else repr(command[:20])[1:-1]
            refused(write_zip(tmp_path / "hostile.zip", said, hostile), re.escape(named))
    assert not marker.exists()


def test_what_a_dump_says_about_our_own_tables_is_not_run(note, elsewhere, tmp_path):
    """The schema comes from our migrations: that of the dump may be anything."""
    said, members = read_zip(write_format_1(tmp_path / "old.zip"))
    marker, dump = tmp_path / "ran", members["database.dump"]
    for found in re.findall(rb"CREATE TABLE public\.wiki_\w+ \([^;]*;\n", dump):
        command = f"COPY (SELECT 1) TO PROGRAM 'touch {marker}';"
        if len(command) < len(found):
            dump = dump.replace(found, same_length(command, found))
    assert dump.count(b"PROGRAM") > 3
    with elsewhere():
        file = write_zip(tmp_path / "hostile.zip", said, {**members, "database.dump": dump})
        assert backup.restore(file).problems == ()
    assert not marker.exists()


def test_a_dump_that_is_none_or_lacks_rows_is_a_sentence(note, elsewhere, refused, tmp_path):
    said, members = read_zip(write_format_1(tmp_path / "old.zip"))
    file = tmp_path / "changed.zip"
    with elsewhere():
        for dump in (b"no dump" * 1000, members["database.dump"][:-2000]):
            write_zip(file, said, {**members, "database.dump": dump})
            refused(file, "(could not read the backup: |do not end).*use another copy")
        said["tables"]["wiki_note"]["rows"] += 1
        refused(write_zip(file, said, members), "it holds 1 rows of wiki_note, which is not what")
        said["tables"]["evil"] = {"rows": 0, "sha256": ""}
        refused(write_zip(file, said, members), "the table evil, which is none of this version's")


@pytest.fixture
def honest(note, settings, tmp_path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the members of a backup with a note and its file."""
    settings.WIKI_DATA_DIR = tmp_path / "here"
    attach(note, "a.png", b"picture")
    return read_zip(backup.backup(tmp_path / "honest.zip").file)


MEDIA = f"media/{sha256(b'picture')[:2]}/{sha256(b'picture')[2:]}"


def test_members_that_no_backup_has_are_refused_by_name(honest, elsewhere, refused, tmp_path):
    said, members = honest
    file = tmp_path / "hostile.zip"
    rest = {name: content for name, content in members.items() if name != MEDIA}
    outside = tmp_path / "escaped"
    with elsewhere():
        for name in (
            f"media/../../{outside.name}", f"media/{outside}", "media/ab/..", "media/evil.svg",
            "media/" + "0" * 2 + "/" + "0" * 62, MEDIA.upper().replace("MEDIA", "media"),
        ):  # fmt: skip
            write_zip(file, said, {**rest, name: b"picture"})
            refused(file, f"{re.escape(name)} in it has an impossible name")
        write_zip(file, said, members)
        file.write_bytes(rezipped(file, MEDIA, b"PICTURE"))
        refused(file, f"damaged: {MEDIA} in it is not what was written")
        for name in ("evil.sh", "tables/../evil.copy", "database.dump", "/etc/passwd"):
            refused(write_zip(file, said, {**members, name: b"#!"}), f"{name} in it belongs to no")
    assert not list(tmp_path.rglob("escaped*"))


def rezipped(file: Path, name: str, content: bytes) -> bytes:
    """Return the same zip with other bytes in one member; its manifest stays."""
    with zipfile.ZipFile(file) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for one, kept in {**members, name: content}.items():
            archive.writestr(one, kept)
    return packed.getvalue()


def test_zips_that_say_two_things_are_refused(honest, elsewhere, refused, tmp_path, recwarn):
    said, members = honest
    file = tmp_path / "hostile.zip"

    def with_entry(change: Callable[[zipfile.ZipInfo], None], content: bytes = b"picture") -> Path:
        rest = {name: content for name, content in members.items() if name != MEDIA}
        write_zip(file, said, {**rest, MEDIA: content})
        manifest = json.dumps(said)
        with zipfile.ZipFile(file, "w") as archive:
            for name, kept in {**rest, "manifest.json": manifest}.items():
                archive.writestr(name, kept)
            entry = zipfile.ZipInfo(MEDIA)
            change(entry)
            archive.writestr(entry, content)
        return file

    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16

    def deflate(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = zipfile.ZIP_DEFLATED

    def lzma(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = zipfile.ZIP_LZMA

    with elsewhere():
        refused(with_entry(link), "is a link or a folder")
        refused(with_entry(deflate), "packed in a way that no attachment is")
        refused(with_entry(lzma), "packed in a way that no backup is")
        with_entry(lambda entry: None)
        with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(MEDIA, b"other")
        refused(file, f"{MEDIA} is in it twice")
        with zipfile.ZipFile(write_zip(file, said, members), "a") as archive:
            archive.writestr("evil.sh", b"#!")
        refused(file, r"evil\.sh is not in its manifest")
        del members["tables/wiki_note.copy"]
        refused(write_zip(file, said, members), "the rows of wiki_note are missing")


def test_bombs_are_refused_before_they_are_unpacked(
    honest, elsewhere, refused, tmp_path, monkeypatch
):
    said, members = honest
    file = tmp_path / "hostile.zip"
    monkeypatch.setattr(reader, "HARMLESS_BYTES", 1024 * 1024)
    with_rows(said, members, "wiki_tag", lambda rows: b"\0" * 4 * 1024 * 1024)
    write_zip(file, said, members)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**members, "manifest.json": json.dumps(said).encode()}.items():
            kind = zipfile.ZIP_STORED if name == MEDIA else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, kind)
    with elsewhere():
        refused(file, r"wiki_tag\.copy in it would unpack to far more")
        usage = namedtuple("usage", "free")
        monkeypatch.setattr(reader.shutil, "disk_usage", lambda folder: usage(10))
        refused(tmp_path / "honest.zip", "MB left. Nothing was restored; make room")


def test_files_that_share_their_bytes_are_refused(honest, elsewhere, refused, tmp_path):
    """Two entries of the list that lead to one place: so a small file can hold any number."""
    said, members = honest
    content = b"x" * 100_000
    long = f"media/{sha256(content)[:2]}/{sha256(content)[2:]}"
    file = write_zip(tmp_path / "hostile.zip", said, {**members, long: content})
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    # Take the bytes out, and let the manifest and the list lie about where they are.
    at = entries[long].header_offset + 30 + len(long)
    cut = whole[:at] + whole[at + len(content) :]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        start = archive.start_dir
    moved = bytearray(cut)
    end = moved.rfind(b"PK\5\6")
    moved[end + 16 : end + 20] = (start - len(content)).to_bytes(4, "little")
    place = moved.rfind(b"manifest.json", 0, end) - 46
    offset = entries["manifest.json"].header_offset - len(content)
    moved[place + 42 : place + 46] = offset.to_bytes(4, "little")
    file.write_bytes(moved)
    with elsewhere():
        refused(file, "share their bytes")


def test_a_manifest_of_a_strangers_is_a_sentence(honest, elsewhere, refused, tmp_path):
    said, members = honest
    file = tmp_path / "hostile.zip"
    nonsense = [
        *({**said, key: value} for key in ("tables", "members", "migrations", "sequences")
          for value in (None, 3, "x", [3], {"a": None}, {"a": {"rows": -1, "sha256": "x"}})),
        {**said, "version": 3}, {**said, "version": "\x1b[2J"}, {**said, "members": {"\x1b": {}}},
        {**said, "format": [1]}, [], None, 3,
    ]  # fmt: skip
    with elsewhere():
        for manifest in [*map(json.dumps, nonsense), "[" * 100_000, "{", "\x00"]:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("manifest.json", manifest)
            refused(file, "not a whole backup of Commonplace|not whole")
        order = ("contenttypes.0002_remove_content_type_name", "wiki.0002_notehtml_renderer")
        for name in order:
            lacking = [one for one in said["migrations"] if one != name]
            write_zip(file, {**said, "migrations": lacking}, members)
            refused(file, f"without {re.escape(name)}")


def test_columns_and_tables_that_are_not_ours_are_refused_by_name(
    honest, elsewhere, refused, tmp_path
):
    said, members = honest
    file = tmp_path / "hostile.zip"
    columns = said["tables"]["wiki_tag"]["columns"]
    with elsewhere():
        for changed, reason in (
            ([*columns, "evil"], "wiki_tag with the column evil, which"),
            (columns[1:], "wiki_tag with the column id, which is missing"),
            ([*columns, "id"], "wiki_tag with a column twice"),
            ([*columns, "id) FROM PROGRAM 'x'; --"], "wiki_tag with the column id. FROM"),
        ):
            said["tables"]["wiki_tag"]["columns"] = changed
            refused(write_zip(file, said, members), reason)
        said["tables"]["wiki_tag"]["columns"] = columns
        with_rows(said, members, "pg_authid", lambda rows: b"1\n")
        refused(write_zip(file, said, members), "the table pg_authid, which is none of")


def test_rows_that_break_a_rule_leave_an_empty_instance(honest, elsewhere, tmp_path, monkeypatch):
    """Of a file whose every hash fits; afterwards the honest one still restores."""
    file = tmp_path / "hostile.zip"

    def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
        return lambda rows: rows.replace(old, new)

    changes = [
        ("wiki_note", swap(b"public", b"nobody"), "note_visibility_known"),
        ("wiki_link", lambda rows: b"1\tkey\t999\n", "violates foreign key"),
        ("wiki_notetag", lambda rows: rows + rows, "duplicate key"),
        (
            "wiki_tag",
            lambda rows: rows + b"\\.\nDROP TABLE wiki_note;\n",
            "cannot be filled|not what",
        ),
        ("wiki_tag", lambda rows: rows + b"\x00\xff\n", "cannot be filled"),
        (
            "wiki_attachment",
            swap(sha256(b"picture").encode(), b"../../../etc/passwd"),
            "called by something else than its sha256",
        ),
    ]
    with elsewhere():
        for table, change, reason in changes:
            said, members = read_zip(tmp_path / "honest.zip")
            with_rows(said, members, table, change)
            if table == "wiki_link":
                said["tables"][table]["columns"] = ["id", "key", "note_id"]
            with pytest.raises(BackupError, match=reason):
                backup.restore(write_zip(file, said, members))
            # The schema is left as it was made; making it is not what is tried here.
            monkeypatch.setattr(Schema, "make", lambda self: None)
            assert backup.is_empty() and not list(store.kept())
        assert backup.restore(tmp_path / "honest.zip").problems == ()
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname LIKE 'commonplace_restore_%%'")
            assert cursor.rowcount == 0


def test_rows_are_loaded_by_a_role_that_may_do_nothing_else(
    honest, elsewhere, tmp_path, monkeypatch
):
    tried, copy = [], loader._copy

    def copy_and_try(rows, tables):
        copy(rows, tables)
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
            "CREATE TABLE public.evil (id int)",
            "SELECT password FROM auth_user",
            "DELETE FROM wiki_note",
        ):
            with connection.cursor() as cursor:
                cursor.execute("SAVEPOINT before")
                with pytest.raises(Exception, match="permission denied") as denied:
                    cursor.execute(statement)
                cursor.execute("ROLLBACK TO SAVEPOINT before")
                tried.append(denied.type.__name__)

    monkeypatch.setattr(loader, "_copy", copy_and_try)
    with elsewhere():
        backup.restore(tmp_path / "honest.zip")
    assert tried == ["ProgrammingError"] * 5


def test_who_is_no_superuser_restores_as_who_they_are(honest, elsewhere, tmp_path):
    """An external server, where somebody else made the extensions and the database."""
    with elsewhere():
        for statement in (
            "CREATE ROLE plain LOGIN",
            "CREATE EXTENSION vector",
            f"ALTER DATABASE {connection.settings_dict['NAME']} OWNER TO plain",
        ):
            run(statement)
        me = connection.settings_dict["USER"]
        try:
            connection.close()
            connection.settings_dict["USER"] = "plain"
            assert backup.restore(tmp_path / "honest.zip").problems == ()
        finally:
            connection.close()
            connection.settings_dict["USER"] = me
            run("DROP OWNED BY plain CASCADE")
            run(f"ALTER DATABASE {connection.settings_dict['NAME']} OWNER TO {me}")
            run("DROP ROLE plain")


def test_an_interrupted_restore_begins_again(honest, elsewhere, tmp_path, monkeypatch):
    """Killed at the last moment: the files are in place and the rows are not."""
    said, members = honest
    file = tmp_path / "honest.zip"
    with elsewhere():
        with monkeypatch.context() as patched:
            patched.setattr(restoration, "_put_in_place", interrupt)
            with pytest.raises(KeyboardInterrupt):
                backup.restore(file)
        # Making the schema again is not what is tried here.
        monkeypatch.setattr(Schema, "make", lambda self: None)
        assert backup.is_empty()
        media = tmp_path / "elsewhere" / "media"
        store_there = media / MEDIA.removeprefix("media/")
        store_there.parent.mkdir(parents=True)
        store_there.write_bytes(b"picture")
        left = media / ".restoring" / "ab" / "left over"
        left.parent.mkdir(parents=True)
        left.touch()
        (media / "mine.txt").write_text("precious")
        with pytest.raises(BackupError, match="not empty"):
            backup.restore(file)
        (media / "mine.txt").unlink()
        store_there.write_bytes(b"pict")
        with pytest.raises(BackupError, match="not empty"):
            backup.restore(file)
        store_there.write_bytes(b"picture")
        assert backup.restore(file).problems == ()
        assert dict(store.kept()).keys() == {sha256(b"picture")}
        assert [path.name for path in media.iterdir()] == [store_there.parent.name]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_tables_of_another_program_are_left_alone(honest, elsewhere, tmp_path):
    with elsewhere():
        run("CREATE TABLE orders (id int)")
        run("INSERT INTO orders VALUES (1)")
        with pytest.raises(BackupError, match=r"something else \(orders\)"):
            backup.restore(tmp_path / "honest.zip")
        assert connection.introspection.table_names() == ["orders"]


def test_a_migration_that_fails_afterwards_says_that_nothing_is_lost(
    honest, elsewhere, tmp_path, monkeypatch
):
    def fail(*args: Any, **options: Any) -> None:
        run("SELECT no_such_column")

    with elsewhere():
        monkeypatch.setattr("wiki.backup.restoration.call_command", fail)
        with pytest.raises(BackupError, match=r"Everything was restored, but .*`make run`"):
            backup.restore(tmp_path / "honest.zip")
        assert get_user_model().objects.exists() and not backup.is_empty()
        call_command("migrate", check_unapplied=True, verbosity=0)
