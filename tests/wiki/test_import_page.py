"""Importing in the browser: first a look, then the import; one at a time, told honestly."""

import io
import json
import os
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from tests.conftest import signed_in
from tests.wiki.page_text import Text
from tests.wiki.pictures import picture
from wiki.exporters import FORMATS
from wiki.importers.uploads import run, upload_folder, upload_handler
from wiki.importers.uploads.upload_folder import Upload
from wiki.models import Note, Revision

PAGE = Path(__file__).parent / "data" / "m8ta-page.txt"
VAULT = {
    "garden/a.md": "# A\n\nSee [[B]], ![[x.png]] and $x^2$ #tag\n",
    "garden/sub/b.md": "---\ntags: [broken\n---\n# B\n",
    "garden/sub/A.md": "# A\n\nagain\n",
    "garden/x.png": picture(3, 3),
}


def run_here(owner: int, lock: int) -> None:
    """Run what would be a process of its own, at once and here."""
    run.run(Upload(get_user_model().objects.get(pk=owner)))


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any, monkeypatch: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(upload_folder, "spawn", run_here)
    monkeypatch.setattr(upload_folder, "POLL_S", 0.01)
    return tmp_path / "data"


def packed(files: dict[str, Any] = VAULT, name: str = "My vault.zip") -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return SimpleUploadedFile(name, buffer.getvalue())


def send(client: Client, file: Any = None, **said: Any) -> Any:
    form = {"file": file or packed(), "visibility": "private", **said}
    return client.post("/import/", form, follow=True)


def words(reply: Any) -> str:
    """Return what the page says below its head."""
    html = reply.content.decode()
    return Text(html[html.index('<section class="row" id="import"') :]).all


def test_first_comes_a_look_and_nothing_changes(alice: Any, alice_client: Client) -> None:
    reply = send(alice_client)
    said = words(reply)
    assert "Nothing has changed yet. It would be, of 3 in all: created 3" in said
    assert "links 1, of which 1 lead to a note" in said and "formulas 1" in said
    assert "1 × front-matter sub/b.md The front matter cannot be read" in said
    assert "1 × same-title" in said and "read by only you" in said
    assert "bring them in" in said and not Note.objects.exists()


def test_then_the_import(alice: Any, alice_client: Client, data_folder: Path) -> None:
    send(alice_client)
    reply = alice_client.post("/import/start/", follow=True)
    assert "Done. Of 3 in all: created 3" in words(reply) and "files 1" in words(reply)
    notes = Note.objects.order_by("pid")
    assert [(note.title, note.visibility, note.owner) for note in notes] == [
        ("A", "private", alice),
        ("A", "private", alice),
        ("b", "private", alice),
    ]
    assert {note.import_key for note in notes} == {
        f"vault:garden/{name}" for name in ("a.md", "sub/A.md", "sub/b.md")
    }
    assert list((data_folder / "imports" / str(alice.pk) / "upload").iterdir()) == []
    assert list((data_folder / "unpacking").iterdir()) == []


def test_the_same_again_changes_nothing(alice_client: Client) -> None:
    for expected in ("created 3", "unchanged 3"):
        send(alice_client)
        assert expected in words(alice_client.post("/import/start/", follow=True))
    assert Note.objects.count() == 3


def test_what_was_asked_for_is_done(alice_client: Client) -> None:
    send(alice_client, visibility="public", folder_tags="on", name="mine")
    alice_client.post("/import/start/")
    note = Note.objects.get(title="b")
    assert note.is_public and note.import_key == "vault:mine/sub/b.md"
    assert "sub" in [tag.name for tag in note.shown_tags()]


def test_the_report_has_a_line_for_each_item(alice_client: Client) -> None:
    assert alice_client.get("/import/report/").status_code == 404
    send(alice_client)
    reply = alice_client.get("/import/report/")
    lines = [json.loads(line) for line in reply.getvalue().splitlines()]
    assert [line["path"] for line in lines if line["outcome"]] == ["a.md", "sub/A.md", "sub/b.md"]
    assert reply["Content-Disposition"].startswith("attachment")
    assert "no-store" in reply["Cache-Control"]


