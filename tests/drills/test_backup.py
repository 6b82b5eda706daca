"""Backups made while people save, each restored into an empty instance."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.drills.audit import audit, spread, stored_texts
from tests.drills.rig import Site
from tests.drills.savers import Saved, Savers

BETWEEN_S = 1.0


def test_backup_under_load_restores_to_the_same(
    site: Site, rounds: int, tell: Callable[[str], None]
) -> None:
    taken: list[tuple[dict[str, Any], list[Saved]]] = []
    with Savers(site, pause_s=0.1) as savers:
        for number in range(rounds):
            savers.work(BETWEEN_S)
            before = savers.saved
            taken.append((site.command("backup", str(site.folder / f"{number}.zip")), before))
    figures = audit(site, savers)
    assert site.stop() == 0
    for report, before in taken:
        check_restored(report, before)
    sizes = [report["revisions"] for report, _ in taken]
    seconds = spread([report["seconds"] for report, _ in taken])
    tell(
        f"{rounds} backups of {sizes[0]} to {sizes[-1]} revisions, each in {seconds}, {figures}; "
        f"{rounds} restores, sha256 equal {rounds}, lost 0"
    )


def check_restored(report: dict[str, Any], before: list[Saved]) -> None:
    """Restore the backup; compare its sha256 with that of a backup made of the result.

    before: what had been acknowledged when the backup began.
    """
    with empty_instance() as fresh:
        restored = fresh.command("restore", report["file"])
        assert restored["ok"], restored
        again = fresh.command("backup", str(fresh.folder / "again.zip"))
        assert report["sha256"] == restored["sha256"] == again["sha256"]
        assert report["revisions"] == again["revisions"]
        texts = stored_texts(fresh, sorted({saved.pid for saved in before}))
        lost = [one for one in before if texts.get((one.pid, one.number)) != one.sha256]
        assert not lost, lost
        assert fresh.command("verify_integrity")["ok"]


@contextmanager
def empty_instance() -> Iterator[Site]:
    """Give an instance of its own whose database runs, and nothing else of it."""
    fresh = Site(Path(tempfile.mkdtemp(prefix="cp-drill-")))
    fresh.cluster.start()
    try:
        yield fresh
    finally:
        fresh.cluster.stop()
        assert not fresh.leftovers()
        fresh.discard()
