"""What the tests of the server share: ask it, wait for it, look at it from another process."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psycopg

from wiki.postgres import Cluster

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0


def ask(cluster: Cluster, query: str) -> object:
    """Run one statement; return the first column of its first row."""
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
    return row and row[0]


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def run_python(script: str, *words: object) -> subprocess.Popen[str]:
    """Start another Python of ours; it prints what the test reads."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(script), *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


SERVER_AS_CHILD = """
    import subprocess, sys
    from pathlib import Path
    from wiki.postgres import as_root
    from wiki.postgres import Cluster
    if len(sys.argv) > 2:
        as_root.REFUGE = Path(sys.argv[2])
        as_root.namespaces_allowed = lambda: False
    cluster = Cluster(Path(sys.argv[1]))
    cluster.prepare()
    subprocess.Popen(cluster.argv(), stderr=subprocess.DEVNULL).wait()
"""
