"""What nobody may reach by a detour: other people's numbers, extra fields, forged forms."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD, person, signed_in
from tests.wiki.test_access_matrix import TABLE
from tests.wiki.world import CANARY_PID, SECRET, World, canaries
from tests.wiki.writes import rows_written
from wiki.models import Note, Revision, Tag, TagChange

pytestmark = pytest.mark.django_db

FORM = {"title": "Typed", "body": "typed", "type": "note", "visibility": "public", "base": "0"}


def text(reply: Any) -> str:
    """Return a page without what differs from one time to the next."""
    changing = r'(csrfmiddlewaretoken|submission)" value="[\w-]+"|<updated>[^<]*</updated>'
    return re.sub(changing, "", reply.content.decode())


COUNTED = [
    "/",
    "/?text=text",
    "/?text=canary",
    "/?tags=open",
    "/?tags=-open",
    "/?ref=Canary-1999.12",
    "/?sort=modified&order=asc",
    "/print/",
    "/changes/",
    "/tags/",
    "/tags/open/",
    "/tags/canary_bird/",
    "/feed.atom",
    "/feed.atom?text=canary",
    "/notes/{open}/",
    "/notes/{open}/history/",
    f"/notes/{CANARY_PID}01/",
    f"/index.pl?pid={CANARY_PID}01",
]


@pytest.mark.parametrize("reader", [None, "bob"])
def test_every_total_is_as_if_the_hidden_notes_were_not_there(
    reader: str | None, world: World, bob: Any
) -> None:
    client = signed_in(bob) if reader else Client()
    addresses = [address.format(**world.numbers) for address in COUNTED]
    with_them = [text(client.get(address)) for address in addresses]
    hidden = Note.objects.filter(pid__gte=int(f"{CANARY_PID}00"))
    hidden.update(head=None)
    Revision.objects.filter(note__in=hidden).delete()
    hidden.delete()
    TagChange.objects.all().delete()
    Tag.objects.filter(uses_of=None).delete()
    without = [text(client.get(address)) for address in addresses]
    assert dict(zip(addresses, with_them, strict=True)) == dict(
        zip(addresses, without, strict=True)
    )


@pytest.mark.parametrize(
    "address",
    [
        "/notes/{open}/r/2/",
        "/notes/{open}/diff/0/2/",
        "/notes/{open}/diff/2/0/",
        "/notes/{published}/r/0/",
        "/notes/{published}/diff/0/1/",
        "/notes/{published}/diff/1/0/",
        "/notes/{secret}/r/1/",
        "/notes/{trashed}/r/0/",
        "/notes/0/",
        "/notes/99999999999999999999/",
        "/notes/{open}/r/99999999999999999999/",
        "/notes/{open}/diff/0/99999999999999999999/",
    ],
)
def test_numbers_that_do_not_belong_together_lead_nowhere(
    address: str, world: World, bob_client: Client
) -> None:
    assert bob_client.get(address.format(**world.numbers)).status_code == 404


def test_a_revision_of_another_note_cannot_be_restored(world: World, bob: Any) -> None:
    own = Note.objects.get(owner=bob)
    client = signed_in(bob)
    assert client.post(f"/notes/{own.pid}/restore/1/").status_code == 404
    assert client.post(f"/notes/{world.open.pid}/restore/0/").status_code == 403
    assert client.post(f"/notes/{world.secret.pid}/restore/0/").status_code == 404
    assert not Revision.objects.filter(source="restore").exists()


EXTRA = {
    "owner": "1",
    "owner_id": "1",
    "pid": "9",
    "note": "9",
    "number": "7",
    "revision": "7",
    "head": "1",
    "author": "1",
    "author_name": "somebody",
    "created": "1999-01-01 00:00",
    "modified": "1999-01-01 00:00",
    "deleted": "1999-01-01 00:00",
    "source": "import",
    "sha256": "0" * 64,
    "legacy_pid": "9",
    "import_key": "9",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
    "username": "root",
    "groups": "1",
    "user_permissions": "1",
}


def test_a_note_takes_no_field_that_its_form_does_not_have(alice: Any, bob: Any) -> None:
    client = signed_in(bob)
    assert client.post("/notes/new/", {**EXTRA, **FORM}).status_code == 302
    note = Note.objects.get()
    assert (
        client.post(f"/notes/{note.pid}/edit/", {**EXTRA, **FORM, "body": "b"}).status_code == 302
    )
    note = Note.objects.get()
    assert (note.owner, note.head.number, note.deleted) == (bob, 1, None)
    assert (note.legacy_pid, note.import_key) == (None, None)
    for revision in note.revisions.all():
        assert (revision.author, revision.author_name) == (bob, "bob")
        assert (revision.source, revision.sha256) == ("person", revision.digest())
        assert revision.created.year > 1999


def test_an_account_takes_no_right_from_its_own_form(bob: Any) -> None:
    words = "a long new password"
    said = {"old_password": PASSWORD, "new_password1": words, "new_password2": words}
    assert signed_in(bob).post("/account/password/", {**EXTRA, **said}).status_code == 302
    bob.refresh_from_db()
    assert (bob.username, bob.is_staff, bob.is_superuser, bob.is_active) == (
        "bob",
        False,
        False,
        True,
    )


def test_nothing_is_taken_without_the_token_of_a_form(world: World, staff: Any) -> None:
    """Not with a good session, by no method, at no address; and nothing is written."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    before = rows_written()
    taken = [
        f"{method} {address}"
        for address in dict.fromkeys(row.address.format(**world.numbers) for row in TABLE)
        for method in ("post", "put", "patch", "delete")
        if getattr(client, method)(address, FORM).status_code != 403
    ]
    assert not taken
    assert not rows_written() - before


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "https:evil.example",
        "http:///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "@evil.example",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
    ],
)
def test_the_login_stays_on_this_site(client: Client, alice: Any, url: str) -> None:
    said = {"username": "alice", "password": PASSWORD}
    page = client.get("/login/", {"next": url}).content.decode()
    assert f'href="{url}"' not in page and f'action="{url}"' not in page
    reply = client.post("/login/", {**said, "next": url})
    assert reply.status_code == 302
    assert reply.url == "/"
    assert client.post("/login/", {**said, "send_to": url}).url == "/"
    admin = Client().get("/admin/login/", {"next": url}).url
    assert admin.startswith("/login/?next=")


