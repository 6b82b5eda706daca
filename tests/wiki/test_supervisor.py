"""What `up` promises: children in order, kept running, and none left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from wiki.supervisor import child_process, web_server
from wiki.supervisor.child_process import open_log
from wiki.supervisor.instance import AlreadyRunning, Instance

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is true: how long is the machine's affair, not the test's."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass
class Running:
    """A supervisor in a process of its own; see supervised.py."""

    home: Path
    process: "subprocess.Popen[str]"

    @property
    def said(self) -> str:
        return (self.home / "said").read_text()

    @property
    def events(self) -> list[str]:
        file = self.home / "events"
        return file.read_text().splitlines() if file.exists() else []

    def pid(self, name: str) -> int:
        return int((self.home / f"{name}.pid").read_text() or 0)

    def guardian(self) -> int:
        children = psutil.Process(self.process.pid).children()
        return next(one.pid for one in children if "guardian.py" in " ".join(one.cmdline()))

    def everybody(self) -> list[int]:
        return [one.pid for one in psutil.Process(self.process.pid).children(recursive=True)]

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(LIMIT_S)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start supervisors; whatever a failed test leaves of them is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*stages: dict[str, str], wait: bool = True, **options: Any) -> Running:
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.wiki.supervised_site", tmp_path, json.dumps(stages)],
                cwd=ROOT,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
                **options,
            )
        started.append(process)
        running = Running(tmp_path, process)
        eventually(lambda: not wait or "all serve" in running.said or process.poll() is not None)
        return running

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.send_signal(signal.SIGINT)
        process.wait(LIMIT_S)


def test_stages_start_in_order_and_end_in_reverse(supervised):
    running = supervised({"database": "serves"}, {"worker": "serves"}, {"web": "serves"})
    assert running.events == ["database starts", "worker starts", "web starts"]
    assert running.end() == 0
    assert running.events[3:] == ["web ends", "worker ends", "database ends"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_way_to_stop_leaves_nobody(supervised, number):
    running = supervised({"web": "parent"})
    everybody = running.everybody()
    assert len(everybody) == 3  # guardian, web, its child
    running.process.send_signal(number)
    assert running.process.wait(LIMIT_S) == 0
    eventually(lambda: all(map(is_gone, everybody)))


def test_a_second_ctrl_c_does_not_wait_for_the_deaf(supervised):
    running = supervised({"database": "serves"}, {"web": "ignores_sigterm"})

    def ended_by_another() -> bool:
        running.process.send_signal(signal.SIGINT)
        return running.process.poll() is not None

    running.process.send_signal(signal.SIGINT)
    eventually(ended_by_another)  # by itself it might take the 600 seconds it has
    assert running.process.returncode == 0
    assert is_gone(running.pid("web"))


def test_a_closed_terminal_stops_even_where_nobody_passes_that_on(supervised):
    """As under `make` without a shell around it, which hears of it and keeps it to itself."""
    terminal, our_end = os.openpty()
    running = supervised({"web": "serves"}, stdin=our_end, start_new_session=True)
    os.close(our_end)
    os.close(terminal)
    assert running.process.wait(LIMIT_S) == 0
    assert running.events[-1] == "web ends"


def test_kill_9_of_the_supervisor_leaves_nobody(supervised):
    running = supervised({"database": "ignores_sigterm"}, {"web": "parent"})
    everybody = running.everybody()
    assert len(everybody) == 4
    running.process.kill()
    running.process.wait()
    eventually(lambda: all(map(is_gone, everybody)))


def test_a_killed_guardian_is_replaced_by_one_that_knows_all(supervised):
    running = supervised({"web": "parent"})
    first = running.guardian()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: first not in running.everybody() and len(running.everybody()) == 3)
    everybody = running.everybody()
    running.process.kill()
    running.process.wait()
    eventually(lambda: all(map(is_gone, everybody)))


def test_a_guardian_need_not_hear_anything_to_know_what_it_guards():
    """As when the supervisor is killed while it starts one."""
    ignoring = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", ignoring], start_new_session=True)
    guardian = [sys.executable, "-I", "-S", ROOT / "wiki" / "supervisor" / "guardian.py"]
    known = f"-{child.pid} {signal.SIGKILL.value}"
    subprocess.run([*guardian, known], stdin=subprocess.DEVNULL, check=True, timeout=LIMIT_S)
    assert child.wait(LIMIT_S) == -signal.SIGKILL


def test_a_killed_child_comes_back_without_what_it_left_behind(supervised):
    running = supervised({"web": "parent"})
    web, grandchild = running.pid("web"), running.pid("grandchild")
    os.kill(web, signal.SIGKILL)
    eventually(lambda: running.pid("web") != web)
    assert is_gone(grandchild)
    assert "web was killed by SIGKILL; starting it again." in running.said
    assert running.end() == 0


def test_a_needed_child_that_never_comes_up_is_told_with_its_last_words(supervised):
    running = supervised({"database": "dies"}, {"web": "serves"}, wait=False)
    assert running.process.wait(LIMIT_S) == 0
    assert "database ended with status 1, 5 times;" in running.said
    assert "    I cannot go on" in running.said and "Traceback" not in running.said
    assert set(running.events) == {"database starts"}


def test_a_second_instance_is_sent_to_the_first(supervised):
    first = supervised({"web": "serves"})
    second = supervised({"web": "serves"}, wait=False)
    assert second.process.wait(LIMIT_S) == 0
    told = f"Commonplace is already open at http://127.0.0.1:1/ (process {first.process.pid})."
    assert second.said.strip() == told
    assert first.end() == 0


def test_the_lock_outlives_a_killed_supervisor_until_its_children_are_gone(supervised):
    running = supervised({"web": "ignores_sigterm"})
    web, guardian = running.pid("web"), running.guardian()
    os.kill(guardian, signal.SIGSTOP)
    running.process.kill()
    running.process.wait()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BlockingIOError):
        patch.setattr("wiki.supervisor.instance.PATIENCE_S", 0.1)
        Instance(running.home / "run", "http://127.0.0.1:2")
    os.kill(guardian, signal.SIGCONT)
    Instance(running.home / "run", "http://127.0.0.1:2").release()
    assert is_gone(web)


def test_a_released_lock_can_be_taken_again(tmp_path):
    first = Instance(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(AlreadyRunning, match="http://127.0.0.1:1/"):
        Instance(tmp_path, "http://127.0.0.1:2")
    first.release()
    Instance(tmp_path, "http://127.0.0.1:2").release()
    assert not (tmp_path / "up.json").exists()


def test_the_stand_in_lives_as_long_as_the_original_and_passes_signals_on():
    # Not SIGINT or SIGQUIT, which whatever a shell began in the background may ignore.
    original = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    script = ROOT / "wiki" / "supervisor" / "stand_in.py"
    stand_in = subprocess.Popen([sys.executable, "-I", "-S", script, str(original.pid)])
    eventually(lambda: _catches(stand_in.pid, signal.SIGTERM))
    stand_in.send_signal(signal.SIGTERM)
    assert original.wait(LIMIT_S) == -signal.SIGTERM
    assert stand_in.wait(LIMIT_S) == 0


def _catches(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("needs /proc to see when the script listens")
    mask = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


@pytest.fixture
def other_site() -> Iterator[int]:
    """Another program's web server, which answers 200 to everything; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_taken_port_is_named_with_who_has_it(other_site):
    with pytest.raises(web_server.AddressUnusable) as refused:
        web_server.require_free("127.0.0.1", other_site)
    assert f"Port {other_site} is taken by " in str(refused.value)
    assert f"(process {os.getpid()})" in str(refused.value)
    assert "WIKI_PORT" in str(refused.value)


