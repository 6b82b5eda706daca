"""What the house's tests share."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.conftest import person
from tests.wiki import vaults
from tests.wiki.meaning import Meaning
from tests.wiki.world import World, make_world, number_from
from wiki import extensions


@pytest.fixture(autouse=True)
def words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The house is searched by words, whatever is plugged into it."""
    monkeypatch.setattr(extensions, "rankers", [])
    monkeypatch.setattr(extensions, "preparers", [])
    monkeypatch.setattr(extensions, "explainers", [])
    monkeypatch.setattr(extensions, "about_rankers", [])


@pytest.fixture
def by_meaning(words_alone: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Meaning]:
    """Plug in a ranker, and an explainer, that know what is written down for them."""

    def plug(**known: Any) -> Meaning:
        meaning = Meaning(**known)
        monkeypatch.setattr(extensions, "rankers", [meaning.rank])
        monkeypatch.setattr(extensions, "explainers", [meaning.explain])
        return meaning

    return plug


@pytest.fixture
def world(alice: Any, bob: Any, staff: Any) -> Iterator[World]:
    """Give the notebook of world.py; later notes are numbered as if it had never been."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value + is_called::int FROM wiki_note_pid_seq")
        following = cursor.fetchone()[0]
    yield make_world(alice, bob, staff, person("newcomer"))
    number_from(following)


@pytest.fixture
def vault(tmp_path: Path) -> Callable[..., Path]:
    """Write files by path into a folder of this name, or change them there."""
    return lambda files, name="garden": vaults.write(tmp_path / name, files)


@pytest.fixture
def bring_vault(alice: Any, tmp_path: Path) -> Callable[..., vaults.Import]:
    """Import a folder, for alice if nobody else is named."""
    numbers = count()

    def bring(path: Path, owner: Any = alice, **options: Any) -> vaults.Import:
        return vaults.bring(path, owner, tmp_path / f"report-{next(numbers)}", **options)

    return bring
