"""The table of contents of a zip, read with suspicion: what it lists must be harmless.

It is measured before it is parsed, for parsing costs memory by the entry.
"""

import re
import stat
import struct
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from wiki.importers.item import Unreadable

END = b"PK\x05\x06"
END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
ENTRY = b"PK\x01\x02"
END_BYTES, END_64_BYTES, LOCATOR_BYTES, ENTRY_BYTES, HEADER_BYTES = 22, 56, 20, 46, 30
MAX_COMMENT_LENGTH = 65_535
TIMESTAMP = 0x5455
ENCRYPTED = 0x1 | 0x40 | 0x2000
NAMED_IN_UTF8 = 0x800
DRIVE = re.compile(r"[A-Za-z]:(?! )")
MAX_NAME_BYTES, MAX_DEPTH = 255, 60
# Ordinary text compresses 3 to 10 times; below this size a strange ratio harms nobody.
MAX_RATIO, HARMLESS_BYTES = 100, 10 * 1024 * 1024
# What other programs leave in a folder for themselves.
LITTER = {"__MACOSX", ".DS_Store", "Icon\r"}
ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".xz", ".bz2")


@dataclass(frozen=True)
class Limits:
    """What an archive may hold; entries count folders and litter, files do not."""

    packed_bytes: int = 200 * 1024 * 1024
    unpacked_bytes: int = 1024**3
    files: int = 20_000
    entries: int = 60_000
    contents_bytes: int = 24 * 1024 * 1024


def entries_of(
    file: IO[bytes], name: str, limits: Limits
) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Return each file of the zip with the path it may be written to, below any folder.

    name: of the archive, for people. Raises Unreadable before anything is unpacked.
    """
    try:
        _measure(file, limits)
        with zipfile.ZipFile(file) as archive:
            listed, start = archive.infolist(), archive.start_dir
        _refuse_overlaps(listed, start)
        found = [(_path(entry), entry) for entry in listed if not _is_litter(entry)]
        files = [(path, entry) for path, entry in found if _is_file(entry)]
        _refuse_sizes(files, limits)
        _refuse_contents([path for path, _ in files])
    except Unreadable as error:
        raise Unreadable(f"{name} was refused: {error} Nothing was unpacked.") from error
    except (zipfile.BadZipFile, struct.error, UnicodeDecodeError, NotImplementedError) as error:
        raise Unreadable(
            f"{name} is no whole zip ({error}). Nothing was unpacked. Pack the folder again, or "
            "fetch the archive again."
        ) from error
    return files


def _measure(file: IO[bytes], limits: Limits) -> None:
    """Look at the end of the zip and count its entries, without keeping any."""
    packed = file.seek(0, 2)
    if packed > limits.packed_bytes:
        raise Unreadable(
            f"it has {_mb(packed)} and an archive has at most {_mb(limits.packed_bytes)}; "
            "divide the folder and pack the parts."
        )
    file.seek(max(0, packed - END_BYTES - MAX_COMMENT_LENGTH))
    tail = file.read()
    at = len(tail) - END_BYTES
    if tail[at : at + 4] != END or tail[-2:] != b"\0\0":
        at = tail.rfind(END)
    if at < 0:
        raise zipfile.BadZipFile("its end is missing")
    disk, first, here, count, size, _ = struct.unpack_from("<4H2L", tail, at + 4)
    if (disk, first) != (0, 0) or here != count:
        raise Unreadable("it is one part of several; pack the folder into a single zip.")
    end = packed - len(tail) + at
    if at >= LOCATOR_BYTES and tail[at - LOCATOR_BYTES :].startswith(LOCATOR_64):
        end, count, size = _large(tail, at - LOCATOR_BYTES, packed - len(tail))
    if count > limits.entries:
        raise Unreadable(_too_many(count, limits))
    if size > limits.contents_bytes:
        raise Unreadable(f"its list of files alone has {_mb(size)}; pack the folder again.")
    _count(file, end, size, count, limits)


def _large(tail: bytes, locator: int, offset: int) -> tuple[int, int, int]:
    """Read where the list ends, its count and its size from the record for large archives."""
    at = locator - END_64_BYTES
    (place,) = struct.unpack_from("<Q", tail, locator + 8)
    if at < 0 or not tail.startswith(END_64, at) or place != offset + at:
        raise Unreadable("its end says two different things; pack the folder again.")
    count, size = struct.unpack_from("<2Q", tail, at + 32)
    return place, count, size


def _count(file: IO[bytes], end: int, size: int, said: int, limits: Limits) -> None:
    """Walk the list of entries by their lengths; it must be as long as its end says."""
    if size > end:
        raise zipfile.BadZipFile("its list of files is cut off")
    file.seek(end - size)
    listed, at, count = file.read(size), 0, 0
    while at < size:
        if not listed.startswith(ENTRY, at):
            raise zipfile.BadZipFile("its list of files is cut off")
        at += ENTRY_BYTES + sum(struct.unpack_from("<3H", listed, at + 28))
        count += 1
    if count > limits.entries:
        raise Unreadable(_too_many(count, limits))
    if count != said:
        raise Unreadable(f"it says that it holds {said:,} files and lists {count:,}.")


def _refuse_overlaps(listed: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse entries that share bytes: so a small archive can unpack to any size."""
    in_order = sorted(listed, key=lambda entry: entry.header_offset)
    if in_order and in_order[0].header_offset < 0:
        raise zipfile.BadZipFile("its beginning is missing")
    starts = [entry.header_offset for entry in in_order[1:]] + [end]
    for entry, start in zip(in_order, starts, strict=False):
        encoding = "utf-8" if entry.flag_bits & NAMED_IN_UTF8 else "cp437"
        name_bytes = len(entry.orig_filename.encode(encoding))
        if entry.header_offset + HEADER_BYTES + name_bytes + entry.compress_size > start:
            raise Unreadable(f"{_shown(entry)} shares its bytes with another file.")


