"""What of a file is kept: pictures upright and without where they were taken, SVGs harmless.

The work is done by a process of its own with limits of time and memory (cleaning_child).
"""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from wiki.files import store, svg
from wiki.files.kinds import OTHER, SVG, Kind, kind_of
from wiki.files.sanitizer_child import FULL, KINDS, REFUSED
from wiki.files.store import FileRefused
from wiki.files.svg_size import LOOKED_AT

MAX_WALL_S = 30.0
DAMAGED = "This picture is damaged or takes too long to read. Save it anew, then add it again."
BUSY = "The server is busy with other pictures. Add this one again in a minute."
# They hold where they were taken as others do, and no browser shows all of them.
UNREADABLE = {
    b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"heis": "HEIC", b"hevc": "HEIC",
    b"mif1": "HEIC", b"msf1": "HEIC", b"avif": "AVIF", b"avis": "AVIF",
}  # fmt: skip
_turns = threading.Semaphore(2)


class Unreadable(FileRefused):
    """A picture cannot be cleaned, so it is not kept; the text says why, and what to do."""


class Busy(FileRefused):
    """Too many pictures at once; the text says so."""


@dataclass(frozen=True)
class Clean:
    """A file as it may be kept: kind is SVG for what was sanitised, else what its bytes say.

    told: a sentence about what was left out of it, or why it cannot be shown.
    """

    content: Path | bytes
    kind: Kind
    told: str = ""


@contextmanager
def clean_upload(content: Path | bytes) -> Iterator[Clean]:
    """Give the file as it may be kept, for as long as the block lasts.

    What is no picture, and a picture without metadata, is given as it is. Raises Unreadable for
    a picture that cannot be cleaned, Busy, and OSError where the disk is full.
    """
    kind, start = _kind_of(content)
    if start[4:8] == b"ftyp" and (name := UNREADABLE.get(start[8:12])):
        raise Unreadable(
            f"{name} pictures are not shown by every browser, and tell where they were taken. "
            "Save the picture as JPEG or PNG, then add it."
        )
    if kind.extension not in KINDS:
        yield Clean(content, kind)
        return
    with _cleaned(content, kind) as clean:
        yield clean


@contextmanager
def sanitised_svg(content: Path | bytes) -> Iterator[Clean]:
    """Give an SVG as it may be shown; one that may not be, and any other file, as it is."""
    kind, start = _kind_of(content)
    with ExitStack() as stack:
        clean = Clean(content, kind_of(start))
        if kind == SVG:
            try:
                clean = stack.enter_context(_cleaned(content, kind))
            except Unreadable as unreadable:
                clean = Clean(content, clean.kind, str(unreadable))
        yield clean


def proven_kind(content: Path) -> Kind:
    """Return the kind of a file that is kept as it is: SVG only if nothing was to be left out."""
    with sanitised_svg(content) as clean:
        if clean.kind == SVG and clean.content != content:
            return OTHER
        return clean.kind


@contextmanager
def _cleaned(content: Path | bytes, kind: Kind) -> Iterator[Clean]:
    with TemporaryDirectory(prefix="cleaning-") as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        if isinstance(content, Path):
            source = content
        else:
            source.write_bytes(content)
        told = _run(kind, source, target)
        yield Clean(target if target.exists() else content, kind, told)


def _run(kind: Kind, source: Path, target: Path) -> str:
    if not _turns.acquire(timeout=MAX_WALL_S):
        raise Busy(BUSY)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wiki.files.sanitizer_child", kind.extension, source, target],
            cwd=Path(__file__).resolve().parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=MAX_WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(DAMAGED) from error
    finally:
        _turns.release()
    if done.returncode == FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if done.returncode:
        raise Unreadable(done.stdout.strip() if done.returncode == REFUSED else DAMAGED)
    return done.stdout.strip()


def _kind_of(content: Path | bytes) -> tuple[Kind, bytes]:
    """Return what a file says it is, which an SVG has yet to prove, and its first bytes."""
    if isinstance(content, bytes):
        start = content[:LOOKED_AT]
    else:
        with store.opened(content) as file:
            start = file.read(LOOKED_AT)
    return SVG if svg.is_svg(start) else kind_of(start), start
