"""Tries at a password that come at the same time, or from the same machine by other names."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connections
from django.test import Client, RequestFactory

from tests.conftest import PASSWORD, person
from wiki.accounts.lockout import client_address

TRIES = 50


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_are_counted_like_others(monkeypatch: Any) -> None:
    person("alice")
    looked_at: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        looked_at.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)

    def tried(number: int) -> int:
        try:
            form = {"username": "alice", "password": f"wrong {number}"}
            client = Client(REMOTE_ADDR="192.0.2.1", headers={"user-agent": f"browser {number}"})
            return client.post("/login/", form).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(tried, range(TRIES)))
    assert answers.count(422) == 5 and answers.count(429) == TRIES - 5
    assert len(looked_at) == 5
    elsewhere = Client(REMOTE_ADDR="192.0.2.2")
    assert elsewhere.post("/login/", {"username": "alice", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "127.0.0.2", "127.255.3.4", "::1", "::ffff:127.0.0.9", "::ffff:7f00:1"]
)
def test_this_machine_is_one_address_by_all_its_names(peer: str) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer)) == "127.0.0.1"


@pytest.mark.parametrize("peer", ["126.255.255.255", "128.0.0.1", "::2", "::ffff:128.0.0.1"])
def test_other_machines_are_not_this_one(peer: str) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer)) != "127.0.0.1"


@pytest.mark.django_db
def test_changing_the_loopback_address_gives_no_further_tries() -> None:
    person("alice")
    for number in range(1, 6):
        client = Client(REMOTE_ADDR=f"127.0.0.{number}")
        client.post("/login/", {"username": "alice", "password": "wrong"})
    right = {"username": "alice", "password": PASSWORD}
    assert Client(REMOTE_ADDR="::1").post("/login/", right).status_code == 429
