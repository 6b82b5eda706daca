"""One `up` per data folder: the lock it holds, and the note that says where it answers."""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# A killed supervisor's guardian keeps the lock while it ends the children.
PATIENCE_S = 20.0
PAUSE_S = 0.05


@dataclass(frozen=True)
class Address:
    """Who runs and where it answers: a process id and an origin without final slash."""

    pid: int
    url: str


class AlreadyRunning(Exception):
    """Another `up` serves this data folder."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"Commonplace is already open at {address.url}/ (process {address.pid}).")
        self.address = address


class Instance:
    """The lock of a data folder, held until release(); descriptor is the lock's own."""

    def __init__(self, home: Path, url: str) -> None:
        """Take the lock of home and leave the address there.

        Raises AlreadyRunning, and OSError when home cannot be written.
        """
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._note = home / "up.json"
        # Python opens files close-on-exec: no child holds the lock by accident.
        self.descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take()
            self._write_note(Address(os.getpid(), url))
        except BaseException:
            os.close(self.descriptor)
            raise

    def release(self) -> None:
        """Remove the address and give the lock back."""
        self._note.unlink(missing_ok=True)
        os.close(self.descriptor)

    def _take(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                address = read_note(self._note)
                if address and is_running(address.pid):
                    raise AlreadyRunning(address) from None
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_S)

    def _write_note(self, address: Address) -> None:
        fresh = self._note.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(address)))
        fresh.replace(self._note)


def read_note(path: Path) -> Address | None:
    """Return the address a running instance left; None if there is none to read."""
    try:
        fields = json.loads(path.read_text())
        return Address(int(fields["pid"]), str(fields["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_running(pid: int) -> bool:
    """Tell whether the process runs; one that ended unnoticed by its parent does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
