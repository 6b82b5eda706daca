"""One child of `up`: how it is started, when it serves, how it and its own children end.

Every child leads a session and a process group of its own, so that a Ctrl-C in the terminal
reaches only the supervisor, and so that ending the group ends what the child started.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from wiki.supervisor.process_group import dying_with_parent, signal_group, wait_for_group

ROOT = Path(__file__).resolve().parents[2]
LOG_LIMIT_BYTES = 10 * 1024 * 1024


class CannotStart(Exception):
    """A child cannot be started as things are; the text says what to change."""


@dataclass(frozen=True)
class Service:
    """What a child is: the command it runs and how it is told to stop.

    command is called before every start and may raise CannotStart. ready gets the child's
    process group. stop_signal asks the whole of it to end in order within grace_s;
    hurry_signal does not ask; orphan_signal is sent when the supervisor is no more.
    Others marked needed are waited for before this one is started again.
    """

    name: str
    command: Callable[[], Sequence[str]]
    ready: Callable[[int], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    orphan_signal: signal.Signals = signal.SIGKILL
    needed: bool = False


class Guard:
    """Our end of the pipe to wiki/supervisor/guardian.py, which outlives us."""

    def __init__(self, lock: int) -> None:
        """lock: file descriptor of the data folder's lock, kept open by the guardian too."""
        self._lock = lock
        self._guarded: dict[int, int] = {}
        self._process = self._start()

    def guard(self, pid: int, number: int) -> None:
        """Have pid (negative: a group) sent signal `number` when we are gone."""
        self._guarded[pid] = number
        self._tell(f"{pid} {number}\n")

    def let_go(self, pid: int) -> None:
        """Forget a process or group that has ended."""
        if self._guarded.pop(pid, None) is not None:
            self._tell(f"{pid} 0\n")

    def keep_running(self) -> None:
        """Start the guardian again if it was killed."""
        if self._process.poll() is not None:
            self.close()
            self._process = self._start()

    def close(self) -> None:
        """Let the guardian do what is left and end."""
        # A guardian that was killed leaves a line unread; nothing is left to say to it.
        with suppress(BrokenPipeError):
            self._pipe.close()
        self._process.wait()

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._process.pid

    @property
    def _pipe(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _start(self) -> subprocess.Popen[str]:
        script = str(ROOT / "wiki" / "supervisor" / "guardian.py")
        # Told with its start: we may be gone before a first line could be written.
        known = [f"{pid} {number}" for pid, number in self._guarded.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", script, *known],
            stdin=subprocess.PIPE,
            text=True,
            pass_fds=[self._lock],
            start_new_session=True,
        )
        return self._process

    def _tell(self, line: str) -> None:
        try:
            self._pipe.write(line)
            self._pipe.flush()
        except BrokenPipeError:
            return  # it was killed; keep_running starts it again and tells it everything


class Child:
    """A service, running or about to."""

    def __init__(self, service: Service, guard: Guard, logs: Path) -> None:
        self.service = service
        self.log = logs / f"{service.name}.log"
        self.is_ready = False
        self.started_at = 0.0
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process, which leads the group of the same number."""
        return self._process.pid if self._process else None

    @property
    def is_started(self) -> bool:
        """Whether there is, or was until a moment ago, a process."""
        return self._process is not None

    def start(self) -> None:
        """Start the command with its output in the log.

        Must be called from the main thread: on Linux the child gets orphan_signal when the
        thread that started it ends. Raises CannotStart and OSError.
        """
        argv = self.service.command()
        self.is_ready = False
        with open_log(self.log) as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.service.env},
                start_new_session=True,
                preexec_fn=dying_with_parent(self.service.orphan_signal),
            )
        self._guard.guard(-self._process.pid, self.service.orphan_signal)
        self.started_at = time.monotonic()

    def is_alive(self) -> bool:
        """Tell whether the process runs; its exit status is collected when it does not."""
        return self._process is not None and self._process.poll() is None

    def check_ready(self) -> bool:
        """Ask the service whether it serves, and remember a yes."""
        if not self.is_ready and self._process is not None:
            self.is_ready = self.service.ready(self._process.pid)
        return self.is_ready

    def ask_to_stop(self) -> None:
        """Send the stop signal to the process; its own children it stops itself."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.service.stop_signal)

    def hurry(self) -> None:
        """Send the hurry signal to the whole group."""
        if self._process is not None:
            signal_group(self._process.pid, self.service.hurry_signal)

    def clear(self) -> None:
        """Kill what the ended process left in its group, wait until it is gone, forget both.

        A web worker, for one, outlives a killed main process, keeps the port and would
        answer in the name of the next.
        """
        if self._process is None:
            return
        signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
        wait_for_group(self._process.pid)
        self._guard.let_go(-self._process.pid)
        self._process = None
        self.is_ready = False

    def describe_end(self) -> str:
        """Say how the process ended: "was killed by SIGKILL", "ended with status 1"."""
        status = self._process.returncode if self._process else None
        if status is not None and status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"ended with status {status}"

    def last_lines(self, count: int = 12) -> list[str]:
        """Return the end of what was logged since the last start."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self._log_start, self.log.stat().st_size - 16_384))
                return log.read().decode(errors="replace").splitlines()[-count:]
        except OSError:
            return []


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending; one above LOG_LIMIT_BYTES becomes `.1` first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    log = path.open("ab")
    log.write(f"--- started {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
    log.flush()
    return log
