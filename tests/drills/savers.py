"""People who save as fast as they can, and remember everything that was acknowledged."""

import hashlib
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.drills.rig import Site, wait_until
from tests.drills.visitor import Unanswered, Visitor

GIVE_UP_S = 120.0
RETRY_S = 0.05
RECOVERY_LIMIT_S = 90.0
LINES = "".join(f"Line {i} of a text that is long enough to be a note.\n" for i in range(20))


@dataclass(frozen=True)
class Saved:
    """An acknowledged save; times are seconds of time.monotonic().

    sent is when the try that was acknowledged was sent, tries how many there were.
    """

    pid: int
    number: int
    sha256: str
    sent: float
    ended: float
    tries: int


@dataclass
class Troubles:
    """What savers met on the way: no answer, a 5xx page, one that lost the text, others."""

    unanswered: int = 0
    refused: int = 0
    text_lost: int = 0
    unexpected: list[str] = field(default_factory=list)


class Saver(threading.Thread):
    """One person, one note: numbered texts, each edited from the last acknowledged one."""

    def __init__(self, visitor: Visitor, name: str, pause_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self.saved: list[Saved] = []
        self.troubles = Troubles()
        self.is_told_to_end = threading.Event()
        self.pid = visitor.write_note(name, "Revision 0.\n")
        self._visitor, self._pause_s = visitor, pause_s
        self._fields = visitor.get(f"/notes/{self.pid}/edit/").form()

    def run(self) -> None:
        """Save until told to end; the last save is acknowledged before that."""
        number = 0
        while not self.is_told_to_end.wait(self._pause_s) and not self.troubles.unexpected:
            number += 1
            self._save(number)

    def _save(self, number: int) -> None:
        body = f"{self.name}, text {number}, {uuid.uuid4()}\n{LINES}"
        typed = {"body": body, "base": str(number - 1), "submission": str(uuid.uuid4())}
        begun, tries = time.monotonic(), 0
        while time.monotonic() - begun < GIVE_UP_S:
            sent, tries = time.monotonic(), tries + 1
            if self._is_acknowledged({**self._fields, **typed}):
                digest = hashlib.sha256(body.encode()).hexdigest()
                ended = time.monotonic()
                self.saved.append(Saved(self.pid, number, digest, sent, ended, tries))
                return
            if self.troubles.unexpected:
                return
            time.sleep(RETRY_S)
        self.troubles.unexpected.append(f"{self.name} gave up after {GIVE_UP_S:.0f} s")

    def _is_acknowledged(self, fields: dict[str, str]) -> bool:
        """Send the form once, the same submission every time."""
        try:
            reply = self._visitor.send(f"/notes/{self.pid}/edit/", fields)
        except Unanswered:
            self.troubles.unanswered += 1
            return False
        if reply.status >= 500:
            self.troubles.refused += 1
            self.troubles.text_lost += reply.form().get("body") != fields["body"]
        elif reply.status != 302:
            self.troubles.unexpected.append(f"{self.name}: {reply}")
        return reply.status == 302


class Savers:
    """Savers at work while the block runs; at its end each save has been acknowledged."""

    def __init__(self, site: Site, count: int = 4, pause_s: float = 0.01) -> None:
        self._all = [
            Saver(visitor, f"Saver {i}", pause_s) for i, visitor in enumerate(site.visitors(count))
        ]

    def __enter__(self) -> Self:
        for saver in self._all:
            saver.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for saver in self._all:
            saver.is_told_to_end.set()
        if kind is None:
            for saver in self._all:
                saver.join(GIVE_UP_S + 1)

    @property
    def saved(self) -> list[Saved]:
        """Everything that was acknowledged so far."""
        return [saved for saver in self._all for saved in list(saver.saved)]

    @property
    def pids(self) -> list[int]:
        """The savers' notes."""
        return [saver.pid for saver in self._all]

    @property
    def troubles(self) -> Troubles:
        """What all savers met."""
        met = [saver.troubles for saver in self._all]
        return Troubles(
            unanswered=sum(one.unanswered for one in met),
            refused=sum(one.refused for one in met),
            text_lost=sum(one.text_lost for one in met),
            unexpected=[line for one in met for line in one.unexpected],
        )

    def all_refused(self) -> Callable[[], bool]:
        """Return a condition: every saver met a 5xx page since this call."""
        before = [saver.troubles.refused for saver in self._all]
        return lambda: all(
            saver.troubles.refused > refused
            for saver, refused in zip(self._all, before, strict=True)
        )

    def work(self, seconds: float) -> list[Saved]:
        """Let them save for a while; return what was sent and acknowledged meanwhile."""
        begun = time.monotonic()
        time.sleep(seconds)
        return [saved for saved in self.saved if saved.sent >= begun]

    def recovery_s(self, since: float) -> float:
        """Wait until every saver has sent a save after `since` that was acknowledged.

        Returns how long after `since` the last of them had it; `since` is of
        time.monotonic().
        """
        firsts: dict[int, float] = {}

        def all_saved() -> bool:
            for saved in sorted(self.saved, key=lambda one: one.sent):
                if saved.sent >= since:
                    firsts.setdefault(saved.pid, saved.ended)
            return len(firsts) == len(self._all) or bool(self.troubles.unexpected)

        wait_until(all_saved, RECOVERY_LIMIT_S, "everybody can save again")
        assert not self.troubles.unexpected, self.troubles
        return max(firsts.values()) - since


def percentile(seconds: list[float], share: int) -> float:
    """Return a percentile, 1 to 99, in milliseconds."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[share - 1] * 1000


def latencies(saved: list[Saved]) -> list[float]:
    """Return how long each acknowledged try took, in seconds."""
    return [one.ended - one.sent for one in saved]
