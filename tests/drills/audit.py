"""What must be true after every drill, read from the database and not from the savers."""

import hashlib
import statistics
from collections import Counter

from tests.drills.rig import Site
from tests.drills.savers import Savers

REVISIONS = "SELECT note_id, number, body FROM wiki_revision WHERE note_id = ANY(%s)"


def audit(site: Site, savers: Savers) -> str:
    """Hold the notebook against what was acknowledged; return the figures.

    Nothing acknowledged is lost, nothing was stored twice or by nobody, every 5xx page
    carried the text, the heads are the last texts, and verify_integrity finds nothing.
    """
    troubles, saved = savers.troubles, savers.saved
    assert not troubles.unexpected, troubles.unexpected
    assert saved, "nothing was saved, so nothing was tried"
    stored = stored_texts(site, savers.pids)
    lost = [one for one in saved if stored.get((one.pid, one.number)) != one.sha256]
    assert not lost, lost
    twice = [text for text, times in Counter(stored.values()).items() if times > 1]
    # Revision 0 of every note says the same.
    assert len(twice) <= 1 and len(stored) == len(saved) + len(savers.pids), (twice, len(stored))
    assert not troubles.text_lost, f"{troubles.text_lost} answers lost the typed text"
    report = site.command("verify_integrity")
    assert report["ok"], report
    return (
        f"acked {len(saved)}, lost {len(lost)}, stored twice 0, "
        f"retried {sum(one.tries > 1 for one in saved)} "
        f"(no answer {troubles.unanswered}, 5xx {troubles.refused}, all with the text)"
    )


def stored_texts(site: Site, pids: list[int]) -> dict[tuple[int, int], str]:
    """Return the sha256 of every stored text of these notes by pid and revision number."""
    return {
        (pid, number): hashlib.sha256(body.encode()).hexdigest()
        for pid, number, body in site.query(REVISIONS, [pids])
    }


def spread(seconds: list[float]) -> str:
    """Say the median and the maximum."""
    return f"{statistics.median(seconds):.2f}/{max(seconds):.2f} s"
