"""Process groups and orphans: what the kernel offers to end whatever a child has started."""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

GROUP_GONE_S = 5.0
PAUSE_S = 0.01

# prctl(2), Linux only.
SET_DEATH_SIGNAL, SET_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def dying_with_parent(number: int) -> Callable[[], None] | None:
    """Return what a new child runs before its program, so that it does not outlive us.

    The guardian ends everything else; this covers the moment before it knows the child,
    and the guardian's own death.
    """
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def promise() -> None:
        libc.prctl(SET_DEATH_SIGNAL, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return promise


def adopt_orphans() -> None:
    """On Linux, become the parent of our children's children when those are orphaned.

    Otherwise they would go to process 1, which in a container may be ourselves or may
    collect nobody.
    """
    if _libc is not None:
        _libc.prctl(SET_SUBREAPER, 1, 0, 0, 0)


def collect_orphans(ours: set[int]) -> None:
    """Collect the exit status of every ended process that we adopted; never of `ours`."""
    if sys.platform != "linux":
        return
    try:
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in ours:
                return  # its Popen collects it
            os.waitpid(ended.si_pid, 0)
    except ChildProcessError:
        return


def signal_group(leader: int, number: int) -> bool:
    """Send a signal to a process group; tell whether it had a member."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group of zombies
        return sys.platform == "linux"
    return True


def wait_for_group(leader: int) -> None:
    """Wait until a killed group has no member left, at most GROUP_GONE_S."""
    deadline = time.monotonic() + GROUP_GONE_S
    while signal_group(leader, 0) and time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(-leader, os.WNOHANG)
        time.sleep(PAUSE_S)
