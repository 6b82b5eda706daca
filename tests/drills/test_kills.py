"""Kill -9 and SIGTERM while people save: nothing acknowledged is lost, nobody is left behind."""

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.drills.audit import audit, spread
from tests.drills.rig import Site, wait_until
from tests.drills.savers import Savers
from wiki.supervisor import STEADY_S

Tell = Callable[[str], None]
BETWEEN_S = 0.7
# A child that dies sooner than that counts as one that keeps dying, and is given time.
SERVED_S = STEADY_S + 1.5
ORPHANS_LIMIT_S = 10.0


def postmaster(site: Site) -> psutil.Process:
    return site.child("postgres")


def web(site: Site) -> psutil.Process:
    return site.child("web")


def web_worker(site: Site) -> psutil.Process:
    return site.child_of("web")


@pytest.mark.parametrize("victim", [postmaster, web, web_worker])
def test_killed_during_saves(
    site: Site, rounds: int, tell: Tell, victim: Callable[[Site], psutil.Process]
) -> None:
    recoveries = []
    with Savers(site) as savers:
        for _ in range(rounds):
            savers.work(SERVED_S)
            since = time.monotonic()
            victim(site).kill()
            recoveries.append(savers.recovery_s(since))
    tell(f"{rounds} kills, {audit(site, savers)}, all saving again after {spread(recoveries)}")


def test_killed_supervisor_leaves_no_orphan(site: Site, rounds: int, tell: Tell) -> None:
    orphans, starts = [], []
    with Savers(site) as savers:
        for _ in range(rounds):
            savers.work(BETWEEN_S)
            site.kill_supervisor()
            orphans.append(
                wait_until(lambda: not site.leftovers(), ORPHANS_LIMIT_S, "no orphan is left")
            )
            since = time.monotonic()
            starts.append(site.start())
            savers.recovery_s(since)
    tell(
        f"{rounds} kills, {audit(site, savers)}, orphans 0 after {spread(orphans)}, "
        f"next start {spread(starts)}"
    )


def test_stopped_during_saves(site: Site, rounds: int, tell: Tell) -> None:
    stops, starts = [], []
    with Savers(site) as savers:
        for _ in range(rounds):
            savers.work(BETWEEN_S)
            begun = time.monotonic()
            assert site.stop() == 0
            stops.append(time.monotonic() - begun)
            assert not site.leftovers()
            since = time.monotonic()
            starts.append(site.start())
            savers.recovery_s(since)
    tell(
        f"{rounds} times {signal.SIGTERM.name}, {audit(site, savers)}, exit status 0, "
        f"stopped after {spread(stops)}, next start {spread(starts)}"
    )
