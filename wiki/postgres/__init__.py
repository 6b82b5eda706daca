"""The database server that comes with Commonplace: prepare, start, adopt, stop.

Whether it runs is asked of the server itself and of its postmaster.pid, never by `kill -0`,
which ended processes nobody has collected answer too. settings.py imports this module, so
it imports no Django.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

from wiki.postgres import as_root, data_folder
from wiki.postgres.address import connection_settings
from wiki.postgres.postmaster import disown_stale_locks, is_running, server_pid, stop_server
from wiki.postgres.programs import PostgresError, detach, failure, installation, run
from wiki.postgres.sockets import make_socket_directory, socket_directory

__all__ = [
    "Cluster",
    "PostgresError",
    "connection_settings",
    "make_socket_directory",
    "socket_directory",
    "temporary_cluster",
]

USER, DATABASE, PORT = "wiki", "commonplace", 5432
START_LIMIT_S = 300.0  # recovery after a crash replays what was written since a checkpoint
STOP_LIMIT_S = 60.0
PAUSE_S = 0.02
CRASHED_BACKENDS_LIMIT_S = 30.0

MIN_BUFFERS_MB, MAX_BUFFERS_MB, PART_OF_MEMORY = 128, 1024, 8


def shared_buffers() -> str:
    """Return how much PostgreSQL may keep in memory by itself: a part of the machine's.

    A small notebook takes little of it. Of a large one the graph of vectors stays there, which
    a search meets in thousands of places.
    """
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    part_mb = memory_mb // PART_OF_MEMORY
    return f"{min(max(part_mb, MIN_BUFFERS_MB), MAX_BUFFERS_MB)}MB"


# Given on the command line, where neither postgresql.conf nor ALTER SYSTEM can undo them.
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
SETTINGS = {
    **DURABLE,
    "listen_addresses": "",
    "port": str(PORT),  # names the socket; PGPORT would change it
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": shared_buffers(),
    # Of disks without a moving head; else the planner reads tables whole that have an index.
    "random_page_cost": "1.1",
    "jit": "off",  # what it compiles here runs once, and the longest query takes milliseconds
    "log_checkpoints": "off",
    # Of a statement that fails only the error: its values, and the row, are people's texts.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server of our own with its data in the folder `home`.

    For root where user namespaces are forbidden the data are elsewhere; see as_root.
    """

    home: Path

    @property
    def data(self) -> Path:
        """The folder the server works in; `home` nearly always."""
        return as_root.data_folder(self.home.absolute())

    @property
    def socket(self) -> Path:
        """The unix socket on which the server answers."""
        return socket_directory(self.data) / f".s.PGSQL.{PORT}"

    def url(self, database: str = DATABASE) -> str:
        """Return the address as libpq understands it; computes only."""
        folder = quote(os.fsencode(self.socket.parent), safe="/")
        return f"postgresql://{USER}@/{database}?host={folder}&port={PORT}"

    def pid(self) -> int | None:
        """Return the server's process id, None while none runs on these data."""
        return server_pid(self.data)

    def is_ready(self) -> bool:
        """Tell whether our server, and not another on the same socket, takes connections."""
        return self.pid() is not None and self._answers()

    def prepare(self) -> None:
        """Make the data folder if needed, and all that a server needs to start on it.

        PostgresError, with the reason and what to do, if it cannot be used.
        """
        with self._locked() as lock:
            self._prepare(lock)

    def argv(self) -> list[str]:
        """Return the command of a server that is a child of the caller; prepare() first.

        It stays in the foreground, logs to standard error, and on Linux ends with a fast
        shutdown when the thread that started it ends, even by kill -9.
        """
        return self._command(ends_with_parent=True)

    def start(self) -> bool:
        """Adopt the running server or launch one, detached; wait until it can be used.

        Returns whether this call launched it: the caller then stops it. A server that is
        still starting is waited for. Its log is log/postgres.log beside `home`.
        """
        with self._locked() as lock:
            launched = not self._wait_until_ready()
            if launched:
                self._prepare(lock)
                launched = self._launch()
        try:
            self.create_database()
        except PostgresError:
            if launched:
                self.stop()
            raise
        return launched

    def create_database(self) -> None:
        """Create the database unless it is there; the server must be up.

        PostgresError if the server would not keep what it acknowledges.
        """
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                found = connection.execute(
                    "SELECT FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another process was faster
        except psycopg.Error as error:
            raise failure("The database could not be opened", str(error), self.data) from error
        self._require_durability()

    def stop(self) -> None:
        """Stop the server with a fast shutdown and wait for its end; none running is fine."""
        stop_server(self.data, STOP_LIMIT_S)

    def _command(self, *, ends_with_parent: bool) -> list[str]:
        data = self.data
        account = as_root.server_account(data, ends_with_parent=ends_with_parent)
        postgres = as_root.programs_folder(self.home.absolute()) / "postgres"
        # A list, which PostgreSQL splits at commas unless quoted.
        folder = '"{}"'.format(str(self.socket.parent).replace('"', '""'))
        settings = {**SETTINGS, "unix_socket_directories": folder}
        options = [word for name, text in settings.items() for word in ("-c", f"{name}={text}")]
        return [*account, str(postgres), "-D", str(data), *options]

    def _answers(self) -> bool:
        ask = [str(installation() / "bin/pg_isready"), "-q", "-t", "3"]
        where = ["-h", str(self.socket.parent), "-p", str(PORT), "-U", USER, "-d", "postgres"]
        return not run([*ask, *where]).returncode

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the lock; whatever the file system refuses meanwhile becomes a sentence."""
        try:
            with data_folder.cluster_lock(self.home.absolute(), START_LIMIT_S) as lock:
                yield lock
        except OSError as error:
            raise failure("PostgreSQL could not be prepared", str(error), self.home) from error

    def _prepare(self, lock: int) -> None:
        data = self.data
        data_folder.make_data(self.home.absolute(), data, USER, lock)
        make_socket_directory(data, as_root.owner(data))
        if self._answers() and self.pid() is None:
            raise PostgresError(
                f"A PostgreSQL that is no process of this machine works on {data}, perhaps in "
                "another container. Stop it first: two servers would destroy the data."
            )
        disown_stale_locks(data, self.socket)

    def _wait_until_ready(self, launched: int | None = None) -> bool:
        """Wait while a server is starting or stopping; False if none runs, or no more.

        launched: the process id of a server that may not have put down its number yet.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while pid := self.pid() or (launched if launched and is_running(launched) else None):
            if self.is_ready():
                return True
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"PostgreSQL (process {pid}) has not become ready in {START_LIMIT_S:.0f} "
                    "seconds; it may still be recovering from a crash. Wait and start again."
                )
            time.sleep(PAUSE_S)
        return False

    def _launch(self) -> bool:
        """Start a detached server and wait for it; False if somebody else's came first.

        Not by pg_ctl: it passes the folder's name through a shell, unquoted.
        """
        log = self.home.absolute().parent / "log" / "postgres.log"
        log.parent.mkdir(mode=0o700, exist_ok=True)
        deadline = time.monotonic() + CRASHED_BACKENDS_LIMIT_S
        while True:
            with log.open("a+", errors="replace") as report:
                begin = report.tell()
                launched = detach(self._command(ends_with_parent=False), report)
                if self._wait_until_ready(launched):
                    return self.pid() == launched
                report.seek(begin)
                said = report.read()
            # Backends of a killed server end when they next look for it.
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise failure("PostgreSQL did not start", said, self.data)
            time.sleep(PAUSE_S * 10)

    def _require_durability(self) -> None:
        wanted = {**DURABLE, "data_checksums": "on"}
        query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                found: dict[str, str] = dict(connection.execute(query, [list(wanted)]).fetchall())
        except psycopg.Error as error:
            raise failure("The database could not be opened", str(error), self.data) from error
        if weak := ", ".join(sorted(name for name in wanted if found.get(name) != wanted[name])):
            raise PostgresError(
                f"PostgreSQL in {self.data} runs without {weak}, so a power cut could lose or "
                "damage notes. Switch it on again and start Commonplace once more."
            )


