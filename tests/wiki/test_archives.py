"""Zips from strangers: what is harmless is unpacked; everything else is refused, quickly."""

import io
import os
import random
import re
import stat
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wiki.importers.archives.archive import Limits, opened, safe_files
from wiki.importers.item import Unreadable

Zip = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path, settings: Any) -> Path:
    """Give the data folder; the zips lie beside it."""
    settings.WIKI_DATA_DIR = tmp_path / "data"
    settings.WIKI_DATA_DIR.mkdir()
    return tmp_path


@pytest.fixture
def packed(place: Path) -> Zip:
    """Pack files, by name or by ZipInfo, into vault.zip."""

    def pack(*entries: tuple[Any, bytes], name: str = "vault.zip") -> Path:
        path = place / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, content in entries:
                archive.writestr(entry, content)
        return path

    return pack


def refusal(path: Path, place: Path) -> str:
    """Open what must be refused; nothing may be left or written anywhere. Return the reason."""
    before = tree(place)
    with pytest.raises(Unreadable) as refused, opened(path):
        pass
    after = tree(place)
    assert after - before <= {"data/unpacking"}
    return str(refused.value)


def tree(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in safe_files(folder)}


def entry(name: str, **said: Any) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    for key, value in said.items():
        setattr(info, key, value)
    return info


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """Write other bytes of the same length into a zip, wherever the old ones stand."""
    data = path.read_bytes()
    assert old in data and len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def test_a_folder_is_given_back_as_it_is(place: Path) -> None:
    with opened(place) as folder:
        assert folder == place
    assert place.is_dir()


def test_a_zip_is_unpacked_in_private_and_removed_afterwards(packed: Zip, place: Path) -> None:
    path = packed(("a.md", b"A"), ("img/x.png", b"\x89PNG"))
    with opened(path) as folder:
        assert folder.name == "vault"
        assert contents(folder) == {"a.md": b"A", "img/x.png": b"\x89PNG"}
        assert folder.is_relative_to(place / "data")
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert tree(place / "data") == {"unpacking"}


def test_an_import_that_fails_leaves_nothing_behind(packed: Zip, place: Path) -> None:
    with pytest.raises(RuntimeError), opened(packed(("a.md", b"A"))):
        raise RuntimeError
    assert tree(place / "data") == {"unpacking"}


def test_what_a_killed_import_left_a_day_ago_goes_away(packed: Zip, place: Path) -> None:
    for name, age_s in (("old", 2 * 24 * 3600), ("new", 60)):
        left = place / "data/unpacking" / name
        left.mkdir(parents=True)
        os.utime(left, (time.time() - age_s,) * 2)
    with opened(packed(("a.md", b"A"))):
        assert not (place / "data/unpacking/old").exists()
        assert (place / "data/unpacking/new").exists()


def test_the_one_folder_that_holds_everything_is_the_root(packed: Zip) -> None:
    with opened(packed(("My notes/", b""), ("My notes/a.md", b"A"), ("__MACOSX/x", b"x"))) as root:
        assert root.name == "My notes"
        assert contents(root) == {"a.md": b"A"}


def test_what_a_mac_leaves_in_a_folder_is_left_out(packed: Zip) -> None:
    litter = [
        ("__MACOSX/._a.md", b"x"),
        (".DS_Store", b"x"),
        ("b/.DS_Store", b"x"),
        ("Icon\r", b""),
    ]
    with opened(packed(*litter, ("a.md", b"A"), ("b/c.md", b"C"))) as root:
        assert contents(root) == {"a.md": b"A", "b/c.md": b"C"}


def test_a_file_keeps_the_time_it_was_changed(packed: Zip) -> None:
    local = entry("local.md", date_time=(2019, 5, 6, 7, 8, 10))
    exact = entry("exact.md", extra=struct.pack("<2HBl", 0x5455, 5, 1, 1_500_000_000))
    with opened(packed((local, b""), (exact, b""))) as root:
        assert (root / "local.md").stat().st_mtime == time.mktime((2019, 5, 6, 7, 8, 10, 0, 0, -1))
        assert (root / "exact.md").stat().st_mtime == 1_500_000_000


