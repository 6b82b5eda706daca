"""The owner of many notes, who changes, hides, deletes and undeletes them all the time."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import psutil
import psycopg

from tests.drills.rig import Site
from tests.drills.visitor import Reply, Unanswered
from wiki.measuring.benchmarks.corpus import Corpus

GIVE_UP_S = 120.0
RETRY_S = 0.2
PAUSE_S = 0.3
# A child that was stopped goes on after so long whatever happens: it may hold a note's row.
STOPPED_S = 2.0
TRIES, SURELY_WITHIN_S = 5, 60.0

# The note a worker reads now, or any whose turn will come.
BEING_READ = {
    "running": "SELECT key FROM mlhooks_job WHERE kind = 'embed_note' AND state = 'running'"
    " ORDER BY random()",
    "queued": "SELECT key FROM mlhooks_job WHERE kind = 'embed_note' AND state = 'waiting'"
    " ORDER BY random() LIMIT 100",
}

STATE = """
    SELECT note.pid, head.body, note.visibility = 'private', note.deleted IS NOT NULL
      FROM wiki_note AS note JOIN wiki_revision AS head ON head.id = note.head_id
"""


@dataclass(frozen=True)
class Known:
    """What was acknowledged of a note last; body is None until this owner wrote it."""

    body: str | None = None
    is_private: bool = False
    is_deleted: bool = False


class Owner(threading.Thread):
    """Does something to one note after another while the block runs, as browsers would.

    Each change is sent until it is acknowledged. done counts what was done, by what the note's
    job was doing then: "running" (held still meanwhile), "queued" or "any".
    """

    def __init__(self, site: Site, seed: int) -> None:
        super().__init__(name="owner", daemon=True)
        rows = site.query("SELECT pid FROM wiki_note WHERE deleted IS NULL")
        self.notes = {pid: Known() for (pid,) in rows}
        self.done: Counter[tuple[str, str]] = Counter()
        self.unexpected: list[str] = []
        self._site = site
        (self._visitor,) = site.visitors(1)
        self._random = random.Random(seed)
        self._corpus = Corpus(seed)
        self._is_told_to_end = threading.Event()
        self.actions: dict[str, Callable[[int], None]] = {
            "edit": self.edit,
            "delete": self.delete,
            "hide": self.hide,
            "undelete": self.undelete,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_told_to_end.set()
        self.join(GIVE_UP_S + 1)
        if kind is None:
            assert not self.is_alive() and not self.unexpected, self.unexpected

    def run(self) -> None:
        """Act until told to end."""
        while not self._is_told_to_end.wait(PAUSE_S) and not self.unexpected:
            action = self._random.choices(tuple(self.actions), (6, 2, 2, 1))[0]
            try:
                self.act(action, self._random.choice(("running", "queued", "any")))
            except AssertionError as error:
                self.unexpected.append(str(error))

    def act(self, action: str, moment: str) -> None:
        """Do something to a note at a moment of its job, or, where none is met, to any."""
        if any(self._acted(action, moment) for _ in range(TRIES)):
            return
        fitting = [pid for pid in self.notes if self._fits(action, pid)]
        if fitting:
            self.actions[action](self._random.choice(fitting))
            self.done[action, "any"] += 1

    def surely_act(self, action: str, moment: str) -> None:
        """Do something to a note at a moment of its job; notes are edited until one is met."""
        begun = time.monotonic()
        while not self._acted(action, moment):
            assert time.monotonic() - begun < SURELY_WITHIN_S, f"no job was met {moment}"
            self.act("edit", "any")

    def _acted(self, action: str, moment: str) -> bool:
        with self._met(moment, action) as pid:
            if pid is None:
                return False
            self.actions[action](pid)
            self.done[action, moment] += 1
            return True

    def edit(self, pid: int) -> None:
        """Replace a line."""
        self._save(pid, lambda fields: {"body": self._corpus.changed(fields["body"])})

    def hide(self, pid: int) -> None:
        """Make a note private."""
        self.notes[pid] = replace(self.notes[pid], is_private=True)
        self._save(pid, lambda fields: {})

    def delete(self, pid: int) -> None:
        """Move a note to the trash."""
        self._send_until(302, lambda: self._visitor.send(f"/notes/{pid}/delete/", {}))
        self.notes[pid] = replace(self.notes[pid], is_deleted=True)

    def undelete(self, pid: int) -> None:
        """Bring a note back from the trash."""
        self._send_until(302, lambda: self._visitor.send(f"/notes/{pid}/undelete/", {}))
        self.notes[pid] = replace(self.notes[pid], is_deleted=False)

    @property
    def figures(self) -> str:
        """Say what was done, and how often while a worker read the note."""
        each = Counter(action for action, _ in self.done.elements())
        told = [
            f"{count} {action} ({self.done[action, 'running']} while read)"
            for action, count in each.items()
        ]
        return ", ".join(told)

    def audit(self) -> None:
        """Check that every note is as it was acknowledged last."""
        rows = self._site.query(STATE)
        stored = {
            pid: Known(body, is_private, is_deleted) for pid, body, is_private, is_deleted in rows
        }
        wrong = {
            pid: (known, stored[pid])
            for pid, known in self.notes.items()
            if replace(known, body=known.body or stored[pid].body) != stored[pid]
        }
        assert not wrong, wrong

    def _fits(self, action: str, pid: int) -> bool:
        known = self.notes[pid]
        return known.is_deleted == (action == "undelete") and not (
            action == "hide" and known.is_private
        )

    def _save(self, pid: int, changed: Callable[[dict[str, str]], dict[str, str]]) -> None:
        path = f"/notes/{pid}/edit/"
        fields = self._send_until(200, lambda: self._visitor.get(path)).form()
        known = self.notes[pid]
        fields |= {
            **changed(fields),
            "visibility": "private" if known.is_private else "public",
            "submission": str(uuid.uuid4()),
        }
        self._send_until(302, lambda: self._visitor.send(path, fields))
        self.notes[pid] = replace(known, body=fields["body"])

    def _send_until(self, status: int, send: Callable[[], Reply]) -> Reply:
        """Send until it is answered so; an answer that was lost may have been it."""
        begun, is_lost = time.monotonic(), False
        while time.monotonic() - begun < GIVE_UP_S:
            try:
                reply = send()
            except Unanswered:
                is_lost = True
            else:
                if reply.status == status or (is_lost and reply.status == 404):
                    return reply
                assert reply.status >= 500, reply
                is_lost = True
            time.sleep(RETRY_S)
        raise AssertionError(f"gave up after {GIVE_UP_S:.0f} s")

    @contextmanager
    def _met(self, moment: str, action: str) -> Iterator[int | None]:
        """Yield a note whose job is there; one that runs is held still for the block."""
        if moment != "running":
            yield self._next(moment, action)
            return
        child = self._site.child_of("background")
        if self._next(moment, action) is None:
            yield None
            return
        with held_still(child):
            yield self._next(moment, action)

    def _next(self, moment: str, action: str) -> int | None:
        if moment not in BEING_READ:
            return None
        try:
            found = [int(key) for (key,) in self._site.query(BEING_READ[moment])]
        except psycopg.OperationalError:
            return None
        fitting = (pid for pid in found if pid in self.notes and self._fits(action, pid))
        return next(fitting, None)


@contextmanager
def held_still(process: psutil.Process) -> Iterator[None]:
    """Stop a process for the block, or for STOPPED_S seconds; somebody may kill it meanwhile."""

    def go_on() -> None:
        with suppress(psutil.NoSuchProcess):
            process.resume()

    try:
        process.suspend()
    except psutil.NoSuchProcess:
        yield
        return
    timer = threading.Timer(STOPPED_S, go_on)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        go_on()
