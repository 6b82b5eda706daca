"""Files added in the browser: to a note, and to one that is not saved yet."""

import io
import re
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError
from django.test import Client, RequestFactory
from django.urls import resolve
from django.utils import timezone
from PIL import Image

from tests.wiki.pictures import picture
from wiki.fields import Fields
from wiki.files import sanitizer, store
from wiki.management.commands import up
from wiki.markup import render
from wiki.markup.file_references import file_markdown, free_key
from wiki.models import Attachment, Note, attachment_upload
from wiki.supervisor import Supervisor
from wiki.views import uploads

pytestmark = pytest.mark.django_db

PNG = picture(4, 3)
PDF = b"%PDF-1.7 text"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path
    return tmp_path


def send(client: Client, where: Any, content: bytes, name: str = "a.png", **said: Any) -> Any:
    """Upload a file as a script does, to a note or to the form with this submission."""
    if isinstance(where, Note):
        address = f"/notes/{where.pid}/files/"
    else:
        address, said = "/notes/new/files/", {"submission": where, **said}
    return client.post(address, {"file": SimpleUploadedFile(name, content), **said})


def lying(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "media").rglob("*") if path.is_file())


def bodied(note: Note, body: str, author: Any) -> Note:
    """Save this text as the note's."""
    note = Note.objects.cards().get(pid=note.pid)
    assert note.head is not None
    fields = note.current_fields()
    said = Fields(fields.title, body, fields.ref, fields.type, fields.tags, fields.visibility)
    note.save_revision(said, base=note.head.number, author=author)
    return Note.objects.cards().get(pid=note.pid)


def test_a_picture_is_its_uploaders_alone_until_a_revision_shows_it(
    note: Note, alice: Any, alice_client: Client, bob_client: Client, client: Client
) -> None:
    reply = send(alice_client, note, PNG)
    assert reply.status_code == 201
    assert reply.json() == {"markdown": "![](a.png)", "url": f"/files/{note.pid}_1.png"}
    url = reply.json()["url"]
    mine = alice_client.get(url)
    assert mine.getvalue() == PNG and mine["Cache-Control"] == "private, no-store"
    assert {bob_client.get(url).status_code, client.get(url).status_code} == {404}
    bodied(note, f"see {reply.json()['markdown']}\n", alice)
    assert client.get(url).getvalue() == PNG
    assert f'src="{url}"' in client.get(note.get_absolute_url()).content.decode()


def test_a_file_of_an_unsaved_note_is_adopted_when_the_note_is_saved(
    alice: Any, alice_client: Client, bob_client: Client, staff_client: Client, client: Client
) -> None:
    form = uuid.uuid4()
    picture_said = send(alice_client, form, PNG).json()
    paper_said = send(alice_client, form, PDF, name="the paper.pdf").json()
    assert paper_said["markdown"] == "[the paper.pdf](the%20paper.pdf)"
    url = picture_said["url"]
    assert alice_client.get(url).getvalue() == PNG
    for other in (bob_client, staff_client, client):
        assert other.get(url).status_code == 404
    typed = {
        "title": "New",
        "body": f"{picture_said['markdown']} {paper_said['markdown']}",
        "type": "note",
        "visibility": "public",
        "submission": str(form),
    }
    page = alice_client.post("/notes/new/", {**typed, "preview": "1"}).content.decode()
    assert f'src="{url}"' in page and "is missing" not in page
    assert alice_client.post("/notes/preview/", typed).content.decode().count(url) == 1
    alice_client.post("/notes/new/", typed)
    note = Note.objects.get(title="New")
    html = client.get(note.get_absolute_url()).content.decode()
    assert f'src="/files/{note.pid}_1.png"' in html and f'href="/files/{note.pid}_2.pdf"' in html
    assert client.get(url).getvalue() == PNG, "the address it had goes on leading to it"


