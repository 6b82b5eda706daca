"""What is sent, and not as a browser sends it: a clear answer, the text kept, nothing emptied.

A table of ill-treated forms is posted to every address that takes a POST.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.conftest import person, signed_in
from tests.wiki.page_text import Text
from tests.wiki.test_pages import form
from wiki.accounts import sign_in_links
from wiki.http import complete_forms
from wiki.importers.uploads import upload_folder
from wiki.models import Note, Revision, TagChange

pytestmark = pytest.mark.django_db
URLENCODED = "application/x-www-form-urlencoded"


def state() -> list[Any]:
    """Return what every note says, and what its revisions say."""
    notes = Note.objects.order_by("pid").values_list("pid", "title", "head__body", "visibility")
    return [*notes, *Revision.objects.order_by("pk").values_list("pk", "title", "body", "tags")]


def raw(client: Client, path: str, body: bytes, kind: str = URLENCODED) -> Any:
    return client.post(path, data=body, content_type=kind)


# Each address, with the numbers of this world; a new one fails here until it has its line.
def addresses(note: Note, secret: Note, link: str, job: int) -> dict[str, str]:
    change = TagChange.objects.rename("canary_tag", "canary_word", author=note.owner)
    pid = secret.pid
    return {
        "login/": "/login/",
        "logout/": "/logout/",
        "sign-in/<str:token>/": link,
        "account/password/": "/account/password/",
        "account/sessions/": "/account/sessions/",
        "admin/logout/": "/admin/logout/",
        "notes/new/": "/notes/new/",
        "notes/change/": "/notes/change/",
        "notes/preview/": "/notes/preview/",
        "notes/new/files/": "/notes/new/files/",
        "notes/<int:pid>/files/": f"/notes/{pid}/files/",
        "notes/<int:pid>/files/<int:number>/remove/": f"/notes/{pid}/files/1/remove/",
        "notes/<int:pid>/edit/": f"/notes/{pid}/edit/",
        "notes/<int:pid>/delete/": f"/notes/{pid}/delete/",
        "notes/<int:pid>/undelete/": f"/notes/{pid}/undelete/",
        "notes/<int:pid>/restore/<int:number>/": f"/notes/{pid}/restore/0/",
        "notes/<int:pid>/read/": f"/notes/{pid}/read/",
        "import/": "/import/",
        "import/start/": "/import/start/",
        "import/cancel/": "/import/cancel/",
        "samples/remove/": "/samples/remove/",
        "samples/undelete/": "/samples/undelete/",
        "tidying/tag/": "/tidying/tag/",
        "tidying/differ/": "/tidying/differ/",
        "tidying/<str:kind>/<int:number>/undo/": f"/tidying/tags/{change.pk}/undo/",
        "jobs/retry/": "/jobs/retry/",
        "jobs/<int:job_id>/retry/": f"/jobs/{job}/retry/",
        "jobs/<int:job_id>/cancel/": f"/jobs/{job}/cancel/",
        "admin/": "/admin/wiki/tag/",
        "admin/auth/user/add/": "/admin/auth/user/add/",
        "admin/auth/group/add/": "/admin/auth/group/add/",
        "admin/mlhooks/encoderindex/build/": "/admin/mlhooks/encoderindex/build/",
        "admin/mlhooks/encoderindex/answer/": "/admin/mlhooks/encoderindex/answer/",
        "admin/mlhooks/encoderindex/cancel/": "/admin/mlhooks/encoderindex/cancel/",
        "admin/mlhooks/encoderindex/delete/": "/admin/mlhooks/encoderindex/delete/",
    }


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Yield all addresses of the site, the admin's as one."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(each.pattern)
        if route.startswith("admin/") and isinstance(each, URLResolver):
            yield "admin/"
        elif isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


TYPED = {"title": "kestrel", "body": "kestrel text", "tags": "", "ref": "", "summary": ""}
TYPED |= {"type": "note", "visibility": "private", "tag": "canary_word", "to": "kestrel"}
TYPED |= {"action": "rename", "sure": "on", "username": "kestrel", "encoder": "kestrel"}
TYPED |= {"old_password": "kestrel", "new_password1": "kestrel one", "new_password2": "kestrel two"}
TYPED |= {"one": "a", "other": "b", "name": "kestrel", "index": "1", "readers": "private"}
TYPED |= {"password": "kestrel pass", "pids": "1", "add": "kestrel", "note": "1", "next": "/"}


def each_field(value: str) -> Iterator[bytes]:
    """Yield the form with this, percent-encoded, at the end of each of its fields."""
    for name in ("title", "body", "summary", "tag", "to", "one", "add", "encoder", "username"):
        others = {key: text for key, text in TYPED.items() if key != name}
        yield urlencode(others).encode() + f"&{name}={TYPED[name]}{value}".encode()


HUGE = b"&x=" + b"y" * (16 * 1024 * 1024)
ILL: dict[str, Callable[[], Iterator[bytes]]] = {
    "NUL": lambda: each_field("%00"),
    "half a pair": lambda: iter([urlencode(TYPED).encode() + b"&body=%ED%A0%80"]),
    "no UTF-8": lambda: iter([urlencode(TYPED).encode() + b"&body=%FF"]),
    "no UTF-8, bare": lambda: iter([urlencode(TYPED).encode() + b"&body=\xff"]),
    "no UTF-8 in a name": lambda: iter([urlencode(TYPED).encode() + b"&b%FFdy=x"]),
    "many fields": lambda: iter([urlencode(TYPED).encode() + b"&f=1" * 300]),
    "too large": lambda: iter([urlencode(TYPED).encode() + HUGE]),
    "nothing": lambda: iter([b""]),
    "numbers": lambda: iter(
        urlencode({**TYPED, name: value}).encode()
        for name in ("base", "index", "pids", "pid", "note", "submission")
        for value in ("9" * 30, "-٣")
    ),
}
MANGLED = ("half a pair", "no UTF-8", "no UTF-8, bare", "no UTF-8 in a name")
REFUSED = {**dict.fromkeys(MANGLED, 400), "many fields": 400, "too large": 413}


@pytest.fixture
def sent_to(note: Note, secret: Note, monkeypatch: Any, tmp_path: Any, settings: Any) -> Any:
    from mlhooks import jobs

    settings.WIKI_DATA_DIR = tmp_path
    monkeypatch.setattr(upload_folder, "spawn", lambda owner, lock: None)
    newcomer = person("newcomer")
    job = jobs.request("verify_integrity").pk
    return addresses(note, secret, sign_in_links.link_for(newcomer), job)


def test_every_address_is_tried(sent_to: dict[str, str], staff: Any) -> None:
    client = signed_in(staff)
    missing = {
        route
        for route in routes()
        if route not in sent_to
        and "<" not in route
        and client.post(f"/{route}").status_code not in (404, 405)
    }
    assert not missing


@pytest.mark.parametrize(
    "ill", [pytest.param(ill, marks=[pytest.mark.slow] * (ill == "numbers")) for ill in ILL]
)
def test_ill_treated_forms_get_a_clear_answer_and_change_no_text(
    ill: str, sent_to: dict[str, str], staff: Any, note: Note
) -> None:
    """As a superuser, whom nothing else stops."""
    wrong, before, session = [], state(), signed_in(staff).cookies["sessionid"].value
    # What is too large takes a moment, and is refused before any view is known.
    few = {"/login/", "/import/", f"/notes/{note.pid + 1}/edit/", "/admin/wiki/tag/"}
    paths = few & {*sent_to.values()} if ill == "too large" else sent_to.values()
    for path in paths:
        for body in ILL[ill]():
            with transaction.atomic():
                client = Client(raise_request_exception=False)
                client.cookies["sessionid"] = session
                reply = raw(client, path, body)
                if reply.status_code >= 500 or reply.status_code != REFUSED.get(
                    ill, reply.status_code
                ):
                    wrong.append((path, body[-60:], reply.status_code))
                after = state()
                lost = [row for row in before if row not in after]
                # Deleting, restoring and the like are no edits of a text.
                if lost and "/edit/" in path:
                    wrong.append((path, body[-60:], "text changed"))
                transaction.set_rollback(True)
    assert not wrong, wrong[:20]


@pytest.mark.parametrize("ill", [*MANGLED, "many fields", "too large"])
def test_what_was_typed_is_on_the_page(ill: str, alice_client: Client, note: Note) -> None:
    for body in ILL[ill]():
        reply = raw(alice_client, f"/notes/{note.pid}/edit/", body)
        page = reply.content.decode()
        assert "kestrel text" in page and "Nothing was changed." in page
        assert "kestrel pass" not in page and "kestrel one" not in page
        assert reply["Content-Security-Policy"]


def test_a_strangers_huge_form_is_not_shown_again(client: Client) -> None:
    (body,) = ILL["too large"]()
    reply = raw(client, "/login/", body)
    assert reply.status_code == 413 and "kestrel" not in reply.content.decode()


def test_a_form_beyond_all_bounds_is_told_so(alice_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(complete_forms, "SHOWN_BYTES", 1_000_000)
    (body,) = ILL["too large"]()
    reply = raw(alice_client, "/notes/new/", body)
    assert reply.status_code == 413 and "still in the form" in reply.content.decode()


MULTIPART = "multipart/form-data; boundary=cut"


def parts(*fields: tuple[str, bytes], end: bytes = b"--cut--\r\n") -> bytes:
    head = 'Content-Disposition: form-data; name="{}"\r\n\r\n'
    return (
        b"".join(
            b"--cut\r\n" + head.format(name).encode() + value + b"\r\n" for name, value in fields
        )
        + end
    )


def test_forms_in_parts_are_held_to_the_same(alice_client: Client, note: Note) -> None:
    before, path = state(), f"/notes/{note.pid}/edit/"
    fine = [(name, value.encode()) for name, value in TYPED.items()] + [("base", b"0")]
    for last in (b"kestrel \xff", b"kestrel \xed\xa0\x80", b"\xef\xbf\xbd and \xff"):
        reply = raw(alice_client, path, parts(*fine, ("body", last)), MULTIPART)
        assert reply.status_code == 400 and "kestrel text" in reply.content.decode()
    assert raw(alice_client, path, b"--cut\r\nnonsense", "multipart/form-data").status_code == 400
    many = [("f", b"1")] * 300
    assert raw(alice_client, path, parts(*fine, *many), MULTIPART).status_code == 400
    assert state() == before
    # The sign for what is lost may itself be typed.
    reply = raw(alice_client, path, parts(*fine, ("body", "typed \ufffd".encode())), MULTIPART)
    assert reply.status_code == 302
    note.refresh_from_db()
    assert note.head.body == "typed \ufffd"


def test_the_sign_for_what_is_lost_may_be_typed(alice_client: Client, note: Note, fields: Any):
    sent = form(fields(body="a \ufffd b"), base=0)
    assert alice_client.post(f"/notes/{note.pid}/edit/", sent).status_code == 302
    assert raw(alice_client, "/notes/preview/", "title=ä&body=é".encode()).status_code == 200, (
        "bare UTF-8 can be read"
    )


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "unicode_escape", "latin-1"])
def test_how_a_form_is_read_is_not_for_the_form_to_say(
    alice_client: Client, note: Note, charset: str
) -> None:
    before = state()
    body = urlencode({**TYPED, "base": "0"}).encode() + b"&body=%5Cud800"
    reply = raw(alice_client, f"/notes/{note.pid}/edit/", body, f"{URLENCODED}; charset={charset}")
    assert reply.status_code == 415 and state() == before
    reply = alice_client.get("/?text=x", headers={"content-type": f"a/b; charset={charset}"})
    assert reply.status_code == 415
    assert raw(alice_client, "/notes/preview/", b"body=x", f"{URLENCODED}; charset=UTF-8")


@pytest.mark.parametrize("query", ["q=%FF", "text=%ED%A0%80", "tags=a%C3", "next=%F0%9F"])
@pytest.mark.parametrize(
    "path", ["/", "/search/", "/feed.atom", "/login/", "/index.pl", "/suggest/"]
)
def test_an_address_that_is_no_text_is_refused(client: Client, path: str, query: str) -> None:
    reply = client.get(f"{path}?{query}")
    assert reply.status_code == 400 and "not UTF-8" in reply.content.decode()


@pytest.mark.parametrize("sign", ["%00", "%FF", "%ED%A0%80", "%EF%BF%BD"])
def test_signs_in_paths_and_queries_are_no_fault_of_the_site(
    staff_client: Client, note: Note, sign: str
) -> None:
    staff_client.raise_request_exception = False
    paths = [f"/tags/x{sign}/", f"/sign-in/x{sign}.y/", f"/tidying/{sign}/1/undo/", f"/{sign}"]
    paths += [f"/files/1_1.{sign}", f"/notes/{sign}/", f"/admin/wiki/note/{sign}/change/"]
    names = ("q", "text", "tags", "type", "ref", "sort", "page", "hide", "title", "next", "tag")
    names += ("pid", "ptags", "state", "kind", "choose", "format", "typing", "o", "p")
    every = "&".join(f"{name}=x{sign}" for name in names)
    pages = ["/", "/search/", "/suggest/", "/feed.atom", "/print/", "/changes/", "/notes/new/"]
    pages += ["/login/", "/index.pl", "/tidying/tag/", "/jobs/", "/tags/", "/links/", "/trash/"]
    pages += ["/admin/wiki/note/", "/admin/wiki/tag/", "/admin/wiki/revision/"]
    for path in [*paths, *(f"{page}?{every}" for page in pages)]:
        assert staff_client.get(path).status_code < 500, path


def test_a_form_without_its_text_empties_nothing(alice_client: Client, note: Note, fields: Any):
    before, path = state(), f"/notes/{note.pid}/edit/"
    sent = form(fields(title="Other"), base=0)
    del sent["body"]
    reply = alice_client.post(path, sent)
    page = Text(reply.content.decode()).all
    assert reply.status_code == 422 and "arrived without its text" in page
    shown = reply.context["form"]
    # Once more, as the page has it: what is missing is as it was saved.
    assert (shown["title"].value(), shown["body"].value()) == ("Other", fields().body)
    assert state() == before
    lean = {"title": "Leaner", "body": "Mine.", "base": 0, "type": "paper", "visibility": "public"}
    assert alice_client.post(path, lean).status_code == 302
    note = Note.objects.cards().get(pid=note.pid)
    assert note.current_fields() == fields(title="Leaner", body="Mine."), "tags and ref stay"
    assert alice_client.post(path, {**lean, "tags": "", "ref": "", "base": 1}).status_code == 302
    note = Note.objects.cards().get(pid=note.pid)
    assert note.current_fields() == fields(title="Leaner", body="Mine.", tags=(), ref="")
    # A new note has nothing to lose.
    sent = {"title": "Without a text", "type": "note", "visibility": "private"}
    assert alice_client.post("/notes/new/", sent).status_code == 302


def test_a_form_that_made_a_note_does_not_write_another_text_over_it(
    alice_client: Client, fields: Any
) -> None:
    sent = form(fields(title="First", body="One."), submission=uuid.uuid4())
    first = alice_client.post("/notes/new/", sent).url
    before = state()
    for other in ({"title": "Second"}, {"body": "Another."}, {"body": ""}, {"body": "One"}):
        reply = alice_client.post("/notes/new/", {**sent, **other})
        page = reply.content.decode()
        assert reply.status_code == 409 and f'href="{first}"' in page
        shown = reply.context["form"]
        assert {name: shown[name].value() for name in other} == other
        assert state() == before
    # Sent from that page it is a note of its own; sent again as it was, it is the first.
    fresh = str(shown["submission"].value())
    assert fresh != str(sent["submission"])
    second = alice_client.post("/notes/new/", {**sent, "title": "Second", "submission": fresh})
    assert second.status_code == 302 and second.url != first
    assert alice_client.post("/notes/new/", sent).url == first
    # Back in the browser, typed on, sent once more.
    assert alice_client.post("/notes/new/", {**sent, "body": "One. Two."}).url == first


def test_a_form_of_another_note_or_another_person_is_a_conflict(
    alice_client: Client, bob_client: Client, note: Note, secret: Note, fields: Any
) -> None:
    used = uuid.uuid4()
    path = f"/notes/{secret.pid}/edit/"
    sent = form(secret.current_fields(), base=0, submission=used)
    assert alice_client.post(path, {**sent, "body": "canary, changed"}).status_code == 302
    before = state()
    mine = form(fields(body="kestrel text"), base=0, submission=used)
    for client, where in (
        (alice_client, f"/notes/{note.pid}/edit/"),
        (alice_client, "/notes/new/"),
        (bob_client, "/notes/new/"),
    ):
        reply = client.post(where, mine)
        page = reply.content.decode()
        assert reply.status_code == 409 and "kestrel text" in page
        assert "canary" not in page.lower() and f"/notes/{secret.pid}/" not in page
    assert state() == before
    fresh = re.search(r'name="submission" value="([^"]+)"', page)
    assert fresh and bob_client.post("/notes/new/", {**mine, "submission": fresh[1]}).url


def test_a_form_of_a_note_in_the_trash_makes_no_change_there(
    alice: Any, alice_client: Client, fields: Any
) -> None:
    sent = form(fields(title="First", body="One."), submission=uuid.uuid4())
    alice_client.post("/notes/new/", sent)
    Note.objects.get(title="First").move_to_trash(alice)
    before = state()
    reply = alice_client.post("/notes/new/", {**sent, "body": "One. Two."})
    assert reply.status_code == 409 and "One. Two." in reply.content.decode()
    assert state() == before


def test_a_preview_of_what_is_no_text_says_so(alice_client: Client) -> None:
    reply = alice_client.post("/notes/preview/", {"title": "a\0b"})
    assert reply.status_code == 422 and "no text" in reply.content.decode()
    body = "a\0b ![](a\0b.png) [[a\0b]] %%a\0b%%"
    reply = alice_client.post("/notes/preview/", {"title": "fine", "body": body})
    assert reply.status_code == 200 and "\0" not in reply.content.decode()


def test_reading_what_was_sent_costs_no_copy_of_it(rf: Any) -> None:
    """A form as browsers send it is read once, by Django; nothing is decoded beside that."""
    request = rf.post("/notes/new/", data=b"body=%EF%BF%BD", content_type=URLENCODED)
    complete_forms.require_complete(request)
    assert request.POST["body"] == "\ufffd"


def test_a_form_that_made_anothers_note_writes_nothing_there(
    alice_client: Client, bob_client: Client, fields: Any
) -> None:
    sent = form(fields(title="Canary", body="One.", visibility="private"), submission=uuid.uuid4())
    alice_client.post("/notes/new/", sent)
    before = state()
    for more in ("", " Two."):
        reply = bob_client.post("/notes/new/", {**sent, "body": f"One.{more}"})
        assert reply.status_code == 409 and "form was saved already, as something else" in (
            reply.content.decode()
        )
    assert state() == before