@contextmanager
def temporary_cluster(*, keep: bool = False) -> Iterator[Cluster]:
    """Run a server with an empty database in a temporary folder; both are gone at the end.

    keep: leave the folder. On Linux the server ends with the thread that is inside, even by
    kill -9.
    """
    home = Path(tempfile.mkdtemp(prefix="commonplace-"))
    cluster = Cluster(home / "postgres")
    log = home / "log" / "postgres.log"
    try:
        cluster.prepare()
        log.parent.mkdir(mode=0o700, exist_ok=True)
        with log.open("w+") as report, _running(cluster, report):
            cluster.create_database()
            yield cluster
    finally:
        for folder in () if keep else (cluster.socket.parent, as_root.refuge(cluster.home), home):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(cluster: Cluster, report: IO[str]) -> Iterator[None]:
    """Run the cluster's server as a child; its output goes to report."""
    server = subprocess.Popen(
        cluster.argv(), stdin=subprocess.DEVNULL, stdout=report, stderr=report, process_group=0
    )
    try:
        while not cluster.is_ready():
            if server.poll() is not None:
                report.seek(0)
                raise failure("PostgreSQL did not start", report.read(), cluster.data)
            time.sleep(PAUSE_S)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
        cluster.stop()  # whoever was inside may have killed ours and started another
