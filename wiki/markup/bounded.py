"""Rendering in a child process that is stopped when a text takes too long.

Parsing Markdown can take quadratic time, so a hostile text must not hold a web thread. The
child limits its own CPU time per text (a timer the kernel keeps) and its memory; a text
that hits a limit is shown as typed, with a notice, and the next one gets a new child.
"""

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from wiki import extensions
from wiki.extensions import Slot
from wiki.markup.rendered import Rendered, as_typed

MOST_CHARACTERS = 1024 * 1024
MOST_CPU_S = 1.0
MOST_WALL_S = 20.0
MOST_MEMORY = 1024**3
CHILDREN = 2

TOO_COMPLEX = "This text is too complex to be set, so it is shown as it was typed."
TOO_LONG = "This text is too long to be set, so it is shown as it was typed."


class _Child:
    """One rendering process: a line of JSON in, a line of JSON out."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wiki.markup.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def ask(self, body: str) -> dict[str, Any] | None:
        """Return the answer, or None if the child hit a limit; then it is gone."""
        assert self.process.stdin is not None and self.process.stdout is not None
        timer = threading.Timer(MOST_WALL_S, self.process.kill)
        timer.start()
        try:
            request = {"body": body, "fences": sorted(extensions.fences)}
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            self.close()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        # A text that was being written when the child died has nowhere to go.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


class _Pool:
    """At most CHILDREN children, started when first needed, of this process alone."""

    def __init__(self) -> None:
        self.idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(CHILDREN):
            self.idle.put(None)

    def render(self, body: str) -> Rendered:
        child = self.idle.get()
        answer = None
        try:
            # An idle child may have died since (killed by hand): that is not the text's fault.
            if child is not None and child.process.poll() is not None:
                child.close()
                child = None
            child = child or _Child()
            answer = child.ask(body)
        finally:
            self.idle.put(child if answer is not None else None)
        if answer is None:
            return as_typed(body, TOO_COMPLEX)
        rendered = Rendered.from_json(answer)
        return replace(rendered, slots=tuple(_own_slot(slot) for slot in rendered.slots))

    def close(self) -> None:
        while not self.idle.empty():
            if child := self.idle.get():
                child.close()


def _own_slot(slot: Slot) -> Slot:
    """Let a fence turn its block's text into the slot it wants."""
    fence = extensions.fences.get(slot.kind)
    return fence.slot(slot.payload["text"]) if fence else slot


_pools: dict[int, _Pool] = {}
_starting = threading.Lock()


def render(body: str) -> Rendered:
    """Render like wiki.markup.render, within limits of length, time and memory.

    At most MOST_CPU_S of CPU time; never raises for what the text says.
    """
    if len(body) > MOST_CHARACTERS:
        return as_typed(body, TOO_LONG)
    with _starting:
        # After a fork the parent's children are not ours.
        pool = _pools.get(os.getpid())
        if pool is None:
            pool = _pools[os.getpid()] = _Pool()
            atexit.register(pool.close)
    return pool.render(body)