@pytest.mark.parametrize(
    "name",
    [
        "../evil.md",
        "a/../../evil.md",
        "..\\evil.md",
        "a\\..\\..\\evil.md",
        "/etc/evil.md",
        "\\\\server\\evil.md",
        "C:\\evil.md",
        "c:evil.md",
        "..",
    ],
)
def test_no_name_leads_out_of_the_folder(packed: Zip, place: Path, name: str) -> None:
    said = refusal(packed(("a.md", b"A"), (name, b"evil")), place)
    assert "leads out of the folder" in said and "Nothing was unpacked" in said


@pytest.mark.parametrize("sign", ["\n", "\x1b", "\x7f", "\x85"])
def test_a_control_character_in_a_name_is_refused(packed: Zip, place: Path, sign: str) -> None:
    assert "control character" in refusal(packed((f"a{sign}b.md", b"")), place)


def test_a_nul_in_a_name_is_refused(packed: Zip, place: Path) -> None:
    path = patched(packed(("evil.mdX.png", b"")), b"evil.mdX.png", b"evil.md\0.png")
    assert "control character" in refusal(path, place)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(packed: Zip, place: Path, kind: int) -> None:
    link = entry("link", external_attr=(kind | 0o777) << 16, create_system=3)
    said = refusal(packed((link, b"/etc/passwd"), ("link/evil.md", b"evil")), place)
    assert "is a link or a device" in said