def test_a_single_file_and_a_saved_page_come_in_too(alice_client: Client) -> None:
    send(alice_client, SimpleUploadedFile("Ünï note.md", b"# One\n\nfile\n"))
    alice_client.post("/import/start/")
    assert Note.objects.get().import_key == "vault:files/Ünï note.md"
    send(alice_client, SimpleUploadedFile("page.txt", PAGE.read_bytes()))
    reply = alice_client.post("/import/start/", follow=True)
    assert "created" in words(reply) and Note.objects.filter(visibility="public").count() == 0


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (packed({"../evil.md": "x"}), "leads out of the folder"),
        (packed({"a.txt": "x"}), "holds nothing that can be imported"),
        (SimpleUploadedFile("a.zip", b"PK\x03\x04 no zip"), "is no whole zip"),
        (SimpleUploadedFile("a.html", b"<script>alert(1)</script>"), "holds nothing that can be"),
        (SimpleUploadedFile("archive.json", b"{}"), "the archive of a whole notebook"),
        (packed({"x/archive.json": "{}"}), "the archive of a whole notebook"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_a_sentence(
    alice_client: Client, file: Any, reason: str
) -> None:
    file.seek(0)
    reply = send(alice_client, file)
    assert reason in words(reply) and "bring them in" not in words(reply)
    assert alice_client.post("/import/start/").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../evil.zip", "a\\b.zip", "x" * 300 + ".zip", "a\nb.zip", "a<script>.zip"]
)
def test_a_name_of_a_file_harms_nothing(
    alice_client: Client, alice: Any, data_folder: Path, name: str
) -> None:
    reply = send(alice_client, packed(name=name))
    assert "created 3" in words(reply) and b"<script>.zip" not in reply.content
    ((only),) = (data_folder / "imports" / str(alice.pk) / "upload").iterdir()
    assert only.is_file()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"file": ""}, "No file arrived"),
        ({"file": SimpleUploadedFile("a.zip", b"")}, "The file is empty"),
        ({"visibility": "all"}, "valid choice"),
        ({"name": "a/b"}, "A slash cannot stand"),
        ({"name": ".."}, "A slash cannot stand"),
    ],
)
def test_a_form_with_a_mistake_says_so(alice_client: Client, said: Any, reason: str) -> None:
    reply = alice_client.post("/import/", {"file": packed(), "visibility": "private"} | said)
    assert reply.status_code == 422 and reason in reply.content.decode()


