"""PostgreSQL refuses root: the ways around that, and what an ordinary user gets."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.wiki.postgres.instances import SERVER_AS_CHILD, ask, run_python, wait_until
from wiki.postgres import Cluster, PostgresError, as_root, temporary_cluster
from wiki.postgres.programs import installation

NOBODY = as_root.NOBODY
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="root's ways need root, on Linux"
)

# Everything is imported before the change of user, who may not be allowed into our folders.
AS_NOBODY = """
    import contextlib, importlib.util, os, sys
    from pathlib import Path
    import psycopg
    from wiki import postgres
    from wiki.postgres import as_root
    from wiki.postgres import Cluster
    with contextlib.suppress(psycopg.Error):
        psycopg.connect("host=/nowhere")
    postgres.installation = as_root.installation = lambda: Path(sys.argv[2])
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    cluster = Cluster(Path(sys.argv[1]))
    try:
        print(cluster.start(), cluster.start(), cluster.is_ready(), *cluster.argv()[:3])
        cluster.stop()
        print(cluster.pid())
    except postgres.PostgresError as error:
        print(error)
"""


@pytest.fixture
def open_folder(folder: Path) -> Path:
    """A folder that the user nobody may enter."""
    folder.chmod(0o711)
    return folder


@pytest.fixture
def without_namespaces(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> Path:
    """A machine that forbids user namespaces; returns what stands for /var/lib/commonplace."""
    monkeypatch.setattr(as_root, "namespaces_allowed", lambda: False)
    monkeypatch.setattr(as_root, "REFUGE", open_folder / "refuge")
    return open_folder / "refuge"


@pytest.fixture
def sheltered(without_namespaces: Path, folder: Path) -> Iterator[Cluster]:
    """A cluster whose home nobody but root may enter, on such a machine."""
    (folder / "root").mkdir(mode=0o700)
    cluster = Cluster(folder / "root/postgres")
    yield cluster
    cluster.stop()


def uid_of(pid: int | None) -> int:
    return psutil.Process(pid).uids().real


def test_this_machine_allows_user_namespaces_and_root_uses_them(cluster: Cluster) -> None:
    if not as_root.namespaces_allowed():
        assert cluster.data != cluster.home
        return
    cluster.start()
    assert cluster.data == cluster.home
    inside = Path(f"/proc/{cluster.pid()}/uid_map").read_text().split()
    assert inside == ["1000", "0", "1"]
    assert (cluster.home / "base").stat().st_uid == 0


def test_without_namespaces_nobody_serves_from_the_refuge(
    sheltered: Cluster, without_namespaces: Path
) -> None:
    before = os.umask(0o077)
    try:
        assert sheltered.start()
    finally:
        os.umask(before)
    assert not sheltered.start()
    assert ask(sheltered, "SELECT 1") == 1
    assert sheltered.data.is_relative_to(without_namespaces)
    assert uid_of(sheltered.pid()) == NOBODY
    assert sheltered.data.stat().st_uid == NOBODY
    assert sheltered.data.stat().st_mode & 0o077 == 0
    assert not sheltered.home.exists()
    sheltered.stop()
    assert sheltered.start()


def test_data_in_the_refuge_stay_there_when_namespaces_come_back(
    sheltered: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheltered.prepare()
    monkeypatch.setattr(as_root, "namespaces_allowed", lambda: True)
    assert sheltered.data != sheltered.home
    assert sheltered.start()
    assert uid_of(sheltered.pid()) == NOBODY


def test_root_in_a_container_may_not_see_where_another_users_server_works(
    sheltered: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    sheltered.start()
    monkeypatch.setattr(psutil.Process, "cwd", denied)
    assert sheltered.is_ready()


def test_a_child_server_in_the_refuge_ends_with_its_killed_parent(
    sheltered: Cluster, without_namespaces: Path
) -> None:
    parent = run_python(SERVER_AS_CHILD, sheltered.home, without_namespaces)
    with parent:
        wait_until(sheltered.is_ready)
        assert uid_of(sheltered.pid()) == NOBODY
        parent.kill()
    wait_until(lambda: sheltered.pid() is None)


def test_without_namespaces_and_refuge_there_is_only_another_server(
    sheltered: Cluster, without_namespaces: Path
) -> None:
    without_namespaces.touch()
    with pytest.raises(PostgresError, match=r"does not run as root.*DATABASE_URL"):
        sheltered.start()


def test_data_of_root_cannot_be_used_once_namespaces_are_forbidden(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_root, "namespaces_allowed", lambda: False)
    with pytest.raises(PostgresError, match=r"belong to root.*DATABASE_URL"):
        cluster.start()


def test_root_serves_the_data_of_another_user_as_that_user(
    cluster: Cluster, without_namespaces: Path
) -> None:
    for path in (cluster.home, *cluster.home.rglob("*")):
        os.chown(path, 4321, 4321)
    assert cluster.start()
    assert cluster.data == cluster.home
    assert uid_of(cluster.pid()) == 4321


def test_an_ordinary_user_runs_it_plainly(open_folder: Path) -> None:
    package = installation().parent
    for part in (package, package.with_name(package.name + ".libs")):
        if part.exists():
            shutil.copytree(part, open_folder / part.name)
    home = open_folder / "own/postgres"
    home.parent.mkdir()
    os.chown(home.parent, NOBODY, NOBODY)
    with run_python(AS_NOBODY, home, open_folder / package.name / "pginstall") as user:
        printed = user.communicate()[0]
    assert printed.splitlines() == ["True False True setpriv --pdeathsig INT", "None"]
    assert home.stat().st_uid == NOBODY


def test_an_ordinary_user_is_told_whose_the_data_are(cluster: Cluster, open_folder: Path) -> None:
    os.chown(open_folder, NOBODY, NOBODY)
    with run_python(AS_NOBODY, cluster.home, installation()) as user:
        printed = user.communicate()[0]
    assert "belong to the user with the number 0" in printed or "may not read" in printed


def test_nothing_of_the_system_changes(sheltered: Cluster) -> None:
    before = Path("/etc/passwd").read_text(), sheltered.home.parent.stat().st_mode
    sheltered.start()
    assert (Path("/etc/passwd").read_text(), sheltered.home.parent.stat().st_mode) == before


def test_a_temporary_cluster_leaves_nothing_in_the_refuge(without_namespaces: Path) -> None:
    with temporary_cluster() as cluster:
        assert uid_of(cluster.pid()) == NOBODY
    assert list(without_namespaces.iterdir()) == []


def test_a_missing_unshare_counts_as_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_root, "NAMESPACE", ("no-such-unshare",))
    assert not as_root.namespaces_allowed()
    monkeypatch.setattr(as_root, "NAMESPACE", ("false",))
    assert not as_root.namespaces_allowed()
