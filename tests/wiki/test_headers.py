"""Headers of every response: policies, caching, cookies."""

from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from tests.conftest import PASSWORD, signed_in
from wiki.http import middleware
from wiki.models import Note
from wiki.models.note_queryset import NoteQuerySet

pytestmark = pytest.mark.django_db

POLICIES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_STORE = "max-age=0, no-cache, no-store, must-revalidate, private"

# Kind of page: method, address, status, Cache-Control for nobody and for the owner.
PAGES = {
    "list": ("get", "/", 200, "no-cache", "private, no-cache"),
    "note": ("get", "/notes/{pid}/", 200, "no-cache", "private, no-cache"),
    "raw": ("get", "/notes/{pid}/raw/", 200, "no-cache", "private, no-cache"),
    "print": ("get", "/notes/{pid}/print/", 200, "no-cache", "private, no-cache"),
    "tag": ("get", "/tags/attention/", 200, "no-cache", "private, no-cache"),
    "health": ("get", "/healthz", 200, "no-cache", "private, no-cache"),
    "missing": ("get", "/nowhere/", 404, "no-cache", "private, no-cache"),
    "not allowed": ("put", "/notes/{pid}/", 405, "no-cache", "private, no-cache"),
    "login": ("get", "/login/", 200, NO_STORE, NO_STORE),
    "sign-in link": ("get", "/sign-in/x.y/", 410, NO_STORE, NO_STORE),
    "logout": ("post", "/logout/", 302, NO_STORE, NO_STORE),
    "static file": ("get", "/static/css/base.css", 200, "max-age=60, public", "max-age=60, public"),
}
# The same, of pages that only people who are signed in get to see.
OWN_PAGES = {
    "editor": ("get", "/notes/{pid}/edit/", 200, "private, no-cache"),
    "refused form": ("post", "/notes/{pid}/edit/", 422, "private, no-cache"),
    "redirect": ("post", "/notes/{pid}/delete/", 302, "private, no-cache"),
    "account": ("get", "/account/", 200, NO_STORE),
    "admin": ("get", "/admin/", 200, NO_STORE),
    "admin rows": ("get", "/admin/wiki/note/", 200, NO_STORE),
    "admin script": ("get", "/admin/jsi18n/", 200, "private, no-cache"),
    "admin missing": ("get", "/admin/nowhere/", 404, "private, no-cache"),
}


def policies(reply: Any) -> dict[str, str]:
    return {name: reply[name] for name in POLICIES if name in reply}


@pytest.mark.parametrize("kind", PAGES)
def test_every_kind_of_page_has_its_headers(
    kind: str, client: Client, alice_client: Client, note: Note
) -> None:
    method, address, status, for_nobody, for_owner = PAGES[kind]
    for reader, caching in ((client, for_nobody), (alice_client, for_owner)):
        reply = getattr(reader, method)(address.format(pid=note.pid))
        assert reply.status_code == status
        assert policies(reply) == POLICIES
        assert reply["Cache-Control"] == caching
        assert ("Cookie" in reply.get("Vary", "")) == (kind != "static file")
        b"".join(reply)  # read to its end, or a static file stays open


@pytest.mark.parametrize("kind", OWN_PAGES)
def test_every_page_of_ones_own_has_its_headers(
    kind: str, staff_client: Client, note: Note
) -> None:
    method, address, status, caching = OWN_PAGES[kind]
    reply = getattr(staff_client, method)(address.format(pid=note.pid), {"title": ""})
    assert reply.status_code == status
    assert policies(reply) == POLICIES
    assert reply["Cache-Control"] == caching
    assert "Cookie" in reply["Vary"]


@pytest.mark.parametrize(
    ("fault", "status"), [(ValueError("ours"), 500), (SuspiciousOperation("mangled"), 400)]
)
def test_an_error_page_has_them_too(
    monkeypatch: Any, client: Client, db: None, fault: Exception, status: int
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(NoteQuerySet, "visible_to", fail)
    client.raise_request_exception = False
    reply = client.get("/")
    assert reply.status_code == status
    assert policies(reply) == POLICIES
    assert 'href="/"' in reply.content.decode()


def test_a_stranger_host_and_a_stale_form_have_them_too(alice: Any, note: Note) -> None:
    stranger = Client(headers={"host": "evil.example"}).get("/")
    checking = Client(enforce_csrf_checks=True)
    checking.force_login(alice)
    stale = checking.post(f"/notes/{note.pid}/edit/", {"body": "typed"})
    anonymous = Client().post(f"/notes/{note.pid}/edit/", {"body": "typed"})
    assert [reply.status_code for reply in (stranger, stale, anonymous)] == [400, 403, 403]
    for reply in (stranger, stale, anonymous):
        assert policies(reply) == POLICIES
    assert stale["Cache-Control"] == anonymous["Cache-Control"] == "private, no-cache"


def test_no_view_can_loosen_the_policy() -> None:
    def lax(request: Any) -> dict[str, str]:
        return {"Content-Security-Policy": "default-src *"}

    # Of several policies with commas between them, a browser enforces each.
    said = middleware.policies(lax)(None)["Content-Security-Policy"]
    assert POLICIES["Content-Security-Policy"] in said.split(", ")


ANONYMOUS = ["/", "/notes/{pid}/", "/tags/", "/notes/{pid}/history/", "/nowhere/", "/print/"]


@pytest.mark.parametrize("address", ANONYMOUS)
def test_a_page_for_nobody_has_nothing_of_a_session_in_it(address: str, note: Note) -> None:
    replies = [Client().get(address.format(pid=note.pid)) for _ in range(2)]
    assert not replies[0].cookies
    assert replies[0].content == replies[1].content
    assert b"csrfmiddlewaretoken" not in replies[0].content


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(client: Client, alice: Any) -> None:
    client.get("/login/")
    client.post("/login/", {"username": "alice", "password": PASSWORD})
    session, token = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert session["httponly"] and session["samesite"] == token["samesite"] == "Lax"
    assert session["max-age"] == 14 * 24 * 3600
    assert not session["secure"] and not token["secure"]  # the tests' site is http


def secure_client(settings: Any) -> Client:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    return Client()


def test_with_https_cookies_are_secure_and_it_stays_https(settings: Any, alice: Any) -> None:
    client = secure_client(settings)
    client.get("/login/", secure=True)
    reply = client.post("/login/", {"username": "alice", "password": PASSWORD}, secure=True)
    assert client.cookies["sessionid"]["secure"] and client.cookies["csrftoken"]["secure"]
    assert reply["Strict-Transport-Security"] == "max-age=31536000"


def test_a_message_ends_with_its_session(alice: Any, note: Note) -> None:
    client = signed_in(alice)
    reply = client.post(f"/notes/{note.pid}/delete/")
    assert "messages" not in reply.cookies
    client.post("/logout/")
    assert "Attention" not in client.get("/login/").content.decode()


def test_people_who_are_not_staff_find_no_admin(
    client: Client, bob_client: Client, staff_client: Client
) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/login/?next=/admin/"
    assert bob_client.get("/admin/login/").status_code == 404
    assert staff_client.get("/admin/login/").url == "/admin/"
