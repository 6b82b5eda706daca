"""Lockout after five wrong passwords, for that name from that address; it reveals nothing."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, RequestFactory
from django.utils import timezone

from tests.conftest import PASSWORD, person
from tests.wiki.page_text import Text
from wiki.accounts import sign_in_links
from wiki.accounts.lockout import client_address
from wiki.backup.content import content_sha256, is_kept
from wiki.models import Note

pytestmark = pytest.mark.django_db


def tried(name: str, password: str, address: str = "192.0.2.1", **said: str) -> Any:
    form = {"username": name, "password": password, **said}
    return Client(REMOTE_ADDR=address).post("/login/", form)


def fail(name: str, times: int = 5, **rest: str) -> list[int]:
    return [tried(name, "wrong", **rest).status_code for _ in range(times)]


def test_after_five_wrong_passwords_none_is_looked_at(alice: Any) -> None:
    assert fail("alice", 6) == [422] * 5 + [429]
    right = tried("alice", PASSWORD)
    assert right.status_code == 429 and right["Retry-After"] == "900"
    assert "sessionid" not in right.cookies
    text = Text(right.content.decode()).all
    assert "There were 5 wrong tries, so none is looked at now. Wait 15 minutes" in text
    assert "do not fit together" not in text


def test_a_wrong_password_is_answered_in_our_words(alice: Any) -> None:
    text = Text(tried("alice", "wrong").content.decode()).all
    sentence = "That name and password do not fit together. Mind capital letters, and try again."
    assert sentence in text and "wrong tries" not in text


def test_from_elsewhere_one_can_sign_in_at_once(alice: Any) -> None:
    fail("alice", 9)
    assert tried("alice", PASSWORD, "192.0.2.2").status_code == 302
    assert tried("alice", PASSWORD, "192.0.2.1").status_code == 429


def test_another_name_from_the_same_place_is_not_locked(alice: Any, bob: Any) -> None:
    fail("alice", 9)
    assert tried("bob", PASSWORD).status_code == 302


def test_the_pause_ends_and_trying_does_not_prolong_it(alice: Any) -> None:
    fail("alice")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    assert fail("alice", 3) == [429] * 3
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert tried("alice", PASSWORD).status_code == 302


def test_a_right_password_starts_the_count_anew(alice: Any) -> None:
    fail("alice", 4)
    assert tried("alice", PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()
    assert fail("alice", 4) == [422] * 4


def test_a_change_of_browser_does_not_help(alice: Any) -> None:
    for number in range(5):
        client = Client(REMOTE_ADDR="192.0.2.1", headers={"user-agent": f"browser {number}"})
        client.post("/login/", {"username": "alice", "password": "wrong"})
    assert tried("alice", PASSWORD).status_code == 429


def test_a_household_counts_as_one_address(alice: Any) -> None:
    for number in range(5):
        tried("alice", "wrong", f"2001:db8:1:2::{number}")
    assert tried("alice", PASSWORD, "2001:db8:1:2:ffff::9").status_code == 429
    assert tried("alice", PASSWORD, "2001:db8:1:3::1").status_code == 302


def test_whether_there_is_such_a_person_is_not_revealed(alice: Any) -> None:
    person("away", is_active=False)
    replies = {
        name: [tried(name, "wrong") for _ in range(6)] for name in ("alice", "nobody", "away")
    }
    said = {
        name: [
            (reply.status_code, Text(reply.content.decode()).all.replace(name, "")) for reply in six
        ]
        for name, six in replies.items()
    }
    assert said["alice"] == said["nobody"] == said["away"]


def test_whether_there_is_such_a_person_takes_no_time(alice: Any, monkeypatch: Any) -> None:
    person("away", is_active=False)
    owner = sign_in_links.default_owner() or person("linked")
    owner.set_unusable_password()
    owner.save()
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    costs = {}
    for name in ("alice", "nobody", "away", owner.username):
        hashed.clear()
        tried(name, "wrong")
        costs[name] = len(hashed)
    assert set(costs.values()) == {1}, costs


def test_the_admin_has_no_login_of_its_own_to_try_at(staff: Any) -> None:
    fail("staff")
    client = Client(REMOTE_ADDR="192.0.2.1")
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/login/?next=/admin/"
    form = {"username": "staff", "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 405
    assert client.post("/login/", {**form, "next": "/admin/"}).status_code == 429


def test_a_sign_in_link_works_while_passwords_are_locked(alice: Any) -> None:
    fail("alice", 6)
    client = Client(REMOTE_ADDR="192.0.2.1")
    assert client.post(sign_in_links.link_for(alice)).url == "/account/"
    assert client.get("/account/").status_code == 200


def test_nothing_typed_is_written_down_and_nothing_is_lost(alice: Any, note: Note) -> None:
    typed = {"send_to": f"/notes/{note.pid}/edit/", "body": "kestrel text", "title": "kestrel"}
    for _ in range(6):
        reply = tried("alice", "wrong kestrel", **typed)
    assert reply.status_code == 429 and "kestrel text" in reply.content.decode()
    assert "wrong kestrel" not in reply.content.decode()
    rows = AccessAttempt.objects.values()
    assert rows and "kestrel" not in str(list(rows))


def test_tries_are_in_no_backup(alice: Any) -> None:
    before = content_sha256()
    fail("alice")
    assert AccessAttempt.objects.exists()
    assert content_sha256() == before
    assert not is_kept("axes_accessattempt") and is_kept("auth_user")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, "", "192.0.2.1", "192.0.2.1"),
        (0, "198.51.100.7", "192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.7", "127.0.0.1", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "127.0.0.1", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7", "127.0.0.1", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 198.51.100.7", "127.0.0.1", "203.0.113.9"),
        (3, "198.51.100.7", "127.0.0.1", "198.51.100.7"),
        (1, "", "192.0.2.1", "192.0.2.1"),
        (1, "nonsense", "127.0.0.1", None),
        (0, "", "", None),
        (0, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (0, "", "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_address_is_what_trusted_proxies_saw(
    settings: Any, proxies: int, forwarded: str, peer: str, address: str | None
) -> None:
    settings.WIKI_TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)
    assert client_address(request) == address


def test_a_forged_address_does_not_help(alice: Any) -> None:
    for number in range(6):
        client = Client(headers={"X-Forwarded-For": f"198.51.100.{number}"})
        reply = client.post("/login/", {"username": "alice", "password": "wrong"})
    assert reply.status_code == 429


def test_a_program_may_check_a_password(alice: Any) -> None:
    fail("alice")
    assert authenticate(username="alice", password=PASSWORD) == alice
    assert authenticate(username="alice", password="wrong") is None
    assert Client().login(username="alice", password=PASSWORD)


def test_reading_asks_nothing_about_tries(
    note: Note, client: Client, django_assert_num_queries: Any
) -> None:
    client.get("/")
    with django_assert_num_queries(0):
        client.get("/login/")


def test_the_old_password_cannot_be_guessed_in_a_session_either(
    alice: Any, alice_client: Any
) -> None:
    new = "another long password"

    def change(old: str) -> int:
        typed = {"old_password": old, "new_password1": new, "new_password2": new}
        return int(alice_client.post("/account/password/", typed).status_code)

    assert [change("wrong") for _ in range(5)] == [422] * 5
    assert change(PASSWORD) == 422, "the right one is not looked at either"
    AccessAttempt.objects.all().delete()
    assert change(PASSWORD) == 302


@pytest.mark.parametrize(
    ("hop", "address"),
    [("198.51.100.7:4711", "198.51.100.7"), ("[2001:db8:1:2::7]:4711", "2001:db8:1:2::")],
)
def test_a_port_behind_a_forwarded_address_is_left_out(
    hop: str, address: str, settings: Any
) -> None:
    settings.WIKI_TRUSTED_PROXIES = 1
    request = RequestFactory().get("/", headers={"x-forwarded-for": hop})
    assert client_address(request) == address
