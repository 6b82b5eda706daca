"""Suites that nobody here wrote. `make check` installs them; where one is missing, tests fail."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests import pages_of_the_site as site
from tests.browser.conftest import browser, chromium
from tests.conftest import person, signed_in

__all__ = ["browser", "chromium"]

NODE_MODULES = Path(sys.prefix) / "outside" / "node_modules"


@pytest.fixture(scope="session")
def suite() -> Callable[[str], Path]:
    """Find a file of an npm package, such as "axe-core/axe.min.js"."""

    def find(name: str) -> Path:
        path = NODE_MODULES / name
        if not path.is_file():
            pytest.fail(f"{path} is missing: run sh .ci/outside {sys.prefix}/bin, then try again.")
        return path

    return find


@pytest.fixture
def numbers(db: None) -> dict[str, Any]:
    """The site of tests/pages_of_the_site.py, its owner and a reader."""
    person(site.READER)
    owner = person(site.OWNER, is_staff=True, is_superuser=True)
    owner.set_password(site.PASSWORD)
    owner.save()
    return site.make_site(owner)


@pytest.fixture
def client_of(numbers: dict[str, Any], django_user_model: Any) -> Callable[[str], Client]:
    """Make a client for one of the readers of the site."""

    def make(reader: str) -> Client:
        if reader == site.NOBODY:
            return Client()
        return signed_in(django_user_model.objects.get(username=reader))

    return make
