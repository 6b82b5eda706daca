"""The web process: `granian --interface rsgi wiki.rsgi:application`.

Bodies of requests are taken in by the event loop, and files are sent by the server itself, so
that neither a slow sender nor a slow reader holds one of the threads in which Django works.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from wiki.http.request_body import BodyRefused, Receiver
from wiki.wsgi import application as wsgi_application

THREADS = 16
CHARSET = re.compile(r'\bcharset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
Headers = list[tuple[str, str]]


class Application:
    """A WSGI application as granian calls one of its own interface, RSGI."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]]) -> None:
        self._wsgi = wsgi
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._receiver = Receiver()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        length = _length(scope.headers)
        try:
            body = await self._receiver.receive(protocol, scope.path, length)
        except BodyRefused as refused:
            _refuse(scope, protocol, refused)
            return
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._answer, scope, protocol, body)
        finally:
            self._receiver.release(body)

    def _answer(self, scope: Any, protocol: Any, body: IO[bytes]) -> None:
        """Let the application answer, in a thread."""
        started: list[Any] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
            started[:] = [int(status.split(" ", 1)[0]), headers]

        answer = self._wsgi(environ_of(scope, body), start_response)
        try:
            path = _path_of(answer)
            if path is not None:
                protocol.response_file(*started, path)
            else:
                protocol.response_bytes(*started, b"".join(answer))
        finally:
            if hasattr(answer, "close"):
                answer.close()


class FileBody:
    """An answer that is an open file, as `wsgi.file_wrapper` of PEP 3333."""

    def __init__(self, file: Any, block_size: int = 64 * 1024) -> None:
        self.file, self.block_size = file, block_size

    def __iter__(self) -> Any:
        return iter(lambda: self.file.read(self.block_size), b"")

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def environ_of(scope: Any, body: IO[bytes]) -> dict[str, Any]:
    """Return a request as PEP 3333 has it; body: whole, at its beginning."""
    address, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": address.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBody,
    }
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    environ |= _headers(scope.headers.items())
    environ["CONTENT_TYPE"] = CHARSET.sub(_known, environ.pop("HTTP_CONTENT_TYPE", ""))
    # Also of one that came in pieces without a length.
    environ["CONTENT_LENGTH"] = str(body.seek(0, 2))
    body.seek(0)
    return environ


def _known(charset: re.Match[str]) -> str:
    """Rename what Python knows as a codec, though not of text: Django stumbles over it.

    wiki.http.complete_forms refuses it like any other charset that is not UTF-8.
    """
    try:
        "".encode(charset[1])
    except LookupError:
        return charset[0].replace(charset[1], f"x-{charset[1]}")
    return charset[0]


def _headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name headers as CGI does; one with _ could pass for another one with -, and is left out."""
    named: dict[str, str] = {}
    for name, value in items:
        if "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            between = "; " if name == "cookie" else ","
            named[key] = f"{named[key]}{between}{value}" if key in named else value
    return named


def _length(headers: Any) -> int | None:
    said = headers.get("content-length", "")
    if said.isdecimal():
        return int(said)
    return None if "transfer-encoding" in headers else 0


def _path_of(answer: Any) -> str | None:
    """Return where the whole of an answer lies as a file, if it does."""
    if not isinstance(answer, FileBody):
        return None
    file, path = answer.file, getattr(answer.file, "name", None)
    if not isinstance(path, str) or file.tell():
        return None
    try:
        return path if os.path.samestat(os.fstat(file.fileno()), Path(path).stat()) else None
    except OSError:
        return None


def _refuse(scope: Any, protocol: Any, refused: BodyRefused) -> None:
    headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ]
    if scope.http_version.startswith("1"):
        headers.append(("connection", "close"))
    protocol.response_str(refused.status, headers, f"{refused}\n")


application = Application(wsgi_application)
