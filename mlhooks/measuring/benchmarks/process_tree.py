"""What a process and all its children used."""

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU time of a process, its children, and theirs, dead ones too.

    All threads, in the program and in the kernel.
    """
    total = 0.0
    for process in _tree(pid):
        times = process.cpu_times()
        # Beside CPU time, some systems tell how long the disk was waited for.
        total += float(sum(times) - getattr(times, "iowait", 0.0))
    return total


def pss_mb(pid: int) -> float | None:
    """Return the memory of a process and its children in megabytes (10⁶ bytes).

    What several processes share is counted in parts (the kernel's PSS). None where the system
    does not tell.
    """
    total_kb = 0
    for process in _tree(pid):
        try:
            told = PSS.search(Path(f"/proc/{process.pid}/smaps_rollup").read_text())
        except OSError:
            return None
        total_kb += int(told[1]) if told else 0
    return round(total_kb * 1024 / 1e6, 1)


def _tree(pid: int) -> Iterator[psutil.Process]:
    process = psutil.Process(pid)
    yield process
    yield from process.children(recursive=True)
