"""Pictures: how large they are, and small ones made of them.

A small one is made by a process of its own with limits of time and memory, for a picture of
a few kilobytes can ask for hours and gigabytes (wiki.files.thumbnail).
"""

import subprocess
import sys
import threading
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from wiki.files import svg_size
from wiki.files.kinds import BY_MEDIA_TYPE, GIF, PNG, SVG, Kind
from wiki.files.photograph import ORIENTATION, SIDEWAYS
from wiki.files.store import media
from wiki.files.thumbnail import MAX_PIXELS, WIDEST
from wiki.private_files import create, make_folder

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MAX_WALL_S = 15.0
# Its own limit only warns; size_of has one that refuses.
Image.MAX_IMAGE_PIXELS = None
# Readers who open a page full of pictures must not bring the machine to a stand.
_turns = threading.Semaphore(2)


def size_of(path: Path, kind: Kind) -> tuple[int, int] | None:
    """Return width and height as a browser shows the picture; reads no more than its header.

    None for what is no picture, and for one of more than MAX_PIXELS.
    """
    if kind == SVG:
        with path.open("rb") as file:
            return svg_size.size(file.read(svg_size.LOOKED_AT))
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            # Of other kinds, asking for it would unpack the whole picture.
            turned = image.format == "JPEG" and image.getexif().get(ORIENTATION) in SIDEWAYS
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, KeyError):
        return None
    if not 0 < width * height <= MAX_PIXELS:
        return None
    return (height, width) if turned else (width, height)


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the thumbnail.

    >>> small_size(960, 100), small_size(100, 100)
    ((480, 50), (100, 100))
    """
    if width <= WIDEST:
        return width, height
    return WIDEST, max(1, round(height * WIDEST / width))


def small_kind(media_type: str) -> Kind:
    """Return the kind of the thumbnail; of a film, its first picture."""
    kind = BY_MEDIA_TYPE[media_type]
    return PNG if kind == GIF else kind


def thumbnail(sha256: str, source: Path, kind: Kind) -> Path | None:
    """Return the thumbnail of a kept picture, made when it is first asked for.

    None if the picture is broken or takes too long; that is remembered too, as an empty file.
    """
    path = media() / "thumbs" / sha256[:2] / f"{sha256[2:]}.{kind.extension}"
    if not path.exists():
        make_folder(path.parent)
        if not _turns.acquire(timeout=MAX_WALL_S):
            return None
        try:
            _shrink(source, path)
        finally:
            _turns.release()
        if not source.exists():
            # Removed meanwhile, and all of it is to be gone.
            path.unlink(missing_ok=True)
            return None
    return path if path.stat().st_size else None


def forget(sha256: str) -> None:
    """Remove the thumbnails of a picture."""
    for path in (media() / "thumbs" / sha256[:2]).glob(f"{sha256[2:]}.*"):
        path.unlink(missing_ok=True)


def _shrink(source: Path, target: Path) -> None:
    unfinished = target.with_name(f".{threading.get_ident()}.{target.name}")
    create(unfinished, "wb").close()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "wiki.files.thumbnail", str(source), str(unfinished)],
            cwd=Path(__file__).resolve().parents[2],
            stderr=subprocess.DEVNULL,
            timeout=MAX_WALL_S,
            check=False,
        )
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed = True
    if failed:
        create(unfinished, "wb").close()
    unfinished.replace(target)