def _path(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Return where the entry may be written. Raises Unreadable for what is no plain file."""
    name = _name(entry).replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or DRIVE.match(name) or ".." in parts:
        raise Unreadable(f"{_shown(entry)} leads out of the folder.")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        raise Unreadable(f"the name {_shown(entry)} holds a control character.")
    if len(parts) > MAX_DEPTH or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise Unreadable(f"the name {_shown(entry)} is longer than a file's name can be.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or not (parts or entry.is_dir()):
        raise Unreadable(f"{_shown(entry)} is a link or a device and no file.")
    if entry.flag_bits & ENCRYPTED:
        raise Unreadable(f"{_shown(entry)} is encrypted; pack the folder without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(f"{_shown(entry)} is packed in an unusual way; pack it as a plain zip.")
    return PurePosixPath(*parts)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name as it was meant: many programs write UTF-8 and do not say so."""
    name = entry.orig_filename
    if not entry.flag_bits & NAMED_IN_UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name)


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    return not LITTER.isdisjoint(_name(entry).split("/"))


def _is_file(entry: zipfile.ZipInfo) -> bool:
    return not _name(entry).replace("\\", "/").endswith("/")


def _refuse_sizes(files: list[tuple[PurePosixPath, zipfile.ZipInfo]], limits: Limits) -> None:
    if len(files) > limits.files:
        raise Unreadable(_too_many(len(files), limits))
    total = sum(entry.file_size for _, entry in files)
    if total > limits.unpacked_bytes:
        raise Unreadable(
            f"it unpacks to {_mb(total)}, and at most {_mb(limits.unpacked_bytes)} are taken; "
            "divide the folder and pack the parts."
        )
    packed = sum(entry.compress_size for _, entry in files)
    for name, size, small in _ratios(files, total, packed):
        if size > HARMLESS_BYTES and size > MAX_RATIO * small:
            raise Unreadable(f"{name} unpacks to more than {MAX_RATIO} times its size.")


def _ratios(
    files: list[tuple[PurePosixPath, zipfile.ZipInfo]], total: int, packed: int
) -> Iterator[tuple[str, int, int]]:
    yield "the archive", total, packed
    yield from ((_shown(entry), entry.file_size, entry.compress_size) for _, entry in files)


def _refuse_contents(paths: list[PurePosixPath]) -> None:
    if len(set(paths)) < len(paths):
        twice = next(path for i, path in enumerate(sorted(paths)) if sorted(paths)[i - 1] == path)
        raise Unreadable(f"it holds {str(twice)!r} twice.")
    if paths and all(path.suffix.lower() in ARCHIVES for path in paths):
        raise Unreadable(
            "it holds only other archives, which are not opened; unpack it and import each."
        )


def packed_at(entry: zipfile.ZipInfo) -> float | None:
    """Return when the file was last changed: exactly, where it says so; None if it cannot be.

    Without that field a zip has the time of the clock where it was packed, taken for ours.
    """
    extra, at = entry.extra, 0
    while at + 9 <= len(extra):
        kind, size, flags = struct.unpack_from("<2HB", extra, at)
        if kind == TIMESTAMP and flags & 1:
            return float(struct.unpack_from("<l", extra, at + 5)[0])
        at += 4 + size
    try:
        return time.mktime((*entry.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return None


def _too_many(count: int, limits: Limits) -> str:
    return (
        f"it holds {count:,} files, and at most {limits.files:,} are taken; "
        "divide the folder and pack the parts."
    )


def _mb(size: int) -> str:
    return f"{size / 1024**2:,.0f} MB"


def _shown(entry: zipfile.ZipInfo) -> str:
    return repr(entry.orig_filename[:100])
