"""What `up` runs: starts children in stages, keeps them running, stops them in reverse.

One thread, one loop: it sleeps until a child ends or a signal arrives, and looks around
once a second besides.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wiki.supervisor.child_process import CannotStart, Child, Guard, Service
from wiki.supervisor.process_group import adopt_orphans, collect_orphans

# How long after its first, second, ... death in a row a child is started again.
RESTART_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 10.0)
# One that has served at this age is well: its next death is a first one.
STEADY_S = 5.0
SLOW_START_S = 60.0
LOOK_S, STARTING_LOOK_S = 1.0, 0.05
LAST_WORDS_S = 5.0
UPKEEP_EVERY_S = 3600.0
STDIN = 0


class KeepsDying(Exception):
    """A child that everything else needs never came up; the text is for the user."""


@dataclass
class Watched:
    """A child and its history."""

    child: Child
    restarts: int = 0
    deaths_in_a_row: int = 0
    start_at: float = 0.0
    look_at: float = 0.0
    has_served: bool = False
    told_slow: bool = False
    last_end: str = ""

    @property
    def keeps_dying(self) -> bool:
        """Whether the delays are used up."""
        return self.deaths_in_a_row >= len(RESTART_DELAYS_S)


class Supervisor:
    """Children in the order of their stages, and the requests to stop them.

    say prints one line for the person at the console. Use it within listening(), and from
    the main thread only.
    """

    def __init__(self, guard: Guard, logs: Path, say: Callable[[str], None]) -> None:
        self._guard = guard
        self._logs = logs
        self._say = say
        self._stages: list[list[Watched]] = []
        self._stop_requests = 0
        self._watches_terminal = False
        self._wakeup, self._signalled = socket.socketpair()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear Ctrl-C, SIGTERM, a closing terminal and ending children.

        To be entered once. A process that was asked to stop ignores further requests for
        the rest of its life.
        """
        self._wakeup.setblocking(False)
        self._signalled.setblocking(False)
        adopt_orphans()
        handlers = {signal.SIGCHLD: self._hear_child}
        handlers |= dict.fromkeys((signal.SIGINT, signal.SIGTERM), self._hear_stop)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means to stay
            handlers[signal.SIGHUP] = self._hear_hangup
            # Under a shell with jobs the shell tells us that the terminal closed. Without
            # one only the session's first process is told, and that may be make, which
            # keeps it to itself.
            self._watches_terminal = os.isatty(STDIN) and os.getpgrp() == os.getsid(0)
        before = {number: signal.signal(number, hear) for number, hear in handlers.items()}
        wakeup = signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                # One more Ctrl-C must not spoil the last moments.
                ignore = self.is_stopping and number != signal.SIGCHLD
                signal.signal(number, signal.SIG_IGN if ignore else handler)
            self._wakeup.close()
            self._signalled.close()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop_requests > 0

    @property
    def restarts(self) -> dict[str, int]:
        """How often each child was started again."""
        return {watched.child.service.name: watched.restarts for watched in self._watched()}

    def start(self, services: Sequence[Service]) -> None:
        """Start the children of a stage, without waiting for any of them.

        Raises CannotStart and OSError; stop() ends those that did start.
        """
        stage: list[Watched] = []
        self._stages.append(stage)
        for service in services:
            watched = Watched(Child(service, self._guard, self._logs))
            stage.append(watched)
            watched.child.start()

    def wait_for(self, name: str, limit_s: float = float("inf")) -> bool:
        """Wait until a child serves; return False at the limit or when asked to stop.

        Also False once a child that can be done without keeps dying. Raises KeepsDying for
        one that cannot.
        """
        watched = next(one for one in self._watched() if one.child.service.name == name)
        deadline = time.monotonic() + limit_s
        while not self.is_stopping:
            self.look()
            if watched.child.is_ready:
                return True
            if watched.keeps_dying and watched.child.service.needed:
                raise KeepsDying(tell_deaths(watched))
            if watched.keeps_dying or time.monotonic() > deadline:
                break
            self.rest()
        return False

    def run(self, upkeep: Callable[[], None] = lambda: None) -> None:
        """Keep every child running until somebody asks to stop.

        upkeep: what is to be done now and then, and soon over: nobody is looked after meanwhile.
        """
        upkeep_at = time.monotonic()
        while not self.is_stopping:
            if time.monotonic() >= upkeep_at:
                upkeep()
                upkeep_at = time.monotonic() + UPKEEP_EVERY_S
            self.look()
            self.rest()

    def look(self) -> None:
        """Look after every child once."""
        if self._watches_terminal and not os.isatty(STDIN):
            self._hear_hangup(signal.SIGHUP, None)
        self._guard.keep_running()
        for watched in self._watched():
            self._tend(watched)
        children = [watched.child for watched in self._watched()]
        collect_orphans({self._guard.pid, *(child.pid for child in children if child.pid)})

    def rest(self) -> None:
        """Sleep until something happens, or for the time after which to look again."""
        starting = any(not watched.child.is_ready for watched in self._watched())
        self.sleep(STARTING_LOOK_S if starting else LOOK_S)

    def sleep(self, seconds: float) -> None:
        """Sleep until the time is over, a child ends or a signal arrives."""
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)

    def stop(self) -> None:
        """Stop the stages in reverse; a second request to stop hurries the rest."""
        while self._stages:
            stage = [watched.child for watched in self._stages.pop()]
            for child in stage:
                child.ask_to_stop()
            grace_s = max((child.service.grace_s for child in stage), default=0.0)
            if not self._all_end(stage, grace_s, may_hurry=True):
                for child in filter(Child.is_alive, stage):
                    child.hurry()
                self._all_end(stage, LAST_WORDS_S, may_hurry=False)
            for child in stage:
                child.clear()

    def _all_end(self, children: Sequence[Child], limit_s: float, *, may_hurry: bool) -> bool:
        deadline = time.monotonic() + limit_s
        while any(child.is_alive() for child in children):
            if time.monotonic() > deadline or (may_hurry and self._stop_requests > 1):
                return False
            self.sleep(STARTING_LOOK_S)
        return True

    def _watched(self) -> list[Watched]:
        return [watched for stage in self._stages for watched in stage]

    def _tend(self, watched: Watched) -> None:
        child, now = watched.child, time.monotonic()
        if not child.is_started:
            if now >= watched.start_at and self._needed_are_ready(watched):
                self._start_again(watched)
        elif not child.is_alive():
            self._bury(watched)
        elif not child.is_ready:
            if now >= watched.look_at:
                self._ask_if_ready(watched)
        elif watched.deaths_in_a_row and now >= child.started_at + STEADY_S:
            watched.deaths_in_a_row = 0
            self._say(f"{child.service.name} is running again.")

    def _needed_are_ready(self, watched: Watched) -> bool:
        others = (other for other in self._watched() if other is not watched)
        return all(other.child.is_ready for other in others if other.child.service.needed)

    def _start_again(self, watched: Watched) -> None:
        watched.restarts += 1
        watched.told_slow = False
        try:
            watched.child.start()
        except (CannotStart, OSError) as error:
            self._count_death(watched, f"could not be started ({error})")

    def _bury(self, watched: Watched) -> None:
        end = watched.child.describe_end()
        watched.child.clear()
        self._count_death(watched, end)

    def _count_death(self, watched: Watched, end: str) -> None:
        watched.deaths_in_a_row += 1
        watched.last_end = end
        delay_s = RESTART_DELAYS_S[min(watched.deaths_in_a_row, len(RESTART_DELAYS_S)) - 1]
        watched.start_at = time.monotonic() + delay_s
        if watched.child.service.needed and not watched.has_served:
            return  # wait_for tells it when it gives up
        if not watched.keeps_dying:
            self._say(f"{watched.child.service.name} {end}; starting it again.")
        elif watched.deaths_in_a_row == len(RESTART_DELAYS_S):
            self._say(tell_deaths(watched))
            self._say(f"It is tried again every {RESTART_DELAYS_S[-1]:.0f} seconds.")

    def _ask_if_ready(self, watched: Watched) -> None:
        child, name = watched.child, watched.child.service.name
        age_s = time.monotonic() - child.started_at
        if child.check_ready():
            watched.has_served = True
            return
        # Quick ones are found at once; asking slow ones seldom leaves them the processor.
        watched.look_at = time.monotonic() + min(0.5, age_s / 10)
        if age_s > SLOW_START_S and not watched.told_slow:
            watched.told_slow = True
            self._say(f"{name} has not been ready for {age_s:.0f} seconds; see {child.log}.")

    def _hear_stop(self, number: int, frame: object) -> None:
        self._stop_requests += 1

    def _hear_hangup(self, number: int, frame: object) -> None:
        self._stop_requests = max(self._stop_requests, 1)  # never a reason to hurry

    def _hear_child(self, number: int, frame: object) -> None:
        """Nothing to do but to be woken."""


def tell_deaths(watched: Watched) -> str:
    """Say that a child keeps dying, with the last lines of its log."""
    child, times = watched.child, watched.deaths_in_a_row
    lines = "".join(f"\n    {line}" for line in child.last_lines())
    return f"{child.service.name} {watched.last_end}, {times} times; {child.log} ends so:{lines}"