def test_a_text_that_moved_to_another_form_takes_its_files_along(
    alice: Any, alice_client: Client, bob_client: Client, client: Client
) -> None:
    """A draft is found in a form with another submission; a text may be copied from tab to tab."""
    left, found = uuid.uuid4(), uuid.uuid4()
    url = send(alice_client, left, PNG).json()["url"]
    typed = {
        "title": "Found",
        "body": "![](a.png)",
        "type": "note",
        "visibility": "public",
        "submission": str(found),
    }
    assert url in alice_client.post("/notes/preview/", typed).content.decode()
    assert "is missing" in bob_client.post("/notes/preview/", typed).content.decode()
    alice_client.post("/notes/new/", typed)
    note = Note.objects.get(title="Found")
    shown = client.get(f"/files/{note.pid}_1.png")
    assert shown.getvalue() == PNG
    # The form it was left in may be open still, and has its file.
    assert (
        url in alice_client.post("/notes/preview/", {**typed, "submission": left}).content.decode()
    )
    own = send(alice_client, found, picture(9, 9)).json()["url"]
    assert own in alice_client.post("/notes/preview/", typed).content.decode(), (
        "its own comes first"
    )


def test_a_form_shows_its_own_file_and_none_of_the_same_name_elsewhere(
    alice_client: Client, client: Client
) -> None:
    own, other = uuid.uuid4(), uuid.uuid4()
    send(alice_client, own, PNG)
    send(alice_client, other, picture(9, 9))
    typed = {"title": "Own", "body": "![](a.png)", "type": "note", "visibility": "public"}
    alice_client.post("/notes/new/", {**typed, "submission": str(own)})
    note = Note.objects.get(title="Own")
    assert note.attachments.count() == 1
    assert client.get(f"/files/{note.pid}_1.png").getvalue() == PNG


def test_a_form_of_somebody_else_adopts_nothing(
    bob: Any, alice_client: Client, bob_client: Client
) -> None:
    form = uuid.uuid4()
    url = send(alice_client, form, PNG).json()["url"]
    typed = {"title": "New", "body": "![](a.png)", "type": "note", "visibility": "public"}
    assert (
        url
        not in bob_client.post(
            "/notes/preview/", {**typed, "submission": str(form)}
        ).content.decode()
    )
    bob_client.post("/notes/new/", {**typed, "submission": str(form)})
    assert not Note.objects.get(title="New").attachments.exists()
    assert bob_client.get(url).status_code == 404


def test_a_file_for_a_text_that_named_it_already_is_saved_with_the_same_text(
    alice: Any, fields: Callable[..., Fields], alice_client: Client, client: Client
) -> None:
    note = Note.objects.write(fields(body="![](a.png)\n"), owner=alice)
    url = send(alice_client, note, PNG).json()["url"]
    assert client.get(url).status_code == 404
    bodied(note, "![](a.png)\n", alice)
    assert client.get(url).getvalue() == PNG
    assert client.get(f"{note.get_absolute_url()}r/0/").content.decode().count("is missing") == 1


def test_the_same_file_again_is_kept_once_and_called_the_same(
    note: Note, alice_client: Client, data_folder: Path
) -> None:
    first = send(alice_client, note, PNG).json()
    assert send(alice_client, note, PNG).json() == first
    other = send(alice_client, note, picture(5, 5)).json()
    assert other["markdown"] == "![](a-2.png)"
    assert send(alice_client, uuid.uuid4(), PNG).status_code == 201
    assert len(lying(data_folder)) == 2 and note.attachments.count() == 2


