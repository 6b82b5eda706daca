"""Which file each revision shows, and so who may read it."""

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.exporters import json_archive, markdown
from wiki.fields import Fields
from wiki.importers.batch import import_path
from wiki.markup.rendered import as_typed
from wiki.models import Attachment, Note, RevisionFile, VisibilityChange, attachment_upload
from wiki.rendering import sandbox

pytestmark = pytest.mark.django_db

RED, GREEN, WIDE = picture(5, 5), picture(6, 6), picture(600, 5)
PDF = b"%PDF-1.7 text"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> Path:
    settings.WIKI_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@pytest.fixture
def held(alice: Any, fields: Callable[..., Fields]) -> Note:
    """A private note that shows a picture and links to a paper."""
    said = fields(title="Held", body="![](x.png) [p](p.pdf)\n", visibility="private")
    note = Note.objects.write(said, owner=alice)
    attach(note, "x.png", WIDE)
    attach(note, "p.pdf", PDF)
    return note


def saved(note: Note, author: Any, **said: Any) -> Note:
    """Save the note with other fields; returns it as it is then."""
    note = Note.objects.cards().get(pid=note.pid)
    assert note.head is not None
    note.save_revision(replace(note.current_fields(), **said), base=note.head.number, author=author)
    return Note.objects.cards().get(pid=note.pid)


def statuses(client: Client, *addresses: str) -> set[int]:
    replies = [client.get(address) for address in addresses]
    for reply in replies:
        reply.getvalue()
    return {reply.status_code for reply in replies}


def said_by(reply: Any) -> str:
    """Return a page without what differs from one request to the next."""
    page: str = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", reply.content.decode())
    return re.sub(r"_\d\.png", "", page)


def shown(client: Client, address: str) -> bytes:
    """Return the bytes of the one picture on a page."""
    html = client.get(address).content.decode()
    (source,) = re.findall(r'<img src="(/files/[^"]+)"', html)
    return bytes(client.get(source).getvalue())


def addresses(note: Note) -> tuple[str, str, str]:
    pid = note.pid
    return f"/files/{pid}_1.png", f"/files/{pid}_1_thumb.png", f"/files/{pid}_2.pdf"


# Who may read.


def test_files_of_a_private_past_stay_private_when_the_note_is_published(
    held: Note, alice: Any, alice_client: Client, bob_client: Client, client: Client
) -> None:
    saved(held, alice, body="Nothing to see.\n")
    saved(held, alice, visibility="public")
    for reader in (bob_client, client):
        assert reader.get(held.get_absolute_url()).status_code == 200
        assert statuses(reader, *addresses(held)) == {404}
        missing = reader.get(f"/files/{held.pid}_9.png")
        assert said_by(reader.get(addresses(held)[0])) == said_by(missing)
    assert statuses(alice_client, *addresses(held)) == {200}
    mine = alice_client.get(addresses(held)[2])
    assert mine.getvalue() == PDF and mine["Cache-Control"] == "private, no-store"
    typed = {"title": "t", "body": "![](x.png)", "note": held.pid}
    assert b"is missing" in bob_client.post("/notes/preview/", typed).content
    assert b"is missing" not in alice_client.post("/notes/preview/", typed).content
    # Named in a public text again, they are public.
    saved(held, alice, body="[p](p.pdf)")
    assert statuses(client, addresses(held)[2]) == {200}
    assert statuses(client, *addresses(held)[:2]) == {404}


def test_a_file_that_a_public_revision_showed_goes_when_the_note_does(
    held: Note, alice: Any, client: Client
) -> None:
    saved(held, alice, visibility="public")
    saved(held, alice, body="Nothing to see.\n")
    assert statuses(client, *addresses(held)) == {200}
    reply = client.get(addresses(held)[0])
    assert reply.getvalue() == WIDE and "no-store" not in reply["Cache-Control"]
    saved(held, alice, visibility="private")
    assert statuses(client, *addresses(held)) == {404}


