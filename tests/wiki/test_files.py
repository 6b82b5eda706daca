"""Files of notes: kept by their bytes, served by what they are, seen by who sees the note."""

import io
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from PIL import Image

from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.files import images, store
from wiki.files.store import FileRefused
from wiki.models import Attachment, Note

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path
    return tmp_path


def add(note: Note, content: Path | bytes, key: str = "a.png") -> Attachment:
    return attach(note, key, content)


def lying(folder: Path) -> list[str]:
    """Return every file of the data folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_bytes_are_kept_once_whatever_notes_have_them(
    note: Note, secret: Note, data_folder: Path
) -> None:
    one, other = add(note, b"same"), add(secret, b"same", key="b.txt")
    assert one.sha256 == other.sha256
    assert lying(data_folder) == [f"media/{one.sha256[:2]}/{one.sha256[2:]}"]
    assert one.path.read_bytes() == b"same"
    assert one.path.stat().st_mode & 0o077 == 0


def test_the_same_file_again_writes_nothing(
    note: Note, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(picture(3, 4))
    first = add(note, file)
    before = first.path.stat().st_mtime_ns
    with django_assert_num_queries(1):
        assert Attachment.objects.add(note, key="a.png", name="a.png", content=file) == first
    assert first.path.stat().st_mtime_ns == before
    assert (first.number, first.width, first.height, first.bytes) == (1, 3, 4, len(picture(3, 4)))


def test_another_file_under_the_same_key_takes_a_new_number(note: Note) -> None:
    first = add(note, b"one")
    add(note, b"two", key="b.png")
    other = add(note, picture(5, 6))
    assert (first.number, other.number) == (1, 3)
    first.refresh_from_db()
    assert first.path.read_bytes() == b"one" and (other.media_type, other.width) == (
        "image/png",
        5,
    )
    assert add(note, b"one") == first, "the bytes it had before are the file it had before"


def test_a_file_that_was_lost_is_kept_again(note: Note) -> None:
    first = add(note, b"one")
    first.path.unlink()
    assert add(note, b"one").path.read_bytes() == b"one"


def test_a_file_over_the_cap_is_refused_with_a_sentence(
    note: Note, data_folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(store, "MAX_BYTES", 3 * 1024**2)
    with pytest.raises(FileRefused, match="more than 3 MB"):
        add(note, bytes(3 * 1024**2 + 1))
    assert not note.attachments.exists() and lying(data_folder) == []


def test_a_link_is_not_followed(note: Note, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link.png").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic"):
        add(note, tmp_path / "link.png")


@pytest.mark.parametrize("key", ["", "x" * 501, "a\0b"])
def test_a_key_that_no_text_can_hold_is_refused(note: Note, key: str) -> None:
    with pytest.raises(FileRefused, match="A text cannot name"):
        Attachment.objects.add(note, key=key, name="a", content=b"")


def test_a_row_that_fails_leaves_only_a_file(note: Note, monkeypatch: Any) -> None:
    monkeypatch.setattr(store.tempfile, "mkstemp", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        add(note, b"one")
    assert not note.attachments.exists()


KINDS = [
    (picture(2, 2), "image/png", "png", "inline"),
    (picture(2, 2, "JPEG"), "image/jpeg", "jpg", "inline"),
    (picture(2, 2, "GIF"), "image/gif", "gif", "inline"),
    (picture(2, 2, "WEBP"), "image/webp", "webp", "inline"),
    (b"%PDF-1.7\n/JS (app.alert(1))", "application/pdf", "pdf", "attachment"),
    (SVG, "application/octet-stream", "bin", "attachment"),
    (HTML, "application/octet-stream", "bin", "attachment"),
    (b'<?xml version="1.0"?>' + SVG, "application/octet-stream", "bin", "attachment"),
    (b"GIF89a/*" + HTML, "image/gif", "gif", "inline"),
    (HTML + picture(2, 2), "application/octet-stream", "bin", "attachment"),
    (b"\n%PDF-1.7", "application/octet-stream", "bin", "attachment"),
    (b"BM" + bytes(50), "application/octet-stream", "bin", "attachment"),
    (b"", "application/octet-stream", "bin", "attachment"),
]


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.html", "a.pdf"])
@pytest.mark.parametrize(("content", "media_type", "extension", "shown"), KINDS)
def test_a_file_is_served_by_its_bytes_and_never_by_its_name(
    note: Note,
    client: Client,
    content: bytes,
    media_type: str,
    extension: str,
    shown: str,
    name: str,
) -> None:
    url = add(note, content, key=name).get_absolute_url()
    assert url == f"/files/{note.pid}_1.{extension}"
    reply = client.get(url)
    assert reply.getvalue() == content
    assert reply["Content-Type"] == media_type
    assert reply["Content-Disposition"] == f'{shown}; filename="{name}"'
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Content-Security-Policy"].startswith("sandbox; default-src 'none', ")
    assert int(reply["Content-Length"]) == len(content)


def test_no_other_ending_leads_to_a_file(note: Note, client: Client) -> None:
    add(note, SVG, key="a.svg")
    for ending in ("1.svg", "1.html", "1.png", "2.bin", "0.bin", "1_thumb.png", "1_thumb.bin"):
        assert client.get(f"/files/{note.pid}_{ending}").status_code == 404
    assert client.get("/files/99999999999999999999_1.bin").status_code == 404
    assert client.get(f"/files/{note.pid}_99999999999999999999.bin").status_code == 404


def said_by(reply: Any) -> str:
    """Return a page without what differs from one request to the next."""
    page: str = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", reply.content.decode())
    return re.sub(r"_\d(_thumb)?\.png", "", page)


def test_a_private_file_is_like_a_missing_one(
    secret: Note, alice_client: Client, charlie_client: Client, client: Client
) -> None:
    url = add(secret, picture(600, 2)).get_absolute_url()
    missing = f"/files/{secret.pid}_7.png"
    for path in (url, url.replace(".png", "_thumb.png")):
        for reader in (charlie_client, client):
            reply = reader.get(path)
            assert reply.status_code == 404
            assert said_by(reply) == said_by(reader.get(missing))
        mine = alice_client.get(path)
        assert mine.status_code == 200 and mine["Cache-Control"] == "private, no-store"
        mine.getvalue()


def test_a_file_of_a_note_in_the_trash_is_gone(
    note: Note, alice: Any, alice_client: Client
) -> None:
    url = add(note, b"one").get_absolute_url()
    note.move_to_trash(alice)
    assert alice_client.get(url).status_code == 404


def test_a_public_file_that_a_browser_has_is_not_sent_again(note: Note, client: Client) -> None:
    url = add(note, b"one").get_absolute_url()
    reply = client.get(url)
    reply.getvalue()
    etag = reply["ETag"]
    assert client.get(url, headers={"if-none-match": etag}).status_code == 304


def test_a_file_whose_bytes_are_lost_is_missing(note: Note, client: Client, caplog: Any) -> None:
    file = add(note, picture(600, 2))
    file.path.unlink()
    assert client.get(file.get_absolute_url()).status_code == 404
    assert client.get(file.thumbnail_url).status_code == 404
    assert "bytes of file" in caplog.text and "a.png" not in caplog.text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_large_picture_has_a_small_one(note: Note, client: Client, kind: str) -> None:
    file = add(note, picture(1000, 500, kind))
    assert file.has_thumbnail and file.shown_size == (480, 240)
    reply = client.get(file.thumbnail_url)
    small = Image.open(io.BytesIO(reply.getvalue()))
    assert small.size == (480, 240)
    assert reply["Content-Type"] == Image.MIME[small.format or ""]
    assert reply["Content-Disposition"].startswith("inline")
    made = file.thumbnail()
    assert made is not None
    before = made.stat().st_mtime_ns
    client.get(file.thumbnail_url).getvalue()
    assert made.stat().st_mtime_ns == before


def test_a_picture_that_fits_has_no_small_one(note: Note, client: Client) -> None:
    file = add(note, picture(480, 5000))
    assert not file.has_thumbnail and file.shown_size == (480, 5000)
    assert client.get(f"/files/{note.pid}_1_thumb.png").status_code == 404


def test_a_turned_photograph_is_shown_upright(note: Note) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = add(note, picture(1000, 500, "JPEG", exif=exif))
    assert (file.width, file.height) == (500, 1000)
    small = file.thumbnail()
    assert small is not None
    with Image.open(small) as shown:
        assert shown.size == (480, 960)


def test_a_broken_picture_has_no_small_one_but_is_there(note: Note, client: Client) -> None:
    content = picture(1000, 900)[:600]
    file = add(note, content)
    for _ in range(2):
        reply = client.get(file.thumbnail_url)
        assert reply.getvalue() == content and reply["Content-Type"] == "image/png"
    assert file.thumbnail() is None


def test_a_picture_without_a_header_is_no_picture(note: Note) -> None:
    file = add(note, picture(1000, 900)[:12])
    assert (file.width, file.height, file.is_shown) == (None, None, False)


def test_a_picture_of_too_many_pixels_is_never_unpacked(note: Note, client: Client) -> None:
    small = bytearray(picture(8, 8))
    small[16:24] = (40_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(small[12:29]).to_bytes(4, "big")
    file = add(note, bytes(small))
    assert file.media_type == "image/png" and not file.is_shown
    assert client.get(f"/files/{note.pid}_1_thumb.png").status_code == 404


def test_a_picture_that_takes_too_long_is_given_up(note: Note, monkeypatch: Any) -> None:
    file = add(note, picture(1000, 900))
    monkeypatch.setattr(images, "MAX_WALL_S", 0.001)
    assert file.thumbnail() is None
    monkeypatch.undo()
    assert file.thumbnail() is None, "what failed once is not tried with every page"


def test_many_who_add_at_once_get_different_numbers(note: Note) -> None:
    rows = [add(note, f"{i}".encode(), key=f"{i}") for i in range(5)]
    assert sorted(row.number for row in rows) == [1, 2, 3, 4, 5]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_unfinished_file_is_not_a_kept_one(note: Note, data_folder: Path) -> None:
    file = add(note, picture(1000, 900))
    file.thumbnail()
    (data_folder / "media/.x.part").write_bytes(b"x")
    assert list(store.kept()) == [(file.sha256, file.path)]