NAMES = [
    "a.png",
    "a (1).png",
    "50% & <more>.pdf",
    "a_b*c_[d].pdf",
    "ü 图.png",
    "x#y?z.pdf",
    "$5 `code` a$b.pdf",
    "a:b|c~d.pdf",
    "_x_.pdf",
    "&amp;.pdf",
    "{1569} \"q\" 'r'.pdf",
    "..png",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_markdown_finds_the_file_whatever_it_is_called(name: str) -> None:
    key = free_key(name, set())
    for embed in (True, False):
        rendered = render(f"costs $5 and a ` {file_markdown(key, embed=embed)} more")
        assert rendered.attachment_keys() == {key}
        (slot,) = rendered.slots
        assert slot.payload["text"] == ("" if embed else key)


REFUSED = [
    (b"", "a.png", 415, "empty"),
    (b"no picture", "a.png", 415, "none that a page can show"),
    (b"MZ", "a.exe", 415, "cannot link to a file"),
]


@pytest.mark.parametrize(("content", "name", "status", "words"), REFUSED)
def test_what_a_note_cannot_have_is_refused_and_nothing_is_kept(
    note: Note,
    alice_client: Client,
    data_folder: Path,
    content: bytes,
    name: str,
    status: int,
    words: str,
) -> None:
    reply = send(alice_client, note, content, name=name)
    assert reply.status_code == status and words in reply.json()["error"]
    assert not Attachment.objects.exists() and lying(data_folder) == []


def test_a_photograph_is_kept_upright_and_without_its_place(
    note: Note, alice_client: Client, data_folder: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    said = send(alice_client, note, picture(40, 30, "JPEG", exif=exif), name="IMG_1.jpg").json()
    row = Attachment.objects.get()
    assert (row.width, row.height, row.media_type) == (30, 40, "image/jpeg")
    kept = alice_client.get(said["url"]).getvalue()
    assert b"SECRET" not in kept and b"Exif" not in kept
    assert all(b"SECRET" not in (path).read_bytes() for path in data_folder.rglob("*.*"))


DRAWING = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="900" height="30" '
    b'onload="alert(1)"><style>rect{fill:red}</style><script>alert(1)</script><rect/></svg>'
)


def test_an_svg_is_shown_and_can_do_nothing(
    note: Note, alice: Any, alice_client: Client, client: Client
) -> None:
    said = send(alice_client, note, DRAWING, name="plot.svg").json()
    assert said["markdown"] == "![](plot.svg)" and said["url"].endswith(".svg")
    note = bodied(note, said["markdown"], alice)
    page = client.get(note.get_absolute_url()).content.decode()
    assert f'<img src="{said["url"]}" alt="plot.svg" width="480" height="16"' in page
    reply = client.get(said["url"])
    kept = reply.getvalue()
    assert b"alert" not in kept and b"<rect></rect>" in kept and b"fill:red" in kept
    assert reply["Content-Type"] == "image/svg+xml"
    assert reply["X-Content-Type-Options"] == "nosniff"
    policy = reply["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'; ")
    assert "script" not in policy and "allow-" not in policy and "frame-ancestors 'none'" in policy
    same = client.get(said["url"], headers={"if-none-match": reply["ETag"]})
    assert same.status_code == 304 and same["Content-Security-Policy"] == policy
    assert send(alice_client, note, DRAWING, name="again.svg").json()["url"] == said["url"]


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>", "a.svg", "declares entities"),
        (b"<svg><br></svg>", "a.svg", "well-formed"),
        (b"words", "a.svg", "none that a page can show"),
        (PNG[:50], "a.png", "damaged"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "a.jpg", "HEIC.*JPEG or PNG"),
    ],
)
def test_a_picture_that_cannot_be_cleaned_is_refused_and_nothing_is_kept(
    note: Note, alice_client: Client, data_folder: Path, content: bytes, name: str, why: str
) -> None:
    reply = send(alice_client, note, content, name=name)
    assert reply.status_code == 415 and re.search(why, reply.json()["error"])
    assert lying(data_folder) == [] and not Attachment.objects.exists()


def test_a_disk_that_is_full_while_a_picture_is_cleaned_is_said(
    note: Note, alice_client: Client, data_folder: Path, monkeypatch: Any
) -> None:
    real = sanitizer.subprocess.run
    # The file that the child writes lies in a folder that is none.
    monkeypatch.setattr(
        sanitizer.subprocess,
        "run",
        lambda args, **said: real([*args[:-1], "/dev/null/target"], **said),
    )
    reply = send(alice_client, note, DRAWING, name="plot.svg")
    assert reply.status_code == 507 and "disk" in reply.json()["error"]
    assert lying(data_folder) == []


def test_too_many_pictures_at_once_are_asked_to_come_again(
    note: Note, alice_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sanitizer, "MAX_WALL_S", 0.01)
    monkeypatch.setattr(sanitizer, "_turns", threading.Semaphore(0))
    reply = send(alice_client, note, PNG)
    assert reply.status_code == 503 and "in a minute" in reply.json()["error"]