def test_publishing_and_hiding_many_notes_takes_their_files_along(
    held: Note, alice: Any, alice_client: Client, client: Client
) -> None:
    mine = Note.objects.filter(pid=held.pid)
    change = VisibilityChange.objects.change(mine, "public", author=alice)
    assert statuses(client, *addresses(held)) == {200}
    assert shown(client, held.get_absolute_url())
    VisibilityChange.objects.undo(change, author=alice)
    assert statuses(client, *addresses(held)) == {404}
    assert statuses(alice_client, *addresses(held)) == {200}


def test_what_no_text_names_is_the_owners_alone(
    note: Note, bob_client: Client, alice_client: Client, staff_client: Client
) -> None:
    url = Attachment.objects.add(note, key="x.png", name="x.png", content=RED).get_absolute_url()
    assert statuses(bob_client, url) == {404}
    assert statuses(alice_client, url) == statuses(staff_client, url) == {200}


def test_saving_does_not_publish_what_another_person_is_adding(
    note: Note, alice: Any, staff: Any, client: Client, alice_client: Client
) -> None:
    url = attachment_upload.upload(RED, "x.png", uploader=staff, note=note).get_absolute_url()
    saved(note, alice, body="![](x.png)\n")
    assert statuses(client, url) == statuses(alice_client, url) == {404}


def test_a_text_too_complex_to_be_read_keeps_the_files_it_spells_out(
    held: Note, alice: Any, client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sandbox, "render", lambda body: as_typed(body, sandbox.TOO_BUSY))
    saved(held, alice, body="![](x.png) and more\n", visibility="public")
    monkeypatch.undo()
    assert statuses(client, *addresses(held)[:2]) == {200}
    assert statuses(client, addresses(held)[2]) == {404}


# Which one is shown.


def test_an_imported_file_that_changed_is_another_one_and_old_revisions_keep_theirs(
    vault: Any, bring_vault: Any, alice_client: Client
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder)
    vault({"x.png": GREEN})
    again = bring_vault(folder)
    assert again.outcomes == {"updated": 1} and again.counts["revisions"] == 1
    note = Note.objects.get()
    assert shown(alice_client, note.get_absolute_url()) == GREEN
    assert shown(alice_client, f"{note.get_absolute_url()}r/1/") == GREEN
    assert shown(alice_client, f"{note.get_absolute_url()}r/0/") == RED
    assert bring_vault(folder).outcomes == {"unchanged": 1}
    # Text and file change together: one revision. And back to the first file.
    vault({"a.md": "![](x.png) more\n", "x.png": RED})
    assert bring_vault(folder).counts["revisions"] == 1
    assert shown(alice_client, note.get_absolute_url()) == RED
    assert shown(alice_client, f"{note.get_absolute_url()}r/1/") == GREEN
    assert Note.objects.get().head.number == 2 and note.attachments.count() == 2  # type: ignore[union-attr]


def test_restoring_a_revision_restores_its_files(
    vault: Any, bring_vault: Any, alice: Any, alice_client: Client
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder)
    vault({"x.png": GREEN})
    bring_vault(folder)
    note = Note.objects.cards().get()
    assert note.restore(0, author=alice).number == 2
    assert shown(alice_client, note.get_absolute_url()) == RED
    note = Note.objects.cards().get()
    assert note.restore(0, author=alice).number == 2, "nothing would change"
    saved(note, alice, body="![](x.png) edited\n")
    assert shown(alice_client, note.get_absolute_url()) == RED


def test_a_text_edited_here_is_not_given_what_it_does_not_name(
    vault: Any, bring_vault: Any, alice: Any, bob_client: Client
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder, visibility="public")
    note = saved(Note.objects.get(), alice, body="Nothing.\n")
    vault({"x.png": GREEN})
    bring_vault(folder, visibility="public")
    assert Note.objects.get().head == note.head
    assert statuses(bob_client, f"/files/{note.pid}_1.png") == {200}, "revision 0 shows it"
    assert note.attachments.count() == 1, "what no revision would show is not kept"


def test_a_private_import_shows_nobody_a_new_file_of_a_public_note(
    vault: Any, bring_vault: Any
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder, visibility="public")
    vault({"x.png": GREEN})
    again = bring_vault(folder, visibility="private")
    assert "public-here" in again.codes() and Attachment.objects.count() == 1
    assert Note.objects.get().head.number == 0  # type: ignore[union-attr]


