"""Imports that people start in the browser: a file, a look at what would happen, the import.

Each person has one at a time, in a folder of the data folder:

    upload/NAME     what they sent
    state.json      how far it is; every process of the site can show it
    report.jsonl    a line per item, of the last run
    cancel          is there when the run shall stop before the next notes
    alive           locked as long as the process that works on it lives

A run is a process of its own, so that pages stay quick meanwhile. It holds the lock from
before it begins; so who finds a run without a lock knows that it was interrupted.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from wiki.models.attachment import clean_name
from wiki.models.visibility import Visibility
from wiki.private_files import create, make_folder

CHECK, IMPORT = "check", "import"
WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
INTERRUPTED = "interrupted"
POLL_S = 0.5
LAST_WORD_S = 10.0


class Busy(Exception):
    """There is a run of this person's already; the text says what to do."""


@dataclass(frozen=True)
class State:
    """How far an upload is.

    step: CHECK tells what would happen, IMPORT does it. name, folder_tags, visibility: as
    whoever sent it asked. counts: as import_path gives them. notices: by code, with how
    often each was given and some examples. message: what to tell, a full sentence.
    """

    file: str
    visibility: str = Visibility.PRIVATE
    name: str = ""
    folder_tags: bool = False
    step: str = CHECK
    status: str = WAITING
    done: int = 0
    total: int = 0
    seconds: float = 0
    counts: dict[str, Any] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""

    @property
    def is_active(self) -> bool:
        """Whether somebody works on it, or it waits for its turn."""
        return self.status in (WAITING, RUNNING)

    @property
    def may_start(self) -> bool:
        """Whether its file is still here to be imported."""
        is_checked = self.step == CHECK and self.status == DONE
        is_half_done = self.step == IMPORT and self.status in (FAILED, CANCELLED, INTERRUPTED)
        return is_checked or is_half_done


class Upload:
    """The upload of one person."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.folder = imports() / str(owner.pk)

    @property
    def report(self) -> Path:
        return self.folder / "report.jsonl"

    @property
    def file(self) -> Path:
        return self.folder / "upload" / self.stored().file

    def exists(self) -> bool:
        """Tell whether there is anything to show."""
        return (self.folder / "state.json").is_file()

    def read(self) -> State:
        """Return how far it is; INTERRUPTED if nobody works any more on what is not done."""
        state = self.stored()
        if not state.is_active or self._is_alive():
            return state
        # The process may have done its work and ended since.
        state = self.stored()
        return replace(state, status=INTERRUPTED) if state.is_active else state

    def stored(self) -> State:
        """Return what the process that works on it wrote last."""
        return State(**json.loads((self.folder / "state.json").read_text()))

    def write(self, state: State) -> None:
        """Replace the state at once and whole."""
        descriptor, name = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(state), file)
        Path(name).replace(self.folder / "state.json")

    def receive(self, chunks: Iterable[bytes], state: State) -> None:
        """Keep what somebody sent, in place of what they sent before. Raises Busy."""
        if self.exists() and self.read().is_active:
            raise Busy(
                "An import of yours is running. Wait until it has ended, or cancel it, then send "
                "this file again."
            )
        self.discard()
        make_folder(self.folder / "upload")
        with create(self.folder / "upload" / state.file) as file:
            for chunk in chunks:
                file.write(chunk)
        self.write(state)

    def discard(self) -> None:
        """Remove the upload and all that is known of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, step: str) -> None:
        """Let a process check the upload, or import it. Raises Busy."""
        lock = os.open(self.folder / "alive", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            self._take(lock)
            (self.folder / "cancel").unlink(missing_ok=True)
            state = self.stored()
            self.write(replace(state, step=step, status=WAITING, done=0, total=0, message=""))
            spawn(self.owner.pk, lock)
        finally:
            os.close(lock)

    def cancel(self) -> None:
        """Ask a run to stop before its next notes."""
        (self.folder / "cancel").touch(mode=0o600)

    def is_cancelled(self) -> bool:
        """Tell whether it shall stop."""
        return (self.folder / "cancel").exists()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Wait until no other import runs; gives False if this one was cancelled meanwhile."""
        descriptor = os.open(imports() / "turn", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while not self.is_cancelled():
                try:
                    _lock(descriptor)
                except Busy:
                    time.sleep(POLL_S)
                else:
                    break
            yield not self.is_cancelled()
        finally:
            os.close(descriptor)

    def _take(self, lock: int) -> None:
        """Lock for a new run; one that has said its last word is waited for. Raises Busy."""
        end = time.monotonic() + LAST_WORD_S
        while True:
            try:
                return _lock(lock)
            except Busy:
                if self.stored().is_active or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def _is_alive(self) -> bool:
        try:
            descriptor = os.open(self.folder / "alive", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            _lock(descriptor)
        except Busy:
            return True
        finally:
            os.close(descriptor)
        return False


def imports() -> Path:
    """Return the folder of all uploads; only this user may read it."""
    folder = Path(settings.WIKI_DATA_DIR) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def spawn(owner: int, lock: int) -> None:
    """Start the process that runs this person's upload; it holds the lock until it ends."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_upload", str(owner)],
        cwd=settings.ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=[lock],
    )
    # Somebody has to hear that it ended.
    threading.Thread(target=process.wait, daemon=True).start()


def file_name(name: str) -> str:
    """Return the name an upload is kept under: its own, as far as that is a file's name."""
    return clean_name(name)[-100:]


def _lock(descriptor: int) -> None:
    """Take a lock that ends with the last process that has the descriptor. Raises Busy."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy("An import of yours is running already.") from error
