"""Where figures come from: the machine, and whether it was quiet enough to believe them."""

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Above this much load per core, a measured time says more about the neighbours.
MAX_LOAD_PER_CORE = 1.5


@dataclass(frozen=True)
class Machine:
    """The machine at the start of a benchmark; load is the mean over the last minute."""

    cores: int
    model: str
    load: float

    @classmethod
    def now(cls) -> "Machine":
        """Look at this machine."""
        return cls(_cores(), _model(), round(os.getloadavg()[0], 2))

    def milliseconds(self, times_s: Sequence[float], part: float) -> float | None:
        """Return the time that `part` (0 to 1) of times_s do not exceed, in ms.

        None where there are no times, or the machine was too busy to tell.
        """
        if not times_s or self.load > MAX_LOAD_PER_CORE * self.cores:
            return None
        rank = max(1, math.ceil(part * len(times_s)))
        return round(1000 * sorted(times_s)[rank - 1], 1)

    def as_json(self) -> dict[str, Any]:
        """Return the fields "load" and "machine" of a benchmark's object."""
        return {"load": self.load, "machine": {"cores": self.cores, "model": self.model}}


def _cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
