"""The last one out: ends what a supervisor left running when it was killed without warning.

A script of its own (`python -I -S wiki/supervisor/guardian.py`), without Django and
site-packages, so that it stays a few megabytes. Each argument is "PID SIGNAL": what it guards
from its first moment. The supervisor writes one line per change on its standard input, "PID
SIGNAL" to guard and "PID 0" to let go. A negative PID is a process group, as for kill(2). When
the supervisor is gone, however it went, the pipe closes: whatever is still guarded gets its
signal, then, if it does not listen, a harder one.

It also inherits the lock of the data folder, which therefore stays taken until the last
process is gone: a new supervisor never meets the children of the old one.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from itertools import chain

PATIENCE_S = 10.0
PAUSE_S = 0.02


def read_guarded(lines: Iterable[str]) -> dict[int, int]:
    """Follow the lines to their end; return the signal of each PID still guarded."""
    guarded: dict[int, int] = {}
    for line in lines:
        pid, number = map(int, line.split())
        if number:
            guarded[pid] = number
        else:
            guarded.pop(pid, None)
    return guarded


def is_alive(pid: int) -> bool:
    """Tell whether the process, or a member of the group, exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(guarded: dict[int, int]) -> None:
    """Send each its signal and wait; what is left after PATIENCE_S is made to quit."""
    for pid, number in guarded.items():
        send(pid, number)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and any(map(is_alive, guarded)):
        time.sleep(PAUSE_S)
    for pid in filter(is_alive, guarded):
        # Not SIGKILL: PostgreSQL's helpers then need not find out by themselves.
        send(pid, signal.SIGQUIT)


def send(pid: int, number: int) -> None:
    """Send a signal to a process or group that may be gone already."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    end(read_guarded(chain(sys.argv[1:], sys.stdin)))
