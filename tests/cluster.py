"""A PostgreSQL of the tests' own, in a temporary folder, from the first moment on.

A pytest plugin, because Django reads DATABASE_URL when pytest-django loads the settings.
With several test processes the first one starts the server and the others inherit its
address. It ends with that process, even by kill -9. Nothing of a running site is touched:
WIKI_DATA_DIR is the temporary folder too, or for each of several processes one in it, so
that none takes away what another has in media/.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from wiki.postgres import temporary_cluster

# Where the server's log is, for tests that look into it.
HOME = "COMMONPLACE_TESTS"

_running = ExitStack()


def _start() -> None:
    cluster = _running.enter_context(temporary_cluster())
    os.environ["DATABASE_URL"] = cluster.url()
    os.environ["WIKI_DATA_DIR"] = os.environ[HOME] = str(cluster.home.parent)
    for name in ("BROKER_URL", "SECRET_KEY", "WIKI_URL", "WIKI_HOST", "WIKI_PORT", "DEBUG"):
        os.environ.pop(name, None)


def _share(worker: str) -> None:
    data = Path(os.environ[HOME]) / worker
    data.mkdir(exist_ok=True)
    os.environ["WIKI_DATA_DIR"] = str(data)


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    _share(worker)
else:
    _start()


def pytest_unconfigure() -> None:
    _running.close()


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--rounds", type=int, default=10, help="rounds of each drill")
    parser.addoption(
        "--require-browser", action="store_true", help="fail where a Chromium is missing"
    )
