"""The real site, in a folder of its own, with handles on everything that can be broken."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.drills.visitor import Visitor
from wiki.postgres import Cluster
from wiki.postgres.as_root import refuge
from wiki.postgres.sockets import socket_directory
from wiki.supervisor.process_group import dying_with_parent

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
PAUSE_S = 0.02
OWNER, PASSWORD = "owner", "drill sergeant on duty"
# What would lead the site to somebody else's services.
FOREIGN = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "WIKI_URL", "WIKI_HOST", "DEBUG")


def wait_until(
    condition: Callable[[], bool], limit_s: float, what: str, *, pause_s: float = PAUSE_S
) -> float:
    """Wait until the condition holds; return the seconds it took, fail after limit_s."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < limit_s, f"not within {limit_s:.0f} s: {what}"
        time.sleep(pause_s)
    return time.monotonic() - begun


class Site:
    """`manage.py up` as a child process; folder holds its data and what it printed."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="cp-drill-"))
        self.home = self.folder / "data"
        self.printed = self.folder / "up.log"
        self.port = free_port()
        self.cluster = Cluster(self.home / "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self._visitors: list[Visitor] = []

    @property
    def env(self) -> dict[str, str]:
        """The environment of the site and of every command about it."""
        kept = {name: text for name, text in os.environ.items() if name not in FOREIGN}
        return {**kept, "WIKI_DATA_DIR": str(self.home), "WIKI_PORT": str(self.port)}

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Run `up` and wait until it says that the site is open; return the seconds taken."""
        with self.printed.open("ab") as output:
            begin = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-sample"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dying_with_parent(signal.SIGTERM),
            )
        return wait_until(lambda: self._is_open(begin), START_LIMIT_S, "the site is open")

    def stop(self) -> int:
        """Send SIGTERM, wait for the end; return the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(STOP_LIMIT_S)

    def kill_supervisor(self) -> None:
        """End the supervisor without warning and collect it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_LIMIT_S)

    @property
    def is_running(self) -> bool:
        """Whether the supervisor runs."""
        return self._process is not None and self._process.poll() is None

    def discard(self) -> None:
        """Remove the folder and whatever lies outside it; the site has been stopped."""
        outside = (self.cluster.socket.parent, refuge(self.home / "postgres"))
        for folder in (*outside, socket_directory(self.home / "valkey"), self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def child(self, name: str) -> psutil.Process:
        """Return a child of the supervisor by the name `up` gives it."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            for process in children_of(self.pid):
                if words_of(name) & command_words(process):
                    found.append(process)
            return bool(found)

        wait_until(is_there, START_LIMIT_S, f"{name} runs")
        return found[0]

    def child_of(self, name: str) -> psutil.Process:
        """Return the process that works for a child: granian's worker, celery's child."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            workers = children_of(self.child(name).pid)
            found.extend(one for one in workers if "resource_tracker" not in str(one.cmdline()))
            return bool(found)

        wait_until(is_there, START_LIMIT_S, f"{name} has a worker")
        return found[0]

    def leftovers(self) -> list[str]:
        """Name every process that has to do with this site's folder; stopped, there is none."""
        return [
            f"{process.pid} {' '.join(process.info['cmdline'] or ['?'])}"
            for process in psutil.process_iter(["cmdline", "environ", "cwd", "status"])
            if process.pid != os.getpid()
            and process.info["status"] != psutil.STATUS_ZOMBIE
            and belongs(process.info, str(self.home))
        ]

    def visitors(self, count: int) -> list[Visitor]:
        """Return so many sessions of the owner, the first by the printed link."""
        while len(self._visitors) < count:
            visitor = Visitor(self.port)
            if self._visitors:
                visitor.log_in(OWNER, PASSWORD)
            else:
                visitor.sign_in(self._link())
                visitor.set_first_password(PASSWORD)
            self._visitors.append(visitor)
        return self._visitors[:count]

    def command(self, *words: str) -> dict[str, Any]:
        """Run one of our commands with --json; return what it reports, whatever that is."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words, "--json"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stdout, f"{words} ended with {done.returncode}: {done.stderr}"
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return report

    def query(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Ask the database directly and return the rows."""
        with psycopg.connect(self.cluster.url(), autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def tell_broker(self, word: str) -> None:
        """Give the embedded Valkey a command without arguments."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5.0)
            client.connect(str(socket_directory(self.home / "valkey") / "valkey.sock"))
            client.sendall(f"{word}\r\n".encode())
            assert client.recv(64) == b"+OK\r\n"

    def _is_open(self, begin: int) -> bool:
        with self.printed.open("rb") as output:
            output.seek(begin)
            said = output.read().decode()
        assert self._process is not None
        assert self._process.poll() is None, f"`up` ended: {said}"
        return "is open at" in said and "Stop with Ctrl-C" in said

    def _link(self) -> str:
        lines = [line for line in self.printed.read_text().splitlines() if "/sign-in/" in line]
        return next(word for word in lines[-1].split() if "/sign-in/" in word)


def words_of(name: str) -> set[str]:
    """Return what tells this child of `up` from the others on its command line."""
    return {
        "postgres": {"postgres"},
        "valkey": {"valkey-server"},
        "dispatcher": {"dispatch"},
        "interactive": {"interactive@%h"},
        "background": {"background@%h"},
        "web": {"granian"},
    }[name]


def command_words(process: psutil.Process) -> set[str]:
    """Return the words of a command line, paths without their folders."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return set()
    # Valkey writes its whole title into the first word.
    first = words[0].split() if words else []
    return {Path(word).name for word in (*first[:1], *words)}


def children_of(pid: int) -> list[psutil.Process]:
    """Return the living children of a process, none once it is gone."""
    try:
        children = psutil.Process(pid).children()
        return [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


def belongs(seen: dict[str, Any], home: str) -> bool:
    """Tell whether a process works in this folder; PostgreSQL's hide their environment."""
    told = [*(seen["cmdline"] or []), (seen["environ"] or {}).get("WIKI_DATA_DIR", "")]
    return any(home in word for word in (*told, seen["cwd"] or ""))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
