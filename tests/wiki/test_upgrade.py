"""A new version may change the database: what it held is kept in a file first."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError

from wiki.backup import BackupError
from wiki.management.commands import up
from wiki.supervisor import upgrade
from wiki.supervisor.child_process import CannotStart


@pytest.fixture
def steps(monkeypatch) -> list[str]:
    """What an upgrade does, in order, instead of doing it."""
    done: list[str] = []

    def backup(file: Path) -> None:
        file.write_text("kept")
        done.append("backup")

    monkeypatch.setattr(upgrade, "backup", backup)
    monkeypatch.setattr(upgrade, "migrate", lambda: done.append("migrate"))
    monkeypatch.setattr(upgrade, "pending_migrations", lambda: ["wiki.0099_everything"])
    return done


def prepare(home: Path) -> None:
    up.Command()._migrate(None, home)  # type: ignore[arg-type]


def test_notes_are_backed_up_before_the_database_changes(note, steps, tmp_path, capsys):
    prepare(tmp_path)
    assert steps == ["backup", "migrate"]
    [kept] = (tmp_path / "backups").iterdir()
    assert kept.name.startswith("before-migration-") and str(kept) in capsys.readouterr().out


def test_an_empty_database_needs_no_backup(db, steps, tmp_path):
    prepare(tmp_path)
    assert steps == ["migrate"]


def test_nothing_happens_while_nothing_is_pending(note, steps, tmp_path, monkeypatch):
    monkeypatch.setattr(upgrade, "pending_migrations", list)
    prepare(tmp_path)
    assert steps == []


def test_a_failed_backup_leaves_the_database_alone(note, steps, tmp_path, monkeypatch):
    def fail(file: Path) -> None:
        raise BackupError("The disk is full.")

    monkeypatch.setattr(upgrade, "backup", fail)
    with pytest.raises(CannotStart, match="left as it is: The disk is full."):
        prepare(tmp_path)
    assert steps == []


def test_a_failed_migration_names_the_backup(note, steps, tmp_path, monkeypatch):
    def fail() -> None:
        raise DatabaseError("column exists")

    monkeypatch.setattr(upgrade, "migrate", fail)
    with pytest.raises(CannotStart, match=r"column exists.*before-migration-") as refused:
        prepare(tmp_path)
    assert str(tmp_path / "backups") in str(refused.value)


def test_the_newest_ten_backups_stay(steps, tmp_path):
    others = [tmp_path / "mine.backup", tmp_path / "before-migration-20200101-000000.backup"]
    others += [tmp_path / f"before-migration-202101{day:02}-000000.backup" for day in range(1, 13)]
    for file in others:
        file.touch()
    newest = upgrade.back_up_before_migration(tmp_path)
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept[0] == "before-migration-20210104-000000.backup"
    assert kept[-2:] == [newest.name, "mine.backup"] and len(kept) == 11


def test_a_migrated_database_has_nothing_pending(db):
    assert upgrade.pending_migrations() == []


def test_up_tells_a_full_disk_in_one_sentence(monkeypatch, tmp_path, settings):
    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device", "/data/run/up.json")

    settings.WIKI_DATA_DIR = tmp_path
    monkeypatch.setattr(up, "Instance", fail)
    with pytest.raises(CommandError) as refused:
        up.Command().handle()
    assert refused.value.returncode == 3
    assert str(refused.value).startswith("The disk is full (/data/run/up.json): free some space")