def test_a_foreign_host_is_one_sentence():
    with pytest.raises(web_server.AddressUnusable, match="WIKI_HOST is 'a b'"):
        web_server.require_free("a b", 8000)


def test_an_answer_of_somebody_else_is_not_ours(other_site):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        service = web_server.web_service("127.0.0.1", other_site)
        assert web_server.answers("127.0.0.1", other_site)
        assert not service.ready(child.pid)
        assert service.ready(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_a_long_log_is_put_aside_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(child_process, "LOG_LIMIT_BYTES", 100)
    log = tmp_path / "log" / "web.log"
    for line in (b"x" * 200, b"y", b"z"):
        with open_log(log) as file:
            file.write(line + b"\n")
    assert b"x" * 200 in log.with_name("web.log.1").read_bytes()
    assert log.read_bytes().count(b"--- started") == 2


def manage(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("WIKI_PORT", "eight", "WIKI_PORT is 'eight'"),
        ("WIKI_HOST", "0.0.0.0", "set WIKI_URL"),
        ("SECRET_KEY", "short", "SECRET_KEY is shorter"),
        ("WIKI_ML", "yes", "WIKI_ML is 'yes'"),
    ],
)
def test_a_broken_setting_is_one_sentence(variable, value, sentence, tmp_path):
    done = manage("up", **{"WIKI_DATA_DIR": str(tmp_path), variable: value})
    assert done.returncode == 2 and sentence in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path):
    address = os.environ["DATABASE_URL"].replace("/commonplace", "/absent")
    done = manage("up", WIKI_DATA_DIR=str(tmp_path), DATABASE_URL=address, WIKI_PORT=free_port())
    assert done.returncode == 3 and "named by DATABASE_URL does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_up_opens_the_site_and_ends_without_leaving_anybody(tmp_path):
    variables = {"WIKI_DATA_DIR": str(tmp_path), "WIKI_PORT": free_port(), "WIKI_ML": "0"}
    said = tmp_path / "said"
    with said.open("w") as console:
        site = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-sample"],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=console,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "Stop with Ctrl-C." in said.read_text() or site.poll() is not None)
        address = f"http://127.0.0.1:{variables['WIKI_PORT']}/"
        assert f"Commonplace is open at {address}\n" in said.read_text()
        assert f"Sign in for the first time: {address}sign-in/" in said.read_text()
        assert web_server.answers("127.0.0.1", int(variables["WIKI_PORT"]))
        again = manage("up", **variables)
        assert again.returncode == 0 and f"already open at {address} (process" in again.stdout
        everybody = [one.pid for one in psutil.Process(site.pid).children(recursive=True)]
    finally:
        site.terminate()
        status = site.wait(LIMIT_S)
    assert status == 0 and said.read_text().endswith("Stopping.\n")
    assert len(everybody) >= 3 and all(map(is_gone, everybody))