def test_joined_changes_show_the_files_of_both(
    held: Note, alice: Any, alice_client: Client
) -> None:
    start = Note.objects.cards().get(pid=held.pid)
    saved(held, alice, body="![](x.png) [p](p.pdf)\n\nmore\n")
    url = attachment_upload.upload(RED, "new.png", uploader=alice, note=start).get_absolute_url()
    body = "![](new.png)\n\n" + "![](x.png) [p](p.pdf)\n"
    start.save_revision(replace(start.current_fields(), body=body), base=0, author=alice)
    html = alice_client.get(held.get_absolute_url()).content.decode()
    assert url in html and addresses(held)[1] in html and "more" in html


def test_the_lossless_archive_says_which_revision_shows_which_file(
    vault: Any, bring_vault: Any, alice: Any, alice_client: Client, tmp_path: Path
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder)
    vault({"x.png": GREEN})
    bring_vault(folder)
    attachment_upload.upload(WIDE, "never saved.png", uploader=alice, note=Note.objects.get())
    first = json_archive.write(tmp_path / "one")
    assert first.attachments == 2
    Note.objects.update(head=None)
    for model in (RevisionFile, Attachment, Note):
        model.objects.all().delete()
    said = {"owner": alice, "visibility": "private", "dry_run": False}
    import_path(tmp_path / "one", "json", report=tmp_path / "said", **said)
    note = Note.objects.get()
    assert shown(alice_client, note.get_absolute_url()) == GREEN
    assert shown(alice_client, f"{note.get_absolute_url()}r/0/") == RED
    assert json_archive.write(tmp_path / "two").sha256 == first.sha256
    import_path(tmp_path / "one", "json", report=tmp_path / "again", **said)
    assert json_archive.write(tmp_path / "three").sha256 == first.sha256


def test_an_upgrade_lets_every_revision_show_what_its_text_names(
    held: Note, alice: Any, fields: Callable[..., Fields]
) -> None:
    saved(held, alice, body="`![](x.png)` and [p](p.pdf)\n", visibility="public")
    Note.objects.write(fields(body="![](x.png)\n"), owner=alice)
    before = list(RevisionFile.objects.order_by("revision", "key").values("revision", "key"))
    RevisionFile.objects.all().delete()
    upgrade = importlib.import_module("wiki.migrations.0017_files_of_revisions")
    upgrade.fill(apps, None)
    rows = RevisionFile.objects.order_by("revision", "key").values("revision", "key")
    assert list(rows) == before and len(before) == 3
    Attachment.objects.add(held, key="x.png", name="x.png", content=RED)
    upgrade.forget(apps, None)
    assert sorted(held.attachments.values_list("key", "number")) == [("p.pdf", 2), ("x.png", 3)]


# Owners.


def test_an_owner_sees_what_uses_each_file(
    held: Note,
    alice: Any,
    alice_client: Client,
    bob_client: Client,
    django_assert_max_num_queries: Any,
) -> None:
    saved(held, alice, body="[p](p.pdf)\n", visibility="public")
    page = alice_client.get(held.get_absolute_url()).content.decode()
    address = f"/notes/{held.pid}/files/"
    assert f'href="{address}"' in page
    assert address not in bob_client.get(held.get_absolute_url()).content.decode()
    html = alice_client.get(address).content.decode()
    rows = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", html, re.DOTALL)
    assert len(rows) == 2 and "[0]" in rows[0] and "[1]" not in rows[0]
    assert "[0]" in rows[1] and "[1]</a> head" in rows[1]
    for number in range(10):
        attach(held, f"{number}.bin", f"{number}".encode())
    with django_assert_max_num_queries(6):
        assert alice_client.get(address).content.count(b"<tr>") == 13


