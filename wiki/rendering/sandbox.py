"""Rendering in a child process that is stopped when a text takes too long.

Parsing Markdown can take quadratic time, so a hostile text must not hold a web thread. The
child limits its own CPU time per text (a timer the kernel keeps) and its memory; a text
that hits a limit is shown as typed, with a notice, and a new child takes the place of the
one that ended.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from wiki import extensions
from wiki.extensions import Slot
from wiki.markup.comments import as_read
from wiki.markup.markdown import RENDERER_VERSION
from wiki.markup.rendered import Rendered, as_typed
from wiki.rendering.survey import Survey

MAX_CHARACTERS = 1024 * 1024
# Of CPU time. 1 MiB of prose takes less; the same in short list items or table rows does not.
MAX_PARSING_S = 0.4
# Nobody waits for a survey; 1 MiB of changes with a link in every line takes 1.1 s.
MAX_SURVEYING_S = 2.0
# One bomb among the formulas may use the first part up; each ordinary one brings its own.
MAX_FORMULAS_S, PER_FORMULA_S, MIN_FORMULAS_S = 3.0, 0.02, 0.5
MAX_WALL_S = 20.0
MAX_MEMORY = 1024**3
POOL_SIZE = 2
MAX_READING_WORKERS = POOL_SIZE - 1  # children that texts rendered for reading may hold at once
CACHE_SIZE = 32

TOO_COMPLEX = "This text is too complex to be set, so it is shown as it was typed."
TOO_LONG = "This text is too long to be set, so it is shown as it was typed."
TOO_BUSY = "There was no time to set this text just now, so it is shown as it was typed."
FORMULAS_LATE = "Its formulas take too long to set, so the last ones are shown as they were typed."

# What a text at a limit gets on one day and not on another.
TRANSIENT_NOTICES = {TOO_COMPLEX, TOO_BUSY, FORMULAS_LATE}


def formulas_budget_s(count: int) -> float:
    """Return how much CPU time this many formulas of one text may take."""
    return min(MAX_FORMULAS_S, MIN_FORMULAS_S + count * PER_FORMULA_S)


# A title and a body.
Text = tuple[str, str]


class _Killed(Exception):
    """The child ended for a reason that is not its text."""


class _Busy(Exception):
    """All children had work for as long as one waits."""


class _WorkerProcess:
    """One rendering process: a line of JSON in, a line of JSON out."""

    is_gone = False

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wiki.rendering.sandbox_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def ask(self, body: str) -> dict[str, Any] | None:
        """Return the answer, or None if the child hit a limit; then it is gone.

        Raises _Killed if somebody else ended it, or the machine was too busy to let it work.
        """
        request = {"body": body, "fences": sorted(extensions.fences)}
        return self._answer(json.dumps(request).encode() + b"\n")

    def survey(self, texts: Sequence[Text]) -> Iterator[dict[str, Any] | None]:
        """Yield an answer per text; None for one that hit a limit, and that is the last.

        Raises _Killed like ask.
        """
        asked = {"texts": texts, "language": settings.WIKI_LANGUAGE}
        request = json.dumps(asked).encode() + b"\n"
        for _ in texts:
            answer, request = self._answer(request), b""
            yield answer
            if answer is None:
                return

    def _answer(self, request: bytes) -> dict[str, Any] | None:
        """Write what is asked, and read one line."""
        assert self.process.stdin is not None and self.process.stdout is not None
        timer = threading.Timer(MAX_WALL_S, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            ended = self.process.wait()
            self.close()
            if ended in (-signal.SIGKILL, -signal.SIGTERM):
                raise _Killed
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        self.is_gone = True
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        # A text that was being written when the child died has nowhere to go.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


class _WorkerPool:
    """POOL_SIZE children of this process alone."""

    def __init__(self) -> None:
        self.free = threading.Semaphore(POOL_SIZE)
        self.readers = threading.Semaphore(MAX_READING_WORKERS)
        # The next to be used stands last; None is one that could not be started.
        self.idle: deque[_WorkerProcess | None] = deque(_WorkerProcess() for _ in range(POOL_SIZE))

    def render(self, body: str) -> Rendered:
        for _ in range(2):
            try:
                with self._child() as child:
                    answer = child.ask(body)
            except _Killed:
                continue
            except _Busy:
                break
            if answer is None:
                return as_typed(as_read(body), TOO_COMPLEX)
            rendered = Rendered.from_json(answer)
            return replace(rendered, slots=tuple(_own_slot(slot) for slot in rendered.slots))
        return as_typed(as_read(body), TOO_BUSY)

    def survey(self, texts: Sequence[Text]) -> list[Survey]:
        found: list[Survey] = []
        vain = 0
        while len(found) < len(texts):
            try:
                with self._child() as child:
                    for said in child.survey(texts[len(found) :]):
                        found.append(Survey.from_json(said) if said else Survey(notice=TOO_COMPLEX))
            except (_Killed, _Busy):
                vain += 1
                if vain % 2 == 0:
                    found.append(Survey(notice=TOO_BUSY))
        return found

    @contextlib.contextmanager
    def _child(self) -> Iterator[_WorkerProcess]:
        """Lend a child; another takes its place if it ends. Raises _Busy."""
        if not self.free.acquire(timeout=MAX_WALL_S):
            raise _Busy
        try:
            child = self.idle.pop()
            # An idle child may have died since (killed by hand): not the text's fault.
            if child is not None and child.process.poll() is not None:
                child.close()
                child = None
            child = child or _WorkerProcess()
            try:
                yield child
            except BaseException:
                child.close()
                raise
            finally:
                if child.is_gone:
                    # The next texts need not wait until this one has started.
                    self.idle.appendleft(_started())
                else:
                    self.idle.append(child)
        finally:
            self.free.release()

    def close(self) -> None:
        while self.idle:
            if child := self.idle.pop():
                child.close()


def _started() -> _WorkerProcess | None:
    with contextlib.suppress(OSError):
        return _WorkerProcess()
    return None


def _own_slot(slot: Slot) -> Slot:
    """Let a fence turn its block's text into the slot it wants."""
    fence = extensions.fences.get(slot.kind)
    return fence.slot(slot.payload["text"]) if fence else slot


