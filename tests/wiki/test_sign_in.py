"""Sign-in links: for setting up alone, for an hour, and in no log."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.conftest import person
from wiki.accounts import sign_in_links
from wiki.settings.logging import Discreet

pytestmark = pytest.mark.django_db


def opened(link: str) -> tuple[int, int]:
    """Return the responses to opening a link, and to using it."""
    return Client().get(link).status_code, Client().post(link).status_code


def test_a_link_ends_as_soon_as_any_superuser_has_a_password() -> None:
    link = sign_in_links.first_owner_link()
    assert link and Client().get(link).status_code == 200
    person("dora", is_superuser=True)
    assert opened(link) == (410, 410)
    assert get_user_model().objects.get(username=sign_in_links.OWNER).last_login is None


def test_a_superuser_who_cannot_sign_in_does_not_end_setting_up() -> None:
    link = sign_in_links.first_owner_link()
    person("gone", is_superuser=True, is_active=False)
    person("reader")
    get_user_model().objects.create_superuser("linked")
    assert link and opened(link) == (200, 302)


@pytest.mark.parametrize(("minutes", "answer"), [(59, 200), (61, 410)])
def test_a_link_lives_for_an_hour(monkeypatch: Any, minutes: int, answer: int) -> None:
    made = datetime.now() - timedelta(minutes=minutes)
    with monkeypatch.context() as patched:
        patched.setattr(sign_in_links.SignInTokens, "_now", lambda self: made)
        link = sign_in_links.first_owner_link()
    assert link and Client().get(link).status_code == answer


def test_no_token_comes_into_a_log(caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    link = sign_in_links.first_owner_link()
    assert link
    person("dora", is_superuser=True)
    token = link.strip("/").rpartition("/")[2]
    opened(link)
    Client().put(link)
    Client(enforce_csrf_checks=True).post(link)
    Client().get(f"{link}more/")
    Client().get(link.rstrip("/"))
    Client().get("/login/", {"next": link})
    written = "\n".join(map(Discreet("%(name)s %(message)s").format, caplog.records))
    assert "/sign-in/" in written, "nothing was logged, so nothing is tested"
    assert token not in written
    # A link that was refused is not even told of.
    assert f"Gone: {link}" not in caplog.text
