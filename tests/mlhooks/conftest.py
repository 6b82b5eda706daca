"""Jobs done in this process, and what real processes need: a Valkey of the test's own."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from mlhooks import tasks
from mlhooks.celery import app
from mlhooks.measuring.benchmarks import site_processes
from mlhooks.models import Job
from mlhooks.workers import broker, processes

NAME = "somebody@here"


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Kinds of this test's own, each with its function."""
    known: dict[str, Any] = {"echo": lambda payload, progress: payload}
    monkeypatch.setattr(tasks, "function_of", known.get)
    return known


def run(job: Job) -> Job:
    tasks.run_job.apply([job.pk], throw=True)
    job.refresh_from_db()
    return job


@pytest.fixture(scope="session")
def broker_home() -> Iterator[Path]:
    # Short, for the socket in it.
    home = Path(tempfile.mkdtemp(prefix="cp-broker-"))
    yield home
    shutil.rmtree(home)


@pytest.fixture
def broker_address(broker_home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the broker would be; nothing runs there yet."""
    monkeypatch.setattr(settings, "VALKEY_DIR", broker_home / "valkey")
    monkeypatch.setattr(settings, "VALKEY_SOCKET", broker_home / "valkey" / "valkey.sock")
    address = f"redis+socket://{settings.VALKEY_SOCKET}"
    monkeypatch.setattr(app.conf, "broker_url", address)
    return address


@pytest.fixture
def child_env(broker_home: Path) -> Callable[[], dict[str, str]]:
    """The environment in which a child uses this test's database and broker."""

    def env() -> dict[str, str]:
        url = urlsplit(os.environ["DATABASE_URL"])
        database = connection.settings_dict["NAME"]
        return {
            "WIKI_DATA_DIR": str(broker_home),
            "DATABASE_URL": url._replace(path=f"/{database}").geturl(),
        }

    return env


@pytest.fixture
def valkey(broker_address: str, child_env: Callable[[], dict[str, str]]) -> Iterator[int]:
    """A running broker with nothing in it; its process id."""
    with site_processes.child(processes.broker_argv(), child_env()) as process:
        site_processes.wait_until("valkey", process, broker.is_ready)
        say("FLUSHALL")
        yield process.pid


def say(*words: str) -> bytes:
    """Send the broker one command; return its raw answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(settings.VALKEY_SOCKET))
        client.sendall(" ".join(words).encode() + b"\r\n")
        return client.recv(4096)
