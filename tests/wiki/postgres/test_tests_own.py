"""The server that the tests run on ends with them, whatever ends them."""

import os
import sys
from pathlib import Path

import pytest

from tests.wiki.postgres.instances import run_python, wait_until
from wiki.postgres.postmaster import is_running

RUN = """
    import os, signal, sys
    os.environ.pop("PYTEST_XDIST_WORKER", None)
    os.environ["TMPDIR"] = sys.argv[1]
    from pathlib import Path
    from tests import cluster
    from wiki.postgres import Cluster
    home = Path(os.environ["WIKI_DATA_DIR"])
    print(home, Cluster(home / "postgres").pid(), flush=True)
    signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends a child like that")
def test_a_killed_run_of_the_tests_leaves_no_server(tmp_path: Path) -> None:
    with run_python(RUN, tmp_path) as tests:
        assert tests.stdout is not None
        home, server = tests.stdout.readline().split()
        assert Path(home).parent == tmp_path != Path(os.environ["WIKI_DATA_DIR"])
        assert is_running(int(server))
        tests.kill()
    wait_until(lambda: not is_running(int(server)))
