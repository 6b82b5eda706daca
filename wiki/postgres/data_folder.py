"""The data folder of a cluster: made by initdb, recognised, and refused with a reason."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wiki.postgres.as_root import make_refuge, owner, programs_folder, refuge, server_account
from wiki.postgres.programs import PostgresError, failure, major_version, run

PAUSE_S = 0.05
# With the locale C alone pg_trgm drops every letter beyond ASCII: "école" becomes "cole".
LETTERS = "en_US.UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"
INITDB_OPTIONS = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    f"--lc-ctype={LETTERS}",
    "--auth=trust",  # who may open the socket is decided by its folder's permissions
    "--data-checksums",
    "--no-instructions",
)


@contextmanager
def cluster_lock(home: Path, limit_s: float) -> Iterator[int]:
    """Hold the lock under which the cluster `home` is prepared and started.

    Yields its descriptor. A program that inherits it keeps the lock until its end, so an
    initdb whose parent was killed is waited for. PostgresError after limit_s.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(home.with_name(home.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + limit_s
        while not _take(lock):
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"Another process has been starting PostgreSQL in {home} for "
                    f"{limit_s:.0f} seconds. Wait until it is done, or end it, and start again."
                )
            time.sleep(PAUSE_S)
        yield lock
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_data(home: Path, data: Path, user: str, lock: int) -> None:
    """Make the data folder `data` of the cluster `home` unless it is there.

    user: the database superuser. lock: the descriptor of cluster_lock, held. PostgresError
    for data of another PostgreSQL version, of another user, or that are no database, and
    for an empty folder that cannot be replaced.
    """
    if data.parent == refuge(home):
        make_refuge(home)
    if os.geteuid() not in (0, owner(data)):
        raise PostgresError(
            f"The notes in {data} belong to the user with the number {owner(data)}. "
            "Start Commonplace as that user."
        )
    if (data / "PG_VERSION").is_file():
        _refuse_other_version(home, data)
        return
    if data.exists() and any(data.iterdir()):
        raise PostgresError(
            f"The folder {data} is not empty and holds no PostgreSQL database. Move its "
            "contents away, or set WIKI_DATA_DIR to another folder."
        )
    if data.is_mount():
        raise PostgresError(
            f"The empty folder {data} is a disk of its own, which the finished database cannot "
            f"be moved to: mount the disk on {data.parent}, or another folder above it."
        )
    _initialise(home, data, user, lock)


def _refuse_other_version(home: Path, data: Path) -> None:
    written_by = (data / "PG_VERSION").read_text().strip()
    here = major_version(programs_folder(home))
    if written_by != here:
        raise PostgresError(
            f"The notes in {data} were written by PostgreSQL {written_by}, and this version of "
            f"Commonplace brings PostgreSQL {here}, which cannot read them. Nothing was changed. "
            "Make a backup with the version of Commonplace that wrote them, move the folder "
            "away, and run `python manage.py restore FILE` with this one."
        )


def _initialise(home: Path, data: Path, user: str, lock: int) -> None:
    """Run initdb beside `data`, then rename: a folder half made is never taken for a whole."""
    unfinished = data.with_name(data.name + ".new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    if owner(data) != os.geteuid():
        os.chown(unfinished, owner(data), data.stat().st_gid if data.exists() else owner(data))
    initdb = [str(programs_folder(home) / "initdb"), "-D", str(unfinished), "-U", user]
    done = run([*server_account(data), *initdb, *INITDB_OPTIONS], keep=[lock])
    if done.returncode:
        shutil.rmtree(unfinished)
        raise failure("The database could not be made", done.stdout, data)
    unfinished.rename(data)
    # initdb has synced the files; the new name is to survive a power cut as well.
    folder = os.open(data.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
