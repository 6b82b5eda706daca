"""Whatever is written of notes, only the one who wrote it may read on the disk."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from tests.wiki.pictures import picture
from wiki.backup import backup
from wiki.backup.reader import Reader
from wiki.exporters import FORMATS
from wiki.importers.uploads import upload_folder

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def data(tmp_path: Path, settings: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path / "data"
    settings.WIKI_DATA_DIR.mkdir()
    return tmp_path / "data"


def open_to_others(*places: Path) -> list[str]:
    """Return what in these folders, and of them, others could read."""
    found = [path for place in places for path in (place, *place.rglob("*"))]
    assert any(path.is_file() for path in found)
    return [
        f"{path} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in found
        if stat.S_IMODE(path.lstat().st_mode) != (0o700 if path.is_dir() else 0o600)
    ]


@pytest.fixture
def garden(vault: Any, bring_vault: Any, data: Path) -> Path:
    files = {"deep/er/Note.md": "![](red.png) and ![](../pics/blue.png)\n"}
    files |= {"deep/er/red.png": picture(9, 9), "deep/pics/blue.png": picture(8, 8)}
    folder = vault(files)
    bring_vault(folder)
    return Path(folder)


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_exports_are_for_whoever_made_them(garden: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "exports" / format
    call_command("export_notes", str(out), format=format)
    assert open_to_others(out) == []


def test_an_export_into_a_folder_that_is_there_keeps_its_files_private(
    garden: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shared"
    out.mkdir(mode=0o755)
    call_command("export_notes", str(out), format="markdown")
    assert stat.S_IMODE(out.stat().st_mode) == 0o755, "it is not this program's to close"
    assert open_to_others(*out.iterdir()) == []


def test_kept_files_and_reports_are_the_sites_alone(garden: Path, alice: Any, data: Path) -> None:
    call_command("import_notes", str(garden), owner="alice")
    assert {path.name for path in data.iterdir()} >= {"media", "log"}
    assert open_to_others(*data.iterdir()) == []


def test_an_upload_is_private_while_it_waits(
    alice_client: Any, alice: Any, data: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(upload_folder, "spawn", lambda owner, lock: None)
    file = SimpleUploadedFile("Note.md", b"# a note\n")
    reply = alice_client.post("/import/", {"file": file, "visibility": "private"})
    assert reply.status_code == 302
    upload_folder.Upload(alice).cancel()
    assert (data / "imports" / str(alice.pk) / "upload" / "Note.md").is_file()
    assert open_to_others(data / "imports") == []


@pytest.mark.django_db(transaction=True)
def test_a_restored_folder_of_files_is_private(garden: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.zip"
    backup(saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with Reader(saved) as reader:
        reader.unpack_media(tmp_path / "restored" / "media")
    assert open_to_others(tmp_path / "restored" / "media") == []
