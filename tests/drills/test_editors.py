"""Many editors at once: on one note, where every text counts, and on notes of their own."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drills.audit import audit
from tests.drills.rig import Site
from tests.drills.savers import Savers, latencies, percentile
from tests.drills.visitor import Reply, Visitor

EDITORS, SAVES, LINES = 50, 20, 100  # between two edited lines is one of nobody's
# Every sign-in costs a password's worth of hashing: editors share browsers, not forms.
BROWSERS = 10
MAX_TRIES = 50
OWN_NOTES, OWN_NOTES_S = 8, 20.0
CLASH = re.compile("<{7} mine .*>{7} saved in the meantime [^\n]*\n", re.DOTALL)
FIRST_TEXT = "".join(f"Line{i}\n" for i in range(LINES))


class Editor:
    """Rewrites one line of a note again and again, always on top of what they saw."""

    def __init__(self, visitor: Visitor, pid: int, number: int, line: int) -> None:
        self.number, self.conflicts = number, 0
        self._visitor, self._path, self._line = visitor, f"/notes/{pid}/edit/", line

    def write(self, start: threading.Barrier) -> None:
        """Save every text of this editor's; raises AssertionError if one is not taken."""
        start.wait()
        for save in range(1, SAVES + 1):
            shown = self._visitor.get(self._path)
            for _ in range(MAX_TRIES):
                reply = self._send(shown, save)
                if reply.status == 302:
                    break
                assert reply.status == 409, reply
                self.conflicts += 1
                shown = reply
            else:
                raise AssertionError(f"editor {self.number} never got save {save} through")

    def _send(self, shown: Reply, save: int) -> Reply:
        """Send the form that is on the screen with this editor's line changed."""
        fields = shown.form()
        # A conflict page shows both texts of the line; by hand they become one again.
        lines = CLASH.sub("\n", fields["body"]).splitlines(keepends=True)
        lines[self._line] = line_of(self.number, save)
        return self._visitor.send(self._path, {**fields, "body": "".join(lines)})


def line_of(editor: int, save: int) -> str:
    """Return what an editor writes: one word, as two changes of different words are merged.

    No two saves write the same.
    """
    return f"editor-{editor}-save-{save}\n"


@pytest.mark.parametrize("editors_per_line", [1, 2])
def test_fifty_editors_of_one_note(
    site: Site, tell: Callable[[str], None], editors_per_line: int
) -> None:
    browsers = site.visitors(BROWSERS)
    pid = browsers[0].write_note("Edited by fifty", FIRST_TEXT)
    editors = [
        Editor(browsers[i % BROWSERS].twin(), pid, i, line=1 + i // editors_per_line * 2)
        for i in range(EDITORS)
    ]
    start = threading.Barrier(EDITORS)
    with ThreadPoolExecutor(EDITORS) as pool:
        list(pool.map(lambda editor: editor.write(start), editors))
    merged = require_no_overwrite(site, pid)
    require_no_deadlock(site)
    assert site.command("verify_integrity")["ok"]
    tell(
        f"{EDITORS} editors x {SAVES} saves: {EDITORS * SAVES} accepted, all in the revisions, "
        f"{merged} merged, {sum(editor.conflicts for editor in editors)} conflicts shown, "
        "0 overwritten, 0 deadlocks"
    )


def require_no_overwrite(site: Site, pid: int) -> int:
    """Check that every accepted text is there, and replaced only what its editor had seen.

    Returns how many revisions came by a merge.
    """
    rows = site.query(
        "SELECT body, base, source FROM wiki_revision WHERE note_id = %s ORDER BY number", [pid]
    )
    written: list[str] = []
    changed_at: dict[int, int] = {}
    for number in range(1, len(rows)):
        (before, _, _), (after, base, _) = rows[number - 1 : number + 1]
        pairs = list(zip(before.splitlines(True), after.splitlines(True), strict=True))
        (line,) = [i for i, (one, other) in enumerate(pairs) if one != other]
        assert changed_at.get(line, 0) <= base, f"revision {number} overwrites an unseen text"
        changed_at[line] = number
        written.append(pairs[line][1])
    assert sorted(written) == sorted(
        line_of(i, k + 1) for i in range(EDITORS) for k in range(SAVES)
    )
    return sum(source == "merge" for _, _, source in rows)


def require_no_deadlock(site: Site) -> None:
    """Check PostgreSQL's own count and its log."""
    (row,) = site.query("SELECT sum(deadlocks) FROM pg_stat_database")
    assert row[0] == 0
    log = (site.home / "log" / "postgres.log").read_text()
    assert "deadlock detected" not in log


def test_eight_editors_of_their_own_notes(site: Site, tell: Callable[[str], None]) -> None:
    with Savers(site, count=OWN_NOTES, pause_s=0.1) as savers:
        saved = savers.work(OWN_NOTES_S)
    figures = audit(site, savers)
    require_no_deadlock(site)
    p50, p95 = (percentile(latencies(saved), share) for share in (50, 95))
    tell(f"{OWN_NOTES} editors, {figures}, save p50 {p50:.0f} ms, p95 {p95:.0f} ms, 0 deadlocks")
