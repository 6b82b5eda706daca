"""/readyz tells everybody whether the site is whole, and superusers alone how it is."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import person, signed_in
from wiki import extensions

pytestmark = pytest.mark.django_db


@pytest.fixture
def vitals(monkeypatch: Any) -> None:
    monkeypatch.setattr(extensions, "vitals", {"index": lambda: {"coverage": 0.25}})


@pytest.mark.parametrize(("is_up", "answer"), [(True, 200), (False, 503)])
def test_strangers_and_people_learn_whether_it_is_whole_and_nothing_to_count(
    monkeypatch: Any, alice: Any, vitals: None, is_up: bool, answer: int
) -> None:
    process = extensions.Process("worker@here", [], lambda: is_up)
    monkeypatch.setattr(extensions, "processes", [process])
    helper = person("helper", is_staff=True)
    for client in (Client(), signed_in(alice), signed_in(helper)):
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()) == (answer, {"ok": is_up})


def test_superusers_see_the_details(monkeypatch: Any, staff: Any, vitals: None) -> None:
    process = extensions.Process("worker@here", [], lambda: False)
    monkeypatch.setattr(extensions, "processes", [process])
    assert signed_in(staff).get("/readyz").json() == {
        "ok": False,
        "database": True,
        "processes": {"worker@here": False},
        "index": {"coverage": 0.25},
    }