def test_a_note_published_for_a_while_keeps_its_private_revisions(alice: Any, fields: Any) -> None:
    client = Client()
    note = Note.objects.write(fields(title="Osprey", body="Zero.\n"), owner=alice)
    hidden = fields(title="Canary", body="A canary.\n", ref="Canary-1", visibility="private")
    note.save_revision(hidden, base=0, author=alice, summary="canary")
    shown = fields(title="Osprey", body="Two.\n")
    note.save_revision(shown, base=1, author=alice)
    read = {
        "": 200,
        "raw/": 200,
        "print/": 200,
        "history/": 200,
        "r/0/": 200,
        "r/1/": 404,
        "r/2/": 200,
        "diff/0/1/": 404,
        "diff/1/2/": 404,
        "diff/0/2/": 200,
    }
    for path, status in read.items():
        reply = client.get(f"{note.get_absolute_url()}{path}")
        assert reply.status_code == status, path
        assert "canary" not in reply.content.decode().lower(), path
    for address in ("/", "/changes/", "/feed.atom", "/tags/", "/print/"):
        assert "canary" not in client.get(address).content.decode().lower(), address
    note.save_revision(fields(title="Osprey", visibility="private"), base=2, author=alice)
    for path in read:
        assert client.get(f"{note.get_absolute_url()}{path}").status_code == 404, path
    for address in ("/", "/changes/", "/feed.atom", "/print/"):
        assert "Osprey" not in client.get(address).content.decode(), address


def test_an_administrator_who_sets_a_password_ends_the_sessions(alice: Any, staff: Any) -> None:
    session = signed_in(alice)
    assert session.get("/account/").status_code == 200
    words = {"password1": "another long password", "password2": "another long password"}
    page = f"/admin/auth/user/{alice.pk}/password/"
    assert signed_in(staff).post(page, {**words, "usable_password": "true"}).status_code == 302
    assert session.get("/account/").status_code == 302


def test_a_deleted_account_is_out_at_once(bob: Any, staff: Any) -> None:
    session = signed_in(bob)
    assert session.get("/account/").status_code == 200
    page = f"/admin/auth/user/{bob.pk}/delete/"
    assert signed_in(staff).post(page, {"post": "yes"}).status_code == 302
    assert session.get("/account/").status_code == 302


def test_staff_with_permissions_see_in_the_admin_what_they_could_read(world: World) -> None:
    clerk = person("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="wiki"))
    client = signed_in(clerk)
    for name in ("note", "revision", "tag", "tagchange"):
        reply = client.get(reverse(f"admin:wiki_{name}_changelist"))
        assert reply.status_code == 200 and not list(canaries(reply.content.decode())), name
    assert "Published" in client.get("/admin/wiki/note/").content.decode()
    for name, number in (("note", "secret"), ("revision", "revision"), ("tag", "tag")):
        page = reverse(f"admin:wiki_{name}_change", args=[world.numbers[number]])
        assert client.get(page).status_code == 302, name


def test_a_hidden_title_is_not_told_by_a_preview(world: World, bob_client: Client) -> None:
    for body in (f"[[{SECRET.title}]]", "[[Kestrel]]", "[[Nothing of this title]]"):
        page = bob_client.post("/notes/preview/", {"body": body}).content.decode()
        assert 'class="missing"' in page and CANARY_PID not in page