def test_a_removed_file_is_gone_with_its_bytes_and_history_says_so(
    held: Note, alice: Any, alice_client: Client, client: Client, data_folder: Path
) -> None:
    saved(held, alice, visibility="public")
    alice_client.get(addresses(held)[1]).getvalue()
    ask = f"/notes/{held.pid}/files/1/remove/"
    assert b"cannot be undone" in alice_client.get(ask).content
    assert statuses(client, *addresses(held)) == {200}
    assert alice_client.post(ask).status_code == 302
    assert statuses(client, *addresses(held)[:2]) == statuses(alice_client, ask) == {404}
    lying = [path for path in (data_folder / "media").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in lying] == [PDF], "the thumbnail is gone too"
    for page in ("", "r/0/", "r/1/"):
        html = alice_client.get(f"/notes/{held.pid}/{page}").content.decode()
        assert "file removed" in html and "<img src=" not in html
        assert addresses(held)[2] in html
    history = client.get(f"/notes/{held.pid}/history/").content.decode()
    assert "removed the file x.png for good" in history
    assert "removed" in alice_client.get(f"/notes/{held.pid}/files/").content.decode()
    assert alice_client.post(ask).status_code == 404
    assert Note.objects.get(pid=held.pid).head.number == 2  # type: ignore[union-attr]
    upload = attachment_upload.upload(RED, "x.png", uploader=alice, note=held)
    assert upload.key == "x-2.png", "the old texts go on saying that theirs was removed"


def test_history_does_not_name_a_removed_file_that_only_the_owner_knew(
    held: Note, alice: Any, alice_client: Client, client: Client
) -> None:
    saved(held, alice, body="Nothing.\n")
    saved(held, alice, visibility="public")
    alice_client.post(f"/notes/{held.pid}/files/1/remove/")
    history = client.get(f"/notes/{held.pid}/history/").content.decode()
    assert "removed a file for good" in history and "x.png" not in history


def test_bytes_that_another_note_has_stay_when_a_file_is_removed(
    held: Note, note: Note, alice: Any, alice_client: Client, client: Client, tmp_path: Path
) -> None:
    other = attach(note, "y.png", WIDE)
    held.remove_file(Attachment.objects.get(note=held, number=1), author=alice)
    assert client.get(other.get_absolute_url()).getvalue() == WIDE
    assert statuses(alice_client, *addresses(held)[:2]) == {404}
    assert markdown.write(tmp_path / "out").attachments == 2, "theirs, and the paper"


def test_a_file_that_was_never_saved_is_removed_without_a_word(
    note: Note, alice: Any, alice_client: Client, data_folder: Path
) -> None:
    attachment_upload.upload(RED, "x.png", uploader=alice, note=note)
    alice_client.post(f"/notes/{note.pid}/files/1/remove/")
    assert not note.attachments.exists() and Note.objects.get(pid=note.pid).head == note.head
    assert not [path for path in (data_folder / "media").rglob("*") if path.is_file()]


def test_what_was_removed_for_good_does_not_come_back_with_the_next_import(
    vault: Any, bring_vault: Any, alice: Any, alice_client: Client
) -> None:
    folder = vault({"a.md": "![](x.png)\n", "x.png": RED})
    bring_vault(folder)
    note = Note.objects.cards().get()
    note.remove_file(note.attachments.get(), author=alice)
    assert bring_vault(folder).outcomes == {"unchanged": 1}
    assert "file removed" in alice_client.get(note.get_absolute_url()).content.decode()
    vault({"x.png": GREEN})
    assert bring_vault(folder).outcomes == {"updated": 1}
    assert shown(alice_client, note.get_absolute_url()) == GREEN


def test_an_archive_tells_which_files_were_removed(
    held: Note, alice: Any, alice_client: Client, tmp_path: Path
) -> None:
    held.remove_file(Attachment.objects.get(note=held, number=1), author=alice)
    first = json_archive.write(tmp_path / "one")
    Note.objects.update(head=None)
    for model in (RevisionFile, Attachment, Note):
        model.objects.all().delete()
    said = {"owner": alice, "visibility": "private", "dry_run": False}
    counts = import_path(tmp_path / "one", "json", report=tmp_path / "said", **said)
    assert counts["created"] == 1
    html = alice_client.get(f"/notes/{held.pid}/r/0/").content.decode()
    assert "file removed" in html and addresses(held)[2] in html
    assert json_archive.write(tmp_path / "two").sha256 == first.sha256