def test_a_file_over_the_cap_is_dropped_on_its_way(alice_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(upload_handler, "MAX_BYTES", 1000)
    reply = send(alice_client, SimpleUploadedFile("a.zip", os.urandom(100_000)))
    assert reply.status_code == 422 and "at most 200 MB" in reply.content.decode()


def test_a_file_of_nobody_is_not_kept(client: Client, monkeypatch: Any) -> None:
    kept = []
    monkeypatch.setattr(
        upload_handler.TemporaryFileUploadHandler, "receive_data_chunk", lambda *_: kept.append(1)
    )
    reply = client.post("/import/", {"file": packed(), "visibility": "private"})
    assert reply.status_code == 403 and not kept


def test_nobody_sees_what_another_imports(alice_client: Client, bob_client: Client) -> None:
    send(alice_client)
    assert "My vault" not in bob_client.get("/import/").content.decode()
    for method, path in [("get", "report"), ("post", "start"), ("post", "cancel")]:
        assert getattr(bob_client, method)(f"/import/{path}/").status_code == 404
    assert "My vault" in alice_client.get("/import/").content.decode()


def test_only_ones_own_notes_are_touched(
    alice: Any, bob_client: Client, fields: Any, bob: Any
) -> None:
    note = Note.objects.write(fields(title="A", body="alice's\n"), owner=alice)
    Note.objects.filter(pid=note.pid).update(import_key="vault:garden/a.md")
    send(bob_client)
    bob_client.post("/import/start/")
    note.refresh_from_db()
    assert note.owner == alice and note.head and note.head.body == "alice's\n"
    assert Note.objects.filter(owner=bob).count() == 3


@pytest.mark.parametrize("kind", ["a file", "a zip"])
def test_an_import_for_oneself_publishes_nothing(
    client: Client, alice_client: Client, kind: str
) -> None:
    def file(text: str) -> SimpleUploadedFile:
        if kind == "a zip":
            return packed({"garden/TODO.md": text})
        return SimpleUploadedFile("TODO.md", text.encode())

    send(alice_client, file("# TODO\n\nplan\n"), visibility="public")
    alice_client.post("/import/start/")
    note = Note.objects.get()
    checked = words(send(alice_client, file("# TODO\n\nmy-secret\n")))
    done = words(alice_client.post("/import/start/", follow=True))
    for said in (checked, done):
        assert "failed 1" in said and "1 × public-here TODO.md" in said
        assert f"made note {note.pid} of this" in said and "created" not in said
    assert "my-secret" not in client.get(f"/notes/{note.pid}/").content.decode()
    assert Note.objects.get().head == note.head
    # Under a name of its own it is another note.
    send(alice_client, file("# TODO\n\nmy-secret\n"), name="diary")
    alice_client.post("/import/start/")
    assert not Note.objects.get(head__body__contains="my-secret").is_public


def numbered(*pids: int) -> SimpleUploadedFile:
    """Give a page of notes with these numbers."""
    header = "hide / / print\nref: tags: date: 01-01-2020 00:00 gmt revision:0 [head]"
    entries = [f"{{{pid}}}\n{header}\n\nNote {place}\n" for place, pid in enumerate(pids)]
    return SimpleUploadedFile("page.txt", "\n".join(entries).encode())


def test_what_somebody_sends_chooses_no_numbers(
    client: Client, alice_client: Client, note: Note, fields: Any, alice: Any, tmp_path: Path
) -> None:
    free = note.pid + 500
    sent = (2**53, 2**53 - 1, 10**17, note.pid, free)
    checked = words(send(alice_client, numbered(*sent), visibility="public"))
    assert "created 5" in checked and "pid-" not in checked
    done = words(alice_client.post("/import/start/", follow=True))
    assert "created 5" in done and "pid-" not in done
    brought = list(Note.objects.exclude(pid=note.pid).order_by("pid"))
    assert [one.pid for one in brought] == list(range(note.pid + 1, note.pid + 6))
    assert all(one.legacy_pid is None for one in brought)
    assert Note.objects.write(fields(), owner=alice).pid == note.pid + 6
    # An old address leads where it led, or nowhere.
    assert client.get(f"/index.pl?pid={note.pid}")["Location"] == note.get_absolute_url()
    assert client.get(f"/index.pl?pid={free}").status_code == 404
    # Its numbers still name the entries, for the sender alone.
    send(alice_client, numbered(*sent), visibility="public")
    assert "unchanged 5" in words(alice_client.post("/import/start/", follow=True))
    assert not Note.objects.exclude(legacy_pid=None).exists()
    FORMATS["json"](tmp_path / "archive")
    assert json.loads((tmp_path / "archive/archive.json").read_text())["last_pid"] == note.pid + 6


def test_the_check_tells_nothing_of_which_numbers_exist(
    alice_client: Client, secret: Note, bob: Any, fields: Any
) -> None:
    Note.objects.filter(pid=secret.pid).update(owner=bob)
    said = []
    for pid in (secret.pid, secret.pid + 500):
        page = words(send(alice_client, numbered(pid)))
        report = alice_client.get("/import/report/").getvalue().decode()
        said.append((page.replace(str(pid), ""), report.replace(str(pid), "")))
    assert said[0] == said[1] and '"pid": null' in said[0][1]


def test_few_bytes_make_few_revisions(alice_client: Client) -> None:
    header = "hide / / print\nref: tags: date: 01-01-2020 00:00 gmt revision:10000 [head]"
    page = "\n".join(f"{header}\n\n{title}\n" for title in "ABC")
    checked = words(send(alice_client, SimpleUploadedFile("page.txt", page.encode())))
    assert "created 3" in checked and "3 × too-many-revisions" in checked
    alice_client.post("/import/start/")
    assert Note.objects.count() == 3 and Revision.objects.count() < 2_000


def test_git_is_never_asked_about_what_somebody_sent(
    alice_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr("wiki.importers.formats.markdown.history", lambda root: 1 / 0)
    files = {**VAULT, "garden/.git/config": "[core]\nfsmonitor = touch /tmp/evil\n"}
    assert "created 3" in words(send(alice_client, packed(files)))


# While it runs.


@pytest.fixture
def held(monkeypatch: Any) -> Callable[[], Any]:
    """Start runs that do nothing yet; what this returns lets the last one end, or die."""
    started: list[int] = []
    monkeypatch.setattr(upload_folder, "spawn", lambda owner, lock: started.append(os.dup(lock)))
    return lambda: os.close(started.pop())


def test_a_running_import_shows_how_far_it_is(
    alice: Any, alice_client: Client, held: Callable[[], Any]
) -> None:
    reply = send(alice_client)
    assert "It is about to be looked at" in words(reply)
    upload = Upload(alice)
    upload.write(upload_folder.replace(upload.stored(), status="running", done=7, total=50))
    reply = alice_client.get("/import/")
    html = reply.content.decode()
    assert "Looking at it: 7 of 50 done." in words(reply)
    assert '<progress aria-label="How far" max="50" value="7">' in html
    assert '<noscript><meta http-equiv="refresh"' in html
    assert re.search(r'id="import" data-hx-get="/import/" data-hx-trigger="load', html)
    assert 'type="file"' not in html
    held()


def test_a_finished_import_asks_no_more(alice_client: Client) -> None:
    html = send(alice_client).content.decode()
    assert "hx-get" not in html and "http-equiv" not in html


def test_a_second_import_of_the_same_person_is_refused(
    alice_client: Client, held: Callable[[], Any]
) -> None:
    send(alice_client)
    reply = alice_client.post("/import/", {"file": packed(), "visibility": "private"})
    assert reply.status_code == 422 and "An import of yours is running" in reply.content.decode()
    held()


def test_a_run_that_died_is_told_honestly(
    alice: Any, alice_client: Client, held: Callable[[], Any]
) -> None:
    send(alice_client)
    held()
    reply = alice_client.get("/import/")
    assert "stopped or restarted before it was looked at" in words(reply)
    assert "see what would happen" in words(reply)


def test_an_import_that_died_can_go_on(
    alice: Any, alice_client: Client, held: Callable[[], Any], monkeypatch: Any
) -> None:
    waiting = upload_folder.spawn
    monkeypatch.setattr(upload_folder, "spawn", run_here)
    send(alice_client)
    monkeypatch.setattr(upload_folder, "spawn", waiting)
    alice_client.post("/import/start/")
    upload = Upload(alice)
    upload.write(upload_folder.replace(upload.stored(), status="running", done=2, total=3))
    held()
    said = words(alice_client.get("/import/"))
    assert "stopped or restarted while it was being brought in: 2 of 3 were done" in said
    monkeypatch.setattr(upload_folder, "spawn", run_here)
    assert "created 3" in words(alice_client.post("/import/start/", follow=True))


def test_a_stopped_import_leaves_whole_notes_and_goes_on(
    alice: Any, alice_client: Client, monkeypatch: Any
) -> None:
    files = {f"v/{i}.md": f"# Note {i}\n\nx\n" for i in range(450)}
    send(alice_client, packed(files))
    write = run.Progress.__call__

    def stop_at(self: Any, done: int, total: int) -> None:
        if done >= 200:
            Upload(alice).cancel()
        write(self, done, total)

    monkeypatch.setattr(run.Progress, "__call__", stop_at)
    reply = alice_client.post("/import/start/", follow=True)
    assert "You stopped it after" in words(reply) and "go on" in words(reply)
    assert Note.objects.count() == 200
    monkeypatch.setattr(run.Progress, "__call__", write)
    reply = alice_client.post("/import/start/", follow=True)
    assert "created 250 unchanged 200" in words(reply)
    assert Note.objects.count() == 450


def test_a_mistake_of_ours_is_told_and_raised(
    alice: Any, alice_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(run, "import_path", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(alice_client)
    assert "a mistake in this program" in words(alice_client.get("/import/"))


def test_one_import_waits_for_another(
    alice: Any, bob: Any, alice_client: Client, bob_client: Client, held: Callable[[], Any]
) -> None:
    send(alice_client)
    send(bob_client)
    with Upload(alice).turn() as may_run:
        assert may_run
        Upload(bob).cancel()
        with Upload(bob).turn() as may_bob:
            assert not may_bob
    (Upload(bob).folder / "cancel").unlink()
    with Upload(bob).turn() as may_bob:
        assert may_bob
    held()
    held()


def test_a_file_can_be_forgotten(alice: Any, alice_client: Client) -> None:
    send(alice_client)
    reply = alice_client.post("/import/cancel/", follow=True)
    assert "My vault" not in reply.content.decode() and not Upload(alice).folder.exists()


@pytest.mark.django_db(transaction=True)
def test_a_real_process_does_it_and_pages_stay_quick(
    alice: Any, tmp_path: Path, monkeypatch: Any, settings: Any
) -> None:
    monkeypatch.undo()
    settings.WIKI_DATA_DIR = tmp_path / "data"
    address = os.environ["DATABASE_URL"]
    name = connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", address, count=1))
    monkeypatch.setenv("WIKI_DATA_DIR", str(settings.WIKI_DATA_DIR))
    client = signed_in(alice)
    send(client)
    assert "created 3" in finished(client)
    client.post("/import/start/")
    assert "Done. Of 3 in all: created 3" in finished(client)
    assert Note.objects.filter(owner=alice).count() == 3


def finished(client: Client) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        reply = client.get("/import/")
        if b"hx-get" not in reply.content:
            return words(reply)
        time.sleep(0.2)
    raise AssertionError("it never ended")
