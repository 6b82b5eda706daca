"""DATABASE_URL: what it may look like, and a server behind it over TCP with a password."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.wiki.postgres.instances import ROOT, ask, wait_until
from wiki.postgres import Cluster, PostgresError, connection_settings

PASSWORD = "p@ss/w:rd é%"


def connect(url: str) -> psycopg.Connection:
    """Connect as Django does, by the parts."""
    parts = connection_settings(url)
    return psycopg.connect(
        dbname=parts["NAME"],
        user=parts["USER"],
        password=parts["PASSWORD"],
        host=parts["HOST"],
        port=parts["PORT"],
        **parts["OPTIONS"],
    )


@pytest.fixture
def tcp_url(cluster: Cluster) -> Iterator[str]:
    """The address of a server that asks for a password on 127.0.0.1."""
    cluster.start()
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("ALTER ROLE wiki PASSWORD {}").format(PASSWORD))
    cluster.stop()
    (cluster.home / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    argv = [*cluster.argv(), "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
    url = f"postgresql://wiki:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/commonplace"
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: answers(url))
            yield url
        finally:
            server.send_signal(signal.SIGINT)


def answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), connect(url):
        return True
    return False


def test_a_server_over_tcp_with_a_password(tcp_url: str) -> None:
    with connect(tcp_url) as connection:
        assert connection.execute("SELECT inet_client_addr()::text").fetchone() == ("127.0.0.1/32",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(tcp_url.replace("rd", "wrong"))


def test_the_site_works_with_a_server_over_tcp(tcp_url: str, tmp_path: Path) -> None:
    here = {"DATABASE_URL": tcp_url, "WIKI_DATA_DIR": str(tmp_path)}
    for words in (["migrate", "--verbosity=0"], ["check", "--database=default"]):
        command = [sys.executable, "manage.py", *words]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **here}, check=True)
    assert not (tmp_path / "postgres").exists()


def test_all_parts_of_an_address_are_read() -> None:
    assert connection_settings(
        "postgresql://ann:s%40crt@db.example.org:6543/notes?sslmode=require&connect_timeout=9"
    ) == {
        "NAME": "notes",
        "USER": "ann",
        "PASSWORD": "s@crt",
        "HOST": "db.example.org",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require", "connect_timeout": 9},
    }


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql:///notes?host=/var/run/postgresql", "/var/run/postgresql"),
        ("postgres://%2Fvar%2Frun%2Fpostgresql/notes", "/var/run/postgresql"),
        ("postgresql://[::1]/notes", "::1"),
        ("postgresql://a,b/notes", "a,b"),
        ("postgresql:///notes", ""),
    ],
)
def test_every_form_that_libpq_knows_is_read(url: str, host: str) -> None:
    settings = connection_settings(url)
    assert (settings["NAME"], settings["HOST"]) == ("notes", host)
    assert settings["OPTIONS"] == {"connect_timeout": 3}


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:secret@db/notes",
        "sqlite:///notes.db",
        "host=db password=secret dbname=notes",
        "postgresql://ann:secret%zz@db/notes",
        "postgresql://ann:secret@[db/notes",
        "postgresql://ann:secret@db:port/notes",
        "postgresql://ann:secret@db/notes?password_=secret",
        "postgresql://ann:secret@db",
        "postgresql://ann:secret@db/notes?connect_timeout=secret",
        "postgresql://ann:secret%00@db/notes",
        "postgresql://ann:secret\0@db/notes",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(PostgresError, match="DATABASE_URL") as refused:
        connection_settings(url)
    shown = f"{refused.getrepr(chain=True, style='value')}"
    assert "secret" not in str(refused.value) and "secret" not in shown


def test_an_own_cluster_is_reached_by_the_same_parts(cluster: Cluster) -> None:
    cluster.start()
    with connect(cluster.url()) as connection:
        assert connection.info.dbname == ask(cluster, "SELECT current_database()")
