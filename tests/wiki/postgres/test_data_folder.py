"""The data folder: what is made, used, refused, and where its socket lies."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wiki.postgres.instances import ask, run_python, wait_until
from wiki.postgres import DURABLE, Cluster, PostgresError, programs
from wiki.postgres.sockets import make_socket_directory, socket_directory


def test_letters_beyond_ascii_survive_in_words_and_trigrams(empty: Cluster) -> None:
    empty.start()
    ask(empty, "CREATE EXTENSION pg_trgm")
    assert ask(empty, "SELECT show_trgm('école') = show_trgm('cole')") is False
    assert ask(empty, "SELECT similarity('école', 'ÉCOLE')") == 1.0
    assert ask(empty, "SELECT 'É' ILIKE 'é' AND lower('Ω') = 'ω'") is True
    assert ask(empty, "SELECT to_tsvector('simple', 'Ünë école')::text") == "'école':2 'ünë':1"


def test_what_keeps_notes_safe_cannot_be_switched_off_in_the_data_folder(cluster: Cluster) -> None:
    with (cluster.home / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{setting} = off\n" for setting in DURABLE)
    cluster.start()
    assert [ask(cluster, f"SHOW {setting}") for setting in DURABLE] == ["on", "on", "on"]


def test_a_server_that_may_lose_what_it_acknowledged_is_refused(cluster: Cluster) -> None:
    cluster.start()
    ask(cluster, "ALTER ROLE wiki SET synchronous_commit = off")
    with pytest.raises(PostgresError, match="without synchronous_commit"):
        cluster.start()
    assert cluster.is_ready()  # somebody else's: left alone
    cluster.stop()
    with pytest.raises(PostgresError, match="without synchronous_commit"):
        cluster.start()
    assert cluster.pid() is None  # ours: stopped again


def test_data_without_checksums_are_refused(cluster: Cluster) -> None:
    binaries = programs.installation() / "bin"
    subprocess.run([binaries / "pg_checksums", "--disable", "-D", cluster.home], check=True)
    with pytest.raises(PostgresError, match="without data_checksums"):
        cluster.start()


def test_data_of_another_version_are_refused_and_untouched(folder: Path) -> None:
    cluster = Cluster(folder / "postgres")
    cluster.home.mkdir()
    (cluster.home / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresError, match=r"PostgreSQL 17, .* PostgreSQL 18, .* restore FILE"):
        cluster.start()
    assert [file.name for file in cluster.home.iterdir()] == ["PG_VERSION"]


def test_a_folder_with_other_files_is_refused_and_untouched(folder: Path) -> None:
    cluster = Cluster(folder / "postgres")
    cluster.home.mkdir()
    (cluster.home / "thesis.tex").write_text("42")
    with pytest.raises(PostgresError, match="is not empty and holds no PostgreSQL"):
        cluster.prepare()
    assert (cluster.home / "thesis.tex").read_text() == "42"


def test_a_database_half_made_is_made_again(empty: Cluster) -> None:
    unfinished = empty.home.with_name("postgres.new")
    making = run_python(
        """
        import sys; from pathlib import Path; from wiki.postgres import Cluster
        Cluster(Path(sys.argv[1])).prepare()
        """,
        empty.home,
    )
    with making:
        wait_until((unfinished / "PG_VERSION").exists)
        making.kill()
    assert not empty.home.exists()
    assert empty.start()
    assert not unfinished.exists()


def test_an_empty_folder_is_used(empty: Cluster) -> None:
    empty.home.mkdir()
    assert empty.start()


def test_a_long_path_has_its_socket_elsewhere(folder: Path, pattern: Path) -> None:
    home = folder / ("long" * 30) / "postgres"
    shutil.copytree(pattern, home)
    cluster = Cluster(home)
    assert cluster.socket.parent == socket_directory(home) != home
    with run_python(
        """
        import sys; from pathlib import Path; from wiki.postgres import Cluster
        print(Cluster(Path(sys.argv[1])).url(), end="")
        """,
        home,
    ) as other:
        assert other.communicate()[0] == cluster.url()
    try:
        cluster.start()
        assert cluster.socket.parent.stat().st_mode & 0o777 == 0o700
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()
        shutil.rmtree(cluster.socket.parent)


@pytest.mark.parametrize("name", ["a, b", """q"u'o te $(false) ünï%41+"""])
def test_a_folder_may_have_any_name(folder: Path, pattern: Path, name: str) -> None:
    cluster = Cluster(folder / name)
    shutil.copytree(pattern, cluster.home)
    try:
        cluster.start()
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()
        if cluster.socket.parent != cluster.home:
            shutil.rmtree(cluster.socket.parent)


@pytest.mark.parametrize("kind", ["link", "open", "file"])
def test_a_socket_folder_that_somebody_else_could_have_made_is_refused(
    folder: Path, kind: str
) -> None:
    home = folder / ("long" * 30)
    path = socket_directory(home)
    try:
        if kind == "link":
            path.symlink_to(folder)
        elif kind == "open":
            path.mkdir()
            path.chmod(0o755)
        else:
            path.touch(0o600)
        with pytest.raises(PermissionError, match="not a private folder"):
            make_socket_directory(home)
    finally:
        path.rmdir() if kind == "open" else path.unlink()
