"""Clusters of each test's own, in short temporary paths: sockets are to lie in them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki.postgres import Cluster


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="cp-pg-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def empty(folder: Path) -> Iterator[Cluster]:
    """A cluster of which nothing exists yet."""
    cluster = Cluster(folder / "postgres")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def pattern() -> Iterator[Path]:
    """Data of a cluster that has its database; copying them is quicker than initdb."""
    with tempfile.TemporaryDirectory(prefix="cp-pg-") as path:
        cluster = Cluster(Path(path) / "postgres")
        cluster.start()
        cluster.stop()
        yield cluster.home


@pytest.fixture
def cluster(empty: Cluster, pattern: Path) -> Cluster:
    """A cluster that has its database and is not running."""
    shutil.copytree(pattern, empty.home)
    return empty
