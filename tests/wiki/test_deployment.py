"""A site on the open network: Django's own checks are content, and the log keeps secrets."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.db import DatabaseError
from django.test import Client

from tests.cluster import HOME
from tests.conftest import PASSWORD, signed_in
from wiki.models import Note, Revision
from wiki.models.note_queryset import NoteQuerySet
from wiki.settings.logging import Discreet
from wiki.views import account


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_djangos_deployment_checks_are_content(proxies: str) -> None:
    env = {
        **os.environ,
        "WIKI_URL": "https://notes.example.org",
        "WIKI_HOST": "0.0.0.0",
        "WIKI_TRUSTED_PROXIES": proxies,
    }
    env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the browser tests' own
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=live_settings.ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


TYPED = {
    "title": "kestrel title",
    "body": "kestrel body",
    "summary": "kestrel summary",
    "ref": "kestrel-ref",
    "tags": "kestrel_tag",
    "type": "note",
    "visibility": "private",
    "old_password": "kestrel old",
    "new_password1": "kestrel new one",
    "new_password2": "kestrel new two",
    "password": "kestrel password",
    "base": "0",
}
ADDRESSES = [
    "/notes/new/",
    "/notes/preview/",
    "/account/password/",
    "/login/",
    "/notes/{pid}/edit/",
]


def everything(caplog: Any) -> str:
    """Return the whole log with its tracebacks, as our handler writes it."""
    formatter = Discreet("%(name)s %(message)s")
    for record in caplog.records:
        record.exc_text = None  # written by caplog's own handler
    return "\n".join(map(formatter.format, caplog.records))


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [ValueError("ours"), DatabaseError("theirs")])
def test_a_fault_writes_nothing_of_anybody_into_the_log(
    alice: Any, note: Note, monkeypatch: Any, caplog: Any, fault: Exception
) -> None:
    client = signed_in(alice)
    client.raise_request_exception = False
    session = client.cookies["sessionid"].value
    caplog.set_level(logging.DEBUG)

    def fail(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(NoteQuerySet, "visible_to", fail)
    monkeypatch.setattr(NoteQuerySet, "write", fail)
    monkeypatch.setattr("wiki.views.notes.sandbox.render", fail)
    monkeypatch.setattr(account, "SetPasswordForm", fail)
    monkeypatch.setattr(account.auth, "login", fail)
    statuses = []
    for address in ADDRESSES:
        form = TYPED | ({"username": "alice", "password": PASSWORD} if "login" in address else {})
        reply = client.post(address.format(pid=note.pid), form)
        statuses.append(reply.status_code)
        page = reply.content.decode()
        assert "Traceback" not in page and live_settings.SECRET_KEY not in page
        assert not [word for word in ("kestrel old", "kestrel new", PASSWORD) if word in page]
    assert set(statuses) <= {500, 503} and len(statuses) == len(ADDRESSES)
    log = everything(caplog)
    assert "Traceback" in log and "/notes/new/" in log
    for secret in ("kestrel", PASSWORD, session, live_settings.SECRET_KEY):
        assert secret not in log


@pytest.mark.django_db
@pytest.mark.parametrize("broken", [{"sha256": None}, {"ref": "kestrel-ref" * 100}])
def test_a_row_that_the_database_refuses_is_in_no_log(
    alice: Any, monkeypatch: Any, caplog: Any, broken: dict[str, Any]
) -> None:
    """PostgreSQL names the whole row in its error, and Django the error in the traceback."""
    save = Revision.save

    def break_and_save(revision: Revision, **rest: Any) -> None:
        for name, value in broken.items():
            setattr(revision, name, value)
        save(revision, **rest)

    monkeypatch.setattr(Revision, "save", break_and_save)
    client = signed_in(alice)
    client.raise_request_exception = False
    assert client.post("/notes/new/", TYPED).status_code == 500
    server = (Path(os.environ[HOME]) / "log" / "postgres.log").read_text()
    log = everything(caplog)
    for told in (log, server):
        assert "null value in column" in told or "too long" in told or "SQLSTATE 22" in told
        assert "kestrel" not in told


@pytest.mark.django_db
def test_nor_does_an_ordinary_day(alice: Any, note: Note, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    client = Client()
    for password in ("kestrel wrong", PASSWORD):
        client.post("/login/", {"username": "alice", "password": password})
    session = client.cookies["sessionid"].value
    client.post("/notes/new/", TYPED)
    client.post(f"/notes/{note.pid}/edit/", TYPED)
    client.post(f"/notes/{note.pid}/edit/", {**TYPED, "title": ""})
    client.get("/notes/987654/")
    client.get("/sign-in/kestrel.token/")
    client.post("/account/password/", TYPED)
    client.post("/logout/")
    log = everything(caplog)
    for secret in ("kestrel t", "kestrel b", "kestrel w", "kestrel o", PASSWORD, session):
        assert secret not in log
