"""When the files of a folder were first and last committed: one question to git for all.

A folder may come from anybody, so nothing its configuration names is executed: no hook, no
pager, no monitor, no filter, no signature check, no transfer.
"""

import os
import subprocess
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

MAX_S = 60.0
LATEST = 32_503_680_000  # the year 3000
BLOCK = 65536
SAFE = {
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.untrackedCache": "false",
    "core.quotePath": "false",
    "diff.external": "",
    "diff.renameLimit": "100",
    "log.showSignature": "false",
    "gpg.program": "false",
    "log.mailmap": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "i18n.logOutputEncoding": "UTF-8",
}
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
LOG = ("log", "--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--relative")
# A commit begins with this sign and its time; its files follow.
FORM = ("-M", "--name-status", "-z", "--format=%x01%at", "HEAD", "--", ".")


@dataclass
class Dates:
    """The first and the last commit of a file."""

    first: datetime
    last: datetime


class NoHistory(Exception):
    """git could not tell; the text is a sentence."""


def history(folder: Path) -> dict[str, Dates]:
    """Return the dates of the files below a folder, by path; {} where no repository is.

    Renamed files keep the date they had under their former name, as far as git sees it in
    small commits. Raises NoHistory.
    """
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return {}
    with tempfile.TemporaryDirectory() as home:
        # Older versions of git believe this only from a file, not from -c.
        (Path(home) / "config").write_text("[safe]\n\tdirectory = *\n")
        try:
            return _asked(folder, home)
        except OSError as error:
            raise NoHistory(f"git could not be started ({error.strerror})") from error
        except subprocess.TimeoutExpired as error:
            raise NoHistory(f"git took more than {MAX_S:.0f} s") from error


def _asked(folder: Path, home: str) -> dict[str, Dates]:
    # A repository without a commit has nothing to tell, and git calls that an error.
    probe = _command(folder, ["rev-parse", "--verify", "--quiet", "HEAD"])
    run = subprocess.run(probe, env=_environment(home), capture_output=True, timeout=MAX_S)
    if run.returncode:
        return {}
    process = subprocess.Popen(
        _command(folder, [*LOG, *FORM]),
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    timer = threading.Timer(MAX_S, process.kill)
    timer.start()
    try:
        with process:
            assert process.stdout is not None
            found = _collected(_words(process.stdout))
    finally:
        timer.cancel()
    if process.returncode:
        raise NoHistory(f"git ended with {process.returncode}, or took more than {MAX_S:.0f} s")
    return found


def _command(folder: Path, arguments: list[str]) -> list[str]:
    settings = [part for name, value in SAFE.items() for part in ("-c", f"{name}={value}")]
    return ["git", "-C", str(folder), *settings, "--no-pager", *arguments]


def _environment(home: str) -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": home,
        "GIT_CONFIG_GLOBAL": f"{home}/config",
    }


def _words(output: IO[bytes]) -> Iterator[str]:
    """Yield what stands between zero bytes, a block in memory at a time."""
    rest = b""
    while block := output.read(BLOCK):
        *whole, rest = (rest + block).split(b"\0")
        for word in whole:
            yield unicodedata.normalize("NFC", word.decode(errors="replace"))


def _collected(words: Iterator[str]) -> dict[str, Dates]:
    """Read the log from the newest commit back."""
    found: dict[str, Dates] = {}
    names: dict[str, str] = {}  # what a file of that name is called today
    when = datetime.now(UTC)
    for word in words:
        if word.startswith("\x01"):
            when = datetime.fromtimestamp(min(max(0, int(word[1:])), LATEST), UTC)
            continue
        path = next(words, "")
        if word.strip()[:1] in ("R", "C"):
            former, path = path, next(words, "")
            if word.strip()[:1] == "R":
                names[former] = names.get(path, path)
        today = names.get(path, path)
        dates = found.setdefault(today, Dates(when, when))
        dates.first, dates.last = min(dates.first, when), max(dates.last, when)
    return found
