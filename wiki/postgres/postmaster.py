"""Which process serves a PostgreSQL data folder, as its postmaster.pid tells.

`kill -0` would not do: a number in that file may by now be a process that ended and that
nobody collected, or, after a restart of the machine or container, another program.
"""

import os
import signal
import time
from pathlib import Path

import psutil

from wiki.postgres.programs import PostgresError

PID_FILE = "postmaster.pid"
# No system has so many processes, so this number belongs to none.
NO_PROCESS = 2**31 - 1
PAUSE_S = 0.02


def server_pid(data: Path) -> int | None:
    """Return the process id of the server that runs on the folder `data`, None without one.

    PostgresError if this user may not look.
    """
    try:
        number = _first_number(data / PID_FILE)
    except PermissionError as error:
        raise PostgresError(
            f"This user may not read {data}: run the command as the user who runs Commonplace."
        ) from error
    return number if number and _serves(number, data) else None


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop_server(data: Path, limit_s: float) -> None:
    """Ask the server of `data` for a fast shutdown and wait until its process is gone.

    Open transactions are rolled back, clients disconnected. Does nothing without a server.
    PostgresError if it still runs after limit_s.
    """
    pid = server_pid(data)
    if pid is None:
        return
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + limit_s
    while _serves(pid, data):
        if time.monotonic() > deadline:
            raise PostgresError(
                f"PostgreSQL (process {pid}) did not stop within {limit_s:.0f} seconds. "
                f"Wait for it, or end it with `kill -QUIT {pid}`: nothing saved is lost."
            )
        time.sleep(PAUSE_S)


def disown_stale_locks(data: Path, socket: Path) -> None:
    """Make PostgreSQL's lock files of a killed server count as stale.

    PostgreSQL refuses to start while any process has the number in them, and says to remove
    them. Only the number is replaced, by one that nobody has: PostgreSQL then goes on to its
    second check, whether processes of the killed server still hold its shared memory.
    """
    for lock in (data / PID_FILE, socket.with_name(socket.name + ".lock")):
        number = _first_number(lock)
        if number and psutil.pid_exists(number) and not _serves(number, data):
            with lock.open("r+") as file:
                lines = file.readlines()
                file.seek(0)
                file.writelines([f"{NO_PROCESS}\n", *lines[1:]])
                file.truncate()


def _first_number(file: Path) -> int | None:
    try:
        line = file.read_text().partition("\n")[0].strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return int(line) if line.isdecimal() else None


def _serves(pid: int, data: Path) -> bool:
    """Tell whether the process is alive and a PostgreSQL server of the folder `data`."""
    try:
        process = psutil.Process(pid)
        if not is_running(pid) or not process.name().startswith("postgres"):
            return False
        try:
            return Path(process.cwd()) == data.resolve()
        except psutil.AccessDenied:  # root in a container, the server another user's
            return str(data) in process.cmdline()
    except psutil.NoSuchProcess:
        return False
