"""What a text costs to render: ordinary ones, formulas, and those made to be slow.

Every text goes through the bounded child, as a save and a preview do.
"""

from time import perf_counter
from typing import Any

from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.pathological_texts import PATHOLOGICAL
from wiki.measuring.subject import Options, Subject
from wiki.rendering import sandbox

ROUNDS = 5
# A round adds a few characters to its text, and 1 MiB is the most there may be.
SIZES = {
    "30 kB, 100 formulas": (30_000, 100),
    "100 kB": (100_000, 0),
    "1 MiB": ((1 << 20) - 1_000, 0),
}


def run(options: Options) -> dict[str, Any]:
    """Render every text; "failed" counts ordinary ones that were not set.

    Returns per ordinary size "first_ms" (no formula was set before), "p50_ms"; of the
    pathological texts how many there are, are "as_typed", and the "slowest_ms" of them.
    """
    machine = Machine.now()
    sandbox.start()
    sandbox.render("$w$")
    ordinary = {name: _ordinary(*size, machine) for name, size in SIZES.items()}
    seconds, notices = _pathological()
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "ordinary": ordinary,
        "pathological": {
            "texts": len(seconds),
            "as_typed": notices,
            "slowest_ms": machine.milliseconds([seconds[slowest]], 1.0),
            "slowest": slowest,
            "over_1_s": sum(time_s > 1 for time_s in seconds.values()),
        },
        "failed": sum(figures["notices"] for figures in ordinary.values()),
        **machine.as_json(),
    }


def _ordinary(size: int, formulas: int, machine: Machine) -> dict[str, Any]:
    text = Corpus().text(size, formulas)
    seconds, notices = [], 0
    for i in range(ROUNDS):
        begin = perf_counter()
        notices += bool(sandbox.render(f"{text}\n\n{i}\n").notice)
        seconds.append(perf_counter() - begin)
    return {
        "first_ms": machine.milliseconds(seconds[:1], 1.0),
        "p50_ms": machine.milliseconds(seconds, 0.5),
        "notices": notices,
    }


def _pathological() -> tuple[dict[str, float], int]:
    seconds: dict[str, float] = {}
    notices = 0
    for name, text in PATHOLOGICAL.items():
        begin = perf_counter()
        notices += bool(sandbox.render(text).notice)
        seconds[name] = perf_counter() - begin
    return seconds, notices


SUBJECT = Subject(run)
