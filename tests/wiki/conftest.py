"""Fixtures of the wiki app's tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from tests.conftest import person
from tests.wiki import vaults
from tests.wiki.similarity import Meaning
from tests.wiki.world import World, make_world, number_from
from wiki import extensions


@pytest.fixture(autouse=True)
def words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search by words alone, whatever is registered."""
    monkeypatch.setattr(extensions, "rankers", [])
    monkeypatch.setattr(extensions, "preparers", [])
    monkeypatch.setattr(extensions, "explainers", [])
    monkeypatch.setattr(extensions, "about_rankers", [])


@pytest.fixture
def by_meaning(words_alone: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Meaning]:
    """Register a ranker and an explainer that know what is written down for them."""

    def register(**known: Any) -> Meaning:
        meaning = Meaning(**known)
        monkeypatch.setattr(extensions, "rankers", [meaning.rank])
        monkeypatch.setattr(extensions, "explainers", [meaning.explain])
        return meaning

    return register


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


@pytest.fixture
def elsewhere(
    transactional_db: None, settings: Any, tmp_path: Path
) -> Callable[[], AbstractContextManager[None]]:
    """Work in a database of its own, without a schema, with a data folder of its own."""
    name = f"elsewhere_{os.getpid()}"

    @contextmanager
    def enter() -> Iterator[None]:
        home, data = connection.settings_dict["NAME"], settings.WIKI_DATA_DIR
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        move_to(name, tmp_path / "elsewhere")
        try:
            yield
        finally:
            move_to(home, data)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def move_to(database: str, data: Path) -> None:
        connection.close()
        connection.settings_dict["NAME"] = database
        settings.WIKI_DATA_DIR = data
        ContentType.objects.clear_cache()

    return enter
