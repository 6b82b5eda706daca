"""Three people: alice owns, bob may read what is public, charlie may do nothing special.

`note` is alice's and public; `secret` is alice's and private.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from wiki.fields import Fields
from wiki.models import Note

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """A million rounds of PBKDF2 per test user would be most of the run."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def person(name: str, **columns: Any) -> Any:
    return get_user_model().objects.create_user(name, password=PASSWORD, **columns)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What an earlier test let this process remember is of a database that is gone."""
    cache.clear()


@pytest.fixture(autouse=True)
def no_files_left(settings: Any) -> Iterator[None]:
    """A test's rows are taken back when it ends; the files they named are nobody's then."""
    media = Path(settings.WIKI_DATA_DIR) / "media"
    yield
    shutil.rmtree(media, ignore_errors=True)


@pytest.fixture(autouse=True)
def quick_clients(settings: Any) -> None:
    """Otherwise each test client begins with a list of all static files, the admin's too."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def alice(db: None) -> Any:
    return person("alice")


@pytest.fixture
def bob(db: None) -> Any:
    return person("bob")


@pytest.fixture
def charlie(db: None) -> Any:
    return person("charlie")


@pytest.fixture
def staff(db: None) -> Any:
    return person("staff", is_staff=True, is_superuser=True)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice_client(alice: Any) -> Client:
    return signed_in(alice)


@pytest.fixture
def bob_client(bob: Any) -> Client:
    return signed_in(bob)


@pytest.fixture
def charlie_client(charlie: Any) -> Client:
    return signed_in(charlie)


@pytest.fixture
def staff_client(staff: Any) -> Client:
    return signed_in(staff)


@pytest.fixture
def fields() -> Callable[..., Fields]:
    """Make a note's fields; name only what matters to the test."""

    def make(**said: Any) -> Fields:
        start = {
            "title": "Attention",
            "body": "Queries meet keys.\n",
            "ref": "Vaswani-2017.12",
            "type": "paper",
            "tags": ("attention", "Quoc_Le"),
            "visibility": "public",
        }
        return Fields(**{**start, **said})

    return make


@pytest.fixture
def note(alice: Any, fields: Callable[..., Fields]) -> Note:
    return Note.objects.write(fields(), owner=alice)


@pytest.fixture
def secret(alice: Any, fields: Callable[..., Fields]) -> Note:
    said = fields(title="Canary", body="canary-text\n", tags=("canary_tag",), visibility="private")
    return Note.objects.write(said, owner=alice)