def renderer_name() -> str:
    """Return what a text is rendered by: the version, and the registered fences."""
    return " ".join([str(RENDERER_VERSION), *sorted(extensions.fences)])


_pools: dict[int, _WorkerPool] = {}
_starting = threading.Lock()


def start() -> None:
    """Start the children, so that the first text need not wait for them."""
    _pool()


def stop() -> None:
    """End the children; the next text starts new ones."""
    with _starting:
        pool = _pools.pop(os.getpid(), None)
    if pool is not None:
        pool.close()
        atexit.unregister(pool.close)


def render(body: str) -> Rendered:
    """Render like wiki.markup.render, within limits of length, time and memory.

    Never raises for what the text says. A text that is shown as typed has a notice: TOO_BUSY
    where another try may succeed.
    """
    if len(body) > MAX_CHARACTERS:
        return as_typed(as_read(body), TOO_LONG)
    return _pool().render(body)


def survey(texts: Sequence[Text]) -> list[Survey]:
    """Survey texts, each with its title, in one child and within limits like those of render.

    One at a limit has only a notice, like one that is shown as typed.
    """
    short = [text for text in texts if len(text[1]) <= MAX_CHARACTERS]
    found = iter(_pool().survey(short))
    too_long = Survey(notice=TOO_LONG)
    return [next(found) if len(text[1]) <= MAX_CHARACTERS else too_long for text in texts]


def render_for_reading(body: str) -> Rendered:
    """Render what nobody has just written; writers always find a child that is not reading.

    The last CACHE_SIZE texts are kept, so whoever asks again costs nothing.
    """
    rendered = _remembered(body, renderer_name())
    if rendered.notice == TOO_BUSY:
        _remembered.cache_clear()
    return rendered


@lru_cache(maxsize=CACHE_SIZE)
def _remembered(body: str, renderer: str) -> Rendered:
    readers = _pool().readers
    if not readers.acquire(timeout=MAX_WALL_S):
        return as_typed(as_read(body), TOO_BUSY)
    try:
        return render(body)
    finally:
        readers.release()


def _pool() -> _WorkerPool:
    with _starting:
        # After a fork the parent's children are not ours.
        pool = _pools.get(os.getpid())
        if pool is None:
            pool = _pools[os.getpid()] = _WorkerPool()
            atexit.register(pool.close)
    return pool