def test_a_file_over_the_limit_is_refused_with_the_limit(
    note: Note, alice_client: Client, data_folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(store, "MAX_BYTES", 1000)
    whole = PDF + bytes(1000 - len(PDF))
    assert send(alice_client, note, whole, name="whole.pdf").status_code == 201
    assert attachment_upload.forget(note.attachments.get())
    reply = send(alice_client, note, PDF + bytes(1000), name="a.pdf")
    assert reply.status_code == 413 and "MB" in reply.json()["error"]
    monkeypatch.setattr("wiki.importers.uploads.upload_handler.FIELDS_BYTES", 0)
    assert send(alice_client, note, whole + b"1", name="a.pdf").status_code == 413
    assert lying(data_folder) == []


def test_a_full_disk_is_said_and_leaves_nothing(
    note: Note, alice_client: Client, data_folder: Path, monkeypatch: Any
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    for place in ("wiki.files.store.os.fsync", "tempfile._TemporaryFileWrapper.write"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full, raising=False)
            if "Temporary" in place:
                patch.setattr(
                    "wiki.importers.uploads.upload_handler.TemporaryFileUploadHandler.receive_data_chunk",
                    full,
                )
            reply = send(alice_client, note, PNG)
        assert reply.status_code == 507 and "disk" in reply.json()["error"]
        assert lying(data_folder) == [] and not Attachment.objects.exists()


def test_who_may_not_write_the_note_may_not_add_to_it(
    note: Note, secret: Note, bob_client: Client, client: Client, data_folder: Path
) -> None:
    for where in (note, secret):
        reply = send(bob_client, where, PNG)
        assert reply.status_code == 404 and "no note of yours" in reply.json()["error"]
        assert send(client, where, PNG).status_code == 403
    assert send(client, uuid.uuid4(), PNG).json() == {
        "error": "Sign in first; the file was not kept."
    }
    assert send(bob_client, "no form", PNG).status_code == 400
    assert bob_client.post("/notes/new/files/", {"submission": uuid.uuid4()}).status_code == 400
    assert lying(data_folder) == []


def test_without_scripts_the_file_stands_at_the_end_of_all_that_was_typed(
    note: Note, alice_client: Client
) -> None:
    typed = {"title": "Typed", "body": "typed text", "tags": "a b", "base": "0"}
    for where in (note, uuid.uuid4()):
        said = {**typed, "submission": str(uuid.uuid4())} if where is note else typed
        client = Client(headers={"accept": "text/html"})
        client.cookies = alice_client.cookies
        page = send(client, where, PNG, **said)
        html = page.content.decode()
        assert page.status_code == 201 and "<code>![](a.png)</code>" in html
        assert "typed text\n\n![](a.png)\n</textarea>" in html and 'value="Typed"' in html
        refused = send(client, where, b"", **said)
        assert refused.status_code == 415 and "typed text</textarea>" in refused.content.decode()
    assert f'action="/notes/{note.pid}/edit/"' in send(client, note, PNG, **typed).content.decode()


def test_what_nobody_saved_is_swept_after_a_day_with_its_bytes(
    note: Note, alice: Any, alice_client: Client, data_folder: Path
) -> None:
    send(alice_client, note, PNG)
    send(alice_client, note, PDF, name="kept.pdf")
    form = uuid.uuid4()
    send(alice_client, form, picture(7, 7))
    shared = picture(8, 8)
    send(alice_client, form, shared, name="shared.png")
    Attachment.objects.add(note, key="imported.png", name="imported.png", content=shared)
    bodied(note, "[](kept.pdf)", alice)
    assert attachment_upload.sweep() == 0
    Attachment.objects.update(created=timezone.now() - timedelta(hours=25))
    assert attachment_upload.sweep() == 3
    assert sorted(Attachment.objects.values_list("key", flat=True)) == ["imported.png", "kept.pdf"]
    assert len(lying(data_folder)) == 2


def test_up_sweeps_and_goes_on_where_that_fails(
    note: Note, alice_client: Client, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(up, "connections", SimpleNamespace(close_all=lambda: None))
    send(alice_client, note, PNG)
    Attachment.objects.update(created=timezone.now() - timedelta(hours=25))
    supervisor: Any = SimpleNamespace(is_stopping=False, look=lambda: None)
    supervisor.rest = lambda: setattr(supervisor, "is_stopping", True)
    Supervisor.run(supervisor, up.Command()._keep_up)
    assert not Attachment.objects.exists() and "Removed 1 files" in capsys.readouterr().out
    monkeypatch.setattr(
        attachment_upload, "sweep", lambda: (_ for _ in ()).throw(DatabaseError("away"))
    )
    up.Command()._keep_up()


def test_one_person_cannot_fill_the_disk_with_what_is_never_saved(
    note: Note, alice: Any, alice_client: Client, bob_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(attachment_upload, "MAX_UNSAVED", 1)
    assert send(alice_client, note, PNG).status_code == 201
    reply = send(alice_client, uuid.uuid4(), PDF, name="a.pdf")
    assert reply.status_code == 413 and "Save the notes" in reply.json()["error"]
    assert send(bob_client, uuid.uuid4(), PDF, name="a.pdf").status_code == 201
    bodied(note, "![](a.png)", alice)
    assert send(alice_client, note, PDF, name="a.pdf").status_code == 201


def test_a_stopped_upload_leaves_nothing(note: Note, alice: Any, data_folder: Path) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + picture(300, 300)
        + b"\r\n--x--\r\n"
    )
    request = RequestFactory().generic(
        "POST", "/", body, "multipart/form-data; boundary=x", CONTENT_LENGTH=len(body)
    )
    request.environ["wsgi.input"] = io.BytesIO(body[:-500])
    stopped: Any = WSGIRequest(request.environ)
    stopped.user, stopped.resolver_match = alice, resolve(f"/notes/{note.pid}/files/")
    reply = uploads.note_files(stopped, note.pid)
    assert reply.status_code == 400 and b"did not arrive whole" in reply.content
    assert lying(data_folder) == [] and not Attachment.objects.exists()


def test_going_back_and_adding_more_belongs_to_the_note_that_was_saved(
    note: Note, alice_client: Client, client: Client
) -> None:
    form = uuid.uuid4()
    typed = {"title": "New", "type": "note", "visibility": "public", "submission": str(form)}
    send(alice_client, form, PNG)
    alice_client.post("/notes/new/", {**typed, "body": "![](a.png)"})
    first = Note.objects.get(title="New")
    send(alice_client, first, PDF, name="b.pdf")
    url = send(alice_client, form, PDF, name="c.pdf").json()["url"]
    alice_client.post("/notes/new/", {**typed, "body": "![](a.png) [b](b.pdf) [c](c.pdf)"})
    html = client.get(Note.objects.get(title="New").get_absolute_url()).content.decode()
    for number, kind in ((1, "png"), (2, "pdf"), (3, "pdf")):
        assert f"/files/{first.pid}_{number}.{kind}" in html
    assert client.get(url).getvalue() == PDF


def test_a_file_survives_the_conflict_it_was_saved_into(
    note: Note, alice: Any, alice_client: Client, client: Client
) -> None:
    """Two tabs: each adds a file of the same name and changes the same line."""
    first = send(alice_client, note, PNG).json()
    second = send(alice_client, note, picture(9, 9)).json()
    assert (first["markdown"], second["markdown"]) == ("![](a.png)", "![](a-2.png)")
    typed = {"title": note.title, "type": "paper", "visibility": "public", "base": "0"}
    address = f"/notes/{note.pid}/edit/"
    alice_client.post(address, {**typed, "body": first["markdown"]})
    conflict = alice_client.post(address, {**typed, "body": second["markdown"]})
    assert conflict.status_code == 409
    both = f"{first['markdown']} {second['markdown']}"
    alice_client.post(address, {**typed, "base": "1", "body": both})
    assert client.get(first["url"]).getvalue() == PNG
    assert client.get(second["url"]).getvalue() == picture(9, 9)
