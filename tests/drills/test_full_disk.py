"""A full disk: saves are refused with the text kept, reading goes on, room mends everything.

The site's data lie on a small disk in memory. Only root may mount one, so the drill runs
again in a mount namespace of its own, where anybody can be root.
"""

import errno
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.drills.audit import audit, spread
from tests.drills.rig import ROOT, Site, wait_until
from tests.drills.savers import Savers

INSIDE = "DRILL_HAS_OWN_MOUNTS"
WAYS = (
    ["unshare", "--mount"],
    ["unshare", "--user", "--map-root-user", "--mount"],
    ["sudo", "--non-interactive", "--preserve-env", "unshare", "--mount"],
)
MOUNT = ["mount", "-t", "tmpfs", "-o", "size=256m,mode=700", "tmpfs"]
INNER_LIMIT_S = 1200.0
BETWEEN_S, FULL_S, REFUSED_LIMIT_S = 0.7, 1.0, 60.0


def test_full_disk(request: pytest.FixtureRequest, rounds: int, tell: Callable[..., None]) -> None:
    if INSIDE in os.environ:
        with small_disk() as site:
            tell(fill_again_and_again(site, rounds))
        return
    inner = [sys.executable, "-m", "pytest", "-m", "drill", "-n", "0", f"--rounds={rounds}"]
    done = subprocess.run(
        [*own_mounts(), *inner, request.node.nodeid],
        cwd=ROOT,
        env={**os.environ, INSIDE: "1"},
        capture_output=True,
        text=True,
        timeout=INNER_LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (figures,) = (line for line in done.stdout.splitlines() if line.startswith(request.node.name))
    tell(figures.partition(": ")[2])


def own_mounts() -> list[str]:
    """Return the words before a command that let it mount a disk of its own."""
    for way in WAYS:
        try:
            if not subprocess.run([*way, *MOUNT, "/mnt"], capture_output=True).returncode:
                return list(way)
        except FileNotFoundError:
            continue
    pytest.fail(
        "Nobody may mount a disk here: allow user namespaces, or run the drill as root "
        "with the capability CAP_SYS_ADMIN."
    )


@contextmanager
def small_disk() -> Iterator[Site]:
    """Run a site whose data folder is a disk of 256 MB."""
    site = Site(Path(tempfile.mkdtemp(prefix="cp-drill-")))
    site.home.mkdir()
    subprocess.run([*MOUNT, str(site.home)], check=True)
    try:
        site.start()
        yield site
        assert site.stop() == 0
        assert not site.leftovers()
    finally:
        if site.is_running:
            site.stop()
        subprocess.run(["umount", str(site.home)], check=True)
    site.discard()


def fill_again_and_again(site: Site, rounds: int) -> str:
    """Fill the disk while people save, look, make room; return the figures."""
    recoveries = []
    with Savers(site) as savers:
        for _ in range(rounds):
            savers.work(BETWEEN_S)
            filler = fill(site.home)
            wait_until(savers.all_refused(), REFUSED_LIMIT_S, "every save is refused")
            time.sleep(FULL_S)
            require_reading(site, savers)
            since = time.monotonic()
            filler.unlink()
            recoveries.append(savers.recovery_s(since))
    return (
        f"{rounds} times full, {audit(site, savers)}, reading went on, "
        f"all saving again after {spread(recoveries)}"
    )


def fill(disk: Path) -> Path:
    """Write a file until nothing more fits; return it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return filler


def require_reading(site: Site, savers: Savers) -> None:
    """Check that every note can be read, with the last acknowledged text."""
    (visitor,) = site.visitors(1)
    assert visitor.get("/").status == 200
    for pid in savers.pids:
        number = max(saved.number for saved in savers.saved if saved.pid == pid)
        assert f"text {number}," in visitor.get(f"/notes/{pid}/raw/").text
        assert visitor.get(f"/notes/{pid}/").status == 200
        assert visitor.get(f"/notes/{pid}/history/").status == 200