def test_what_is_encrypted_is_refused(packed: Zip, place: Path) -> None:
    path = packed(("a.md", b"A"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(path, place)


def test_unusual_packing_is_refused(packed: Zip, place: Path) -> None:
    said = refusal(packed((entry("a.md", compress_type=zipfile.ZIP_LZMA), b"A")), place)
    assert "packed in an unusual way" in said
    path = packed(("a.md", b"A"))
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, 77)
    path.write_bytes(data)
    assert "packed in an unusual way" in refusal(path, place)


def test_a_bad_checksum_is_refused(packed: Zip, place: Path) -> None:
    content = b"Queries meet keys.\n"
    path = patched(
        packed(("a.md", content)),
        struct.pack("<L", zlib.crc32(content)),
        struct.pack("<L", zlib.crc32(content) ^ 1),
    )
    said = refusal(path, place)
    assert "is damaged" in said and "'a.md'" in said


@pytest.mark.parametrize("factor", [0.1, 0.9, 1.1, 3])
def test_a_size_that_lies_is_refused(packed: Zip, place: Path, factor: float) -> None:
    content = random.Random(1).randbytes(300_000)
    path = patched(
        packed(("a.png", content)),
        struct.pack("<L", len(content)),
        struct.pack("<L", int(len(content) * factor)),
    )
    assert "is damaged" in refusal(path, place)


def test_a_cut_archive_is_refused(packed: Zip, place: Path) -> None:
    whole = packed(("a.md", b"A" * 100), ("b.md", b"B" * 100)).read_bytes()
    for length in range(0, len(whole), 7):
        (place / "vault.zip").write_bytes(whole[:length])
        assert "no whole zip" in refusal(place / "vault.zip", place)


def test_an_archive_with_any_byte_changed_never_fails_otherwise(packed: Zip, place: Path) -> None:
    whole = packed(("a.md", b"Queries" * 9), ("b/c.md", b"meet keys" * 9)).read_bytes()
    chance = random.Random(2)
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 1 << chance.randrange(8)
        (place / "vault.zip").write_bytes(data)
        try:
            with opened(place / "vault.zip") as root:
                list(safe_files(root))
        except Unreadable:
            pass
    assert tree(place / "data") == {"unpacking"}


def test_the_same_name_twice_is_refused(packed: Zip, place: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed(("a.md", b"1"), ("a.md", b"2"))
    assert "'a.md' twice" in refusal(path, place)


def test_a_name_that_is_file_and_folder_is_refused(packed: Zip, place: Path) -> None:
    assert "cannot stand side by side" in refusal(packed(("a", b""), ("a/b.md", b"")), place)
    assert "cannot stand side by side" in refusal(packed(("a/b.md", b""), ("a", b"")), place)


def test_names_that_differ_in_case_are_both_kept(packed: Zip) -> None:
    with opened(packed(("Note.md", b"1"), ("note.md", b"2"))) as root:
        assert contents(root) == {"Note.md": b"1", "note.md": b"2"}


def test_a_name_is_read_as_it_was_meant(packed: Zip, place: Path) -> None:
    path = packed(("Ueber Saetze.md", b"1"), ("Caf_.md", b"2"))
    patched(path, b"Ueber Saetze.md", "Über Sätze.md".encode())
    patched(path, b"Caf_.md", "Café.md".encode("cp437"))
    with opened(path) as root:
        assert contents(root) == {"Über Sätze.md": b"1", "Café.md": b"2"}
    with opened(packed(("Cafe\u0301.md", b"3"))) as root:
        assert contents(root) == {"Caf\u00e9.md": b"3"}


def test_an_impossible_name_is_refused(packed: Zip, place: Path) -> None:
    assert "longer than" in refusal(packed(("x" * 256, b"")), place)
    assert "longer than" in refusal(packed(("a/" * 70 + "b.md", b"")), place)


def test_archives_within_are_kept_but_not_opened(packed: Zip, place: Path) -> None:
    inner = packed(("b.md", b"B"), name="inner.zip").read_bytes()
    with opened(packed(("a.md", b"A"), ("inner.zip", inner))) as root:
        assert contents(root) == {"a.md": b"A", "inner.zip": inner}
    assert "only other archives" in refusal(packed(("inner.zip", inner)), place)


def test_more_than_the_limits_is_refused(packed: Zip, place: Path) -> None:
    path = packed(*[(f"{i}.md", bytes(1000)) for i in range(10)])
    for limits, reason in [
        (Limits(packed_bytes=500), "an archive has at most"),
        (Limits(unpacked_bytes=9_999), "unpacks to"),
        (Limits(files=9), "holds 10 files"),
        (Limits(entries=9), "holds 10 files"),
    ]:
        with pytest.raises(Unreadable, match=reason), opened(path, limits):
            pass
    with opened(path, Limits(unpacked_bytes=10_000, files=10, entries=10)) as root:
        assert len(contents(root)) == 10


def test_a_count_that_lies_is_refused(packed: Zip, place: Path) -> None:
    path = packed(*[(f"{i}.md", b"") for i in range(10)])
    patched(path, struct.pack("<2H", 10, 10), struct.pack("<2H", 9, 9))
    assert "holds 9 files and lists 10" in refusal(path, place)


def test_a_bomb_in_small_parts_is_refused(packed: Zip, place: Path) -> None:
    part = bytes(4 * 1024**2)
    with opened(packed(("0.md", part), ("1.md", part))) as root:
        assert len(contents(root)) == 2
    parts = [(f"{i}.md", part) for i in range(3)]
    assert "the archive unpacks to more than 100 times" in refusal(packed(*parts), place)


@pytest.mark.parametrize("name", ["a.md", "Über Sätze.md"])
@pytest.mark.parametrize("order", [1, -1])
def test_entries_that_share_a_single_byte_are_refused(
    packed: Zip, place: Path, name: str, order: int
) -> None:
    entries = [(name, b"A" * 100), ("b.md", b"B" * 100)][::order]
    path = packed(*entries)
    with opened(path) as root:
        assert len(contents(root)) == 2
    # A byte more than lies between two headers, or between the last file and the list.
    for which in (0, 1):
        data = bytearray(packed(*entries).read_bytes())
        at = [found.start() for found in re.finditer(rb"PK\x01\x02", bytes(data))][which] + 20
        (size,) = struct.unpack_from("<L", data, at)
        struct.pack_into("<L", data, at, size + 1)
        path.write_bytes(data)
        assert f"{entries[which][0]!r} shares its bytes" in refusal(path, place)


# Where the end says so: number of this disk, that of the list's first, entries on this one.
PARTS = [(4, 1), (6, 1), (8, 1)]


@pytest.mark.parametrize(("at", "value"), PARTS)
def test_a_part_of_several_is_refused(packed: Zip, place: Path, at: int, value: int) -> None:
    path = packed(("a.md", b"A"), ("b.md", b"B"))
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.rindex(b"PK\x05\x06") + at, value)
    path.write_bytes(data)
    assert "is one part of several" in refusal(path, place)


def test_links_in_a_folder_are_not_followed(place: Path) -> None:
    (place / "outside").mkdir()
    (place / "outside/secret.md").write_text("secret")
    root = place / "vault"
    (root / "b").mkdir(parents=True)
    for name in ("b/z.md", "a.md", "b/a.md"):
        (root / name).write_text("")
    (root / "link.md").symlink_to(place / "outside/secret.md")
    (root / "folder").symlink_to(place / "outside")
    os.mkfifo(root / "pipe.md")
    found = [str(path.relative_to(root)) for path in safe_files(root)]
    assert found == ["a.md", "b/a.md", "b/z.md"]
    with pytest.raises(Unreadable, match="more than 2 files"):
        list(safe_files(root, most=2))


# Bombs. Each is refused in a process of its own, whose time and memory are measured.

CHILD = """
import sys, time
from pathlib import Path
import django
django.setup()
from wiki.importers.archives.archive import opened
from wiki.importers.item import Unreadable
started = time.monotonic()
try:
    with opened(Path(sys.argv[1])):
        print("taken")
except Unreadable as refused:
    print(refused)
print(time.monotonic() - started)
# Not getrusage, which begins with what the parent held when it forked.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1])
"""


def flat(path: Path) -> None:
    """Pack 1 GB of zeros, which is 1 MB."""
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("zeros.md", "w") as file:
        for _ in range(1000):
            file.write(bytes(1024**2))


def modest(path: Path) -> None:
    """Say that 1 GB of zeros is 1 MB."""
    flat(path)
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02") + 24
    path.write_bytes(data[:at] + struct.pack("<L", 1024**2) + data[at + 4 :])


def crowded(path: Path) -> None:
    """Pack 100,000 empty files."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(100_000):
            archive.writestr(f"{i}.md", b"")


def secretly_crowded(path: Path) -> None:
    """Say that 100,000 files are 10."""
    crowded(path)
    data = path.read_bytes()
    plain = data[: data.rindex(b"PK\x06\x06")] + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, *sizes(data), 0
    )
    path.write_bytes(plain)


def sizes(data: bytes) -> tuple[int, int]:
    """Return length and place of a zip's list of files."""
    return struct.unpack_from("<2Q", data, data.rindex(b"PK\x06\x06") + 40)  # type: ignore[return-value]


def overlapping(path: Path) -> None:
    """List the same 10 MB of zeros 5,000 times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.md", bytes(10 * 1024**2))
    data = buffer.getvalue()
    listed = data.index(b"PK\x01\x02")
    row = data[listed : data.index(b"PK\x05\x06")]
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 5000, 5000, len(row) * 5000, listed, 0)
    rows = b"".join(row.replace(b"zeros", f"{i:05}".encode()) for i in range(5000))
    path.write_bytes(data[:listed] + rows + end)


def nested(path: Path) -> None:
    """Pack sixteen flat bombs."""
    flat(path)
    bomb = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(16):
            archive.writestr(f"{i}.zip", bomb)


def long_list(path: Path) -> None:
    """Give each of 20,000 empty files a name of 60,000 characters, 1.2 GB of list, sparsely."""
    with path.open("wb") as file:
        file.truncate(150 * 1024**2)
        file.seek(0, 2)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, 150 * 1024**2, 0, 0))


BOMBS = [
    (flat, "more than 100 times"),
    (modest, "is damaged"),
    (crowded, "holds 100,000 files"),
    (secretly_crowded, "holds 100,000 files"),
    (overlapping, "shares its bytes"),
    (nested, "only other archives"),
    (long_list, "its list of files alone"),
]


@pytest.mark.parametrize(("make", "reason"), BOMBS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_bomb_is_refused_within_time_and_memory(
    make: Callable[[Path], None], reason: str, place: Path
) -> None:
    make(place / "bomb.zip")
    environment = {
        **os.environ,
        "WIKI_DATA_DIR": str(place / "data"),
        "DJANGO_SETTINGS_MODULE": "wiki.settings",
        "SECRET_KEY": "only-for-a-process-that-opens-an-archive-and-then-ends",
    }
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(place / "bomb.zip")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said, seconds, peak_kib = run.stdout.splitlines()
    assert reason in said
    assert float(seconds) < 5
    assert int(peak_kib) < 512 * 1024
    assert tree(place / "data") <= {"unpacking"}
