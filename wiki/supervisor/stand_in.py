"""Stands in for a process that is not our child: lives as long as it, passes signals on.

`up` keeps children running. A PostgreSQL that another command started, or that outlived its
supervisor, cannot become a child, so this script
(`python -I -S wiki/supervisor/stand_in.py PID`) is one for it.
"""

import os
import signal
import sys
import time
from pathlib import Path

PAUSE_S = 0.2


def is_running(pid: int) -> bool:
    """Tell whether the process runs; one whose parent never collected it does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        # "PID (name) STATE ...", and the name may hold anything.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return not Path("/proc/self").exists()
    return state not in "ZX"


def pass_on(pid: int) -> None:
    """Send every signal that asks us to end to pid instead."""

    def forward(number: int, frame: object) -> None:
        if is_running(pid):
            os.kill(pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, forward)


if __name__ == "__main__":
    original = int(sys.argv[1])
    pass_on(original)
    while is_running(original):
        time.sleep(PAUSE_S)
