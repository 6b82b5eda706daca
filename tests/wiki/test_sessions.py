"""A session that cannot be saved: it was ended, or the database is unavailable."""

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as Theirs
from django.contrib.sessions.models import Session
from django.db import OperationalError

from wiki.accounts.sessions import SessionStore


@pytest.fixture
def saved(db):
    session = SessionStore()
    session["said"] = "hello"
    session.save()
    return session


def test_a_session_that_was_ended_meanwhile_is_the_requests_affair(saved):
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        saved.save()


def test_a_database_that_is_away_is_not(saved, monkeypatch):
    def gone(*asked, **named):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(Session, "save", gone)
    with pytest.raises(OperationalError):
        saved.save()


def test_sessions_of_djangos_own_engine_go_on(db):
    theirs = Theirs()
    theirs["said"] = "hello"
    theirs.save()
    assert SessionStore(theirs.session_key)["said"] == "hello"
