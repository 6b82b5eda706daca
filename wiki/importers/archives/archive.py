"""Zips from strangers: checked by their table of contents, then unpacked where nobody else reads.

An archive is taken whole or refused whole. No entry is written outside the folder made for
it, whatever it is called; sizes are those that come out, not those that are declared.
"""

import os
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from django.conf import settings

from wiki.importers.archives.entries import LITTER, Limits, entries_of, packed_at
from wiki.importers.item import Unreadable
from wiki.private_files import create, make_folder

CHUNK_BYTES = 256 * 1024
BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
# What reading an entry raises that is not what its list says.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error)
MAX_FILES = 200_000
STALE_S = 24 * 3600


@contextmanager
def opened(path: Path, limits: Limits = Limits()) -> Iterator[Path]:  # noqa: B008  # frozen
    """Give the folder that a zip holds; anything but a zip is given back as it is.

    The folder has the zip's name, or that of the one folder which holds all its files. It is
    in the data folder, readable by this user only, and removed at the end. Raises Unreadable.
    """
    if not is_zip(path):
        yield path
        return
    folder = _private_folder()
    try:
        yield _unpack(path, folder / (path.stem or "archive"), limits)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def safe_files(root: Path, most: int = MAX_FILES) -> Iterator[Path]:
    """Yield the regular files below root in the order of their paths; no link is followed.

    Raises Unreadable when there are more than `most`, OSError if a folder cannot be read.
    """
    for count, path in enumerate(_walk(root), 1):
        if count > most:
            raise Unreadable(
                f"There are more than {most:,} files in {root}. Import its folders one by one."
            )
        yield path


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in LITTER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def is_zip(path: Path) -> bool:
    """Tell by its first bytes, or its name, whether a file is meant to be a zip."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in BEGINNINGS or path.suffix.lower() == ".zip"


def _private_folder() -> Path:
    """Make a folder for one archive; what a killed import left behind a day ago goes away."""
    place = settings.WIKI_DATA_DIR / "unpacking"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in place.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > STALE_S:
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=place))


def _unpack(path: Path, folder: Path, limits: Limits) -> Path:
    """Write the archive's files into folder, which is made. Raises Unreadable."""
    folder.mkdir(mode=0o700)
    with path.open("rb") as file:
        entries = entries_of(file, path.name, limits)
        try:
            with zipfile.ZipFile(file) as archive:
                for place, entry in entries:
                    _write(archive, entry, folder / place)
        except DAMAGED as error:
            raise Unreadable(
                f"{path.name} is damaged: a file in it is not what was packed ({error}). "
                "Nothing was imported. Pack the folder again, or fetch the archive again."
            ) from error
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            name = PurePosixPath(Path(str(error.filename)).relative_to(folder))
            raise Unreadable(
                f"{path.name} holds two things that cannot stand side by side, both called "
                f"{str(name)!r}. Nothing was imported. Rename one, and pack the folder again."
            ) from error
    return _top(folder)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Write one entry; never more bytes than it declared."""
    make_folder(target.parent)
    written = 0
    with archive.open(entry) as source, create(target) as file:
        while chunk := source.read(CHUNK_BYTES):
            written += file.write(chunk)
            if written > entry.file_size:
                break
    if written != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename!r} has another size than it says")
    if (changed := packed_at(entry)) is not None:
        os.utime(target, (changed, changed))


def _top(folder: Path) -> Path:
    """Return the one folder that holds everything, or the folder itself."""
    found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else folder
