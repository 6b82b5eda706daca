"""pg_dump and pg_restore, speaking to the database that Django is connected to."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from django.db import connection

from wiki.backup.errors import BackupError
from wiki.postgres.programs import PostgresError, environment, installation

CHUNK_BYTES = 1024 * 1024
LOCK_WAIT_MS = 60_000


@contextmanager
def dumping(snapshot: str, without_rows: Iterable[str]) -> Iterator[IO[bytes]]:
    """Run pg_dump and give its output, in its custom format.

    snapshot: the name from pg_export_snapshot, so the dump shows what its transaction sees.
    without_rows: tables of which only the structure is dumped. Raises BackupError at the
    end if the dump is not whole.
    """
    argv = [
        "--format=custom",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={LOCK_WAIT_MS}",
        "--no-unlogged-table-data",
        *(f'--exclude-table-data=public."{table}"' for table in without_rows),
    ]
    with _started("pg_dump", argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


def load(dump: IO[bytes]) -> None:
    """Run pg_restore on a dump, in one transaction: all of it or nothing. Raises BackupError."""
    argv = [
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
    ]
    with _started("pg_restore", argv, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            while chunk := dump.read(CHUNK_BYTES):
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            return  # it ended early, and says why


@contextmanager
def _started(
    program: str, argv: list[str], *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program to its end; it is killed if the caller fails. Raises BackupError."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*_command(program), *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=said,
            # A password on the command line could be read by every user of the machine.
            env={**environment(), "PGPASSWORD": connection.connection.info.password},
        )
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            _close(process)
            code = process.wait()
        if code:
            said.seek(0)
            raise BackupError(_reason(program, said.read().decode(errors="replace")))


def _command(program: str) -> list[str]:
    """Return the words that run a program on the database of our own connection."""
    connection.ensure_connection()
    try:
        path = installation() / "bin" / program
    except PostgresError as error:
        raise BackupError(str(error)) from error
    return [str(path), "--no-password", f"--dbname={connection.connection.info.dsn}"]


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        # What could not be written to a program that ended is of no use to it.
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


def _reason(program: str, said: str) -> str:
    lines = [line for line in said.splitlines() if "error" in line or "FATAL" in line]
    reason = (lines or said.splitlines() or ["it gave no reason"])[0].removeprefix(f"{program}: ")
    return f"{program} could not finish: {reason.rstrip('.')}. Correct that and start again."
