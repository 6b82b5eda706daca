"""A PostgreSQL of the tests' own, in a temporary folder, from the first moment on.

A pytest plugin, because Django reads DATABASE_URL when pytest-django loads the settings.
With several test processes the first one starts the server and the others inherit its
address. Nothing of a running site is touched: WIKI_DATA_DIR is the temporary folder too.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from wiki.postgres import Cluster

_home: Path | None = None


def _start() -> None:
    global _home
    _home = Path(tempfile.mkdtemp(prefix="cp-test-"))
    cluster = Cluster(_home / "postgres")
    cluster.start()
    os.environ["DATABASE_URL"] = cluster.url()
    os.environ["WIKI_DATA_DIR"] = str(_home)
    for name in ("BROKER_URL", "SECRET_KEY", "WIKI_URL", "WIKI_HOST", "WIKI_PORT", "DEBUG"):
        os.environ.pop(name, None)


if "PYTEST_XDIST_WORKER" not in os.environ:
    _start()


def pytest_unconfigure() -> None:
    if _home is not None:
        Cluster(_home / "postgres").stop()
        shutil.rmtree(_home, ignore_errors=True)


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--rounds", type=int, default=10, help="rounds of each drill")
    parser.addoption(
        "--require-browser", action="store_true", help="fail where a Chromium is missing"
    )
