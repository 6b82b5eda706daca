"""What the house's tests share."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.conftest import person
from tests.wiki.world import World, make_world, number_from


@pytest.fixture
def world(alice: Any, bob: Any, staff: Any) -> Iterator[World]:
    """Give the notebook of world.py; later notes are numbered as if it had never been."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value + is_called::int FROM wiki_note_pid_seq")
        following = cursor.fetchone()[0]
    yield make_world(alice, bob, staff, person("newcomer"))
    number_from(following)
