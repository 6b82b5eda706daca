"""The web process: `granian --interface rsgi wiki.rsgi:application`.

Bodies of requests are received by the event loop, and files are sent by the server itself, so
that neither a slow sender nor a slow receiver holds one of the threads in which Django works.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from wiki.http.request_body import BodyRefused, Receiver
from wiki.wsgi import application as wsgi_application

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from granian._granian import RSGIHeaders, RSGIHTTPProtocol
    from granian.rsgi import Scope

THREADS = 16
CHARSET = re.compile(r'\bcharset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
Headers = list[tuple[str, str]]


class Application:
    """Serves a WSGI application by RSGI, the interface of granian."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]]) -> None:
        self._wsgi = wsgi
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._receiver = Receiver()

    async def __rsgi__(self, scope: "Scope", protocol: "RSGIHTTPProtocol") -> None:
        """Receive the body, then answer in a thread."""
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

    def _answer(self, scope: "Scope", protocol: "RSGIHTTPProtocol", body: IO[bytes]) -> None:
        """Call the application, in a thread, and send its response."""
        started: list[tuple[int, Headers]] = []

        def start_response(
            status: str, headers: Headers, exc_info: "OptExcInfo | None" = None
        ) -> None:
            started[:] = [(int(status.split(" ", 1)[0]), headers)]

        response = self._wsgi(environ_of(scope, body), start_response)
        try:
            path = _path_of(response)
            if path is not None:
                protocol.response_file(*started[0], path)
            else:
                protocol.response_bytes(*started[0], b"".join(response))
        finally:
            if hasattr(response, "close"):
                response.close()


class FileBody:
    """A response that is an open file, as `wsgi.file_wrapper` of PEP 3333."""

    def __init__(self, file: IO[bytes], block_size: int = 64 * 1024) -> None:
        self.file, self.block_size = file, block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.block_size), b"")

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def environ_of(scope: "Scope", body: IO[bytes]) -> dict[str, Any]:
    """Return the WSGI environ of a request (PEP 3333); body: complete, at its beginning."""
    address, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
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
    # A body that came in chunks was announced without a length.
    environ["CONTENT_LENGTH"] = str(body.seek(0, 2))
    body.seek(0)
    return environ


def _known(charset: re.Match[str]) -> str:
    """Rename a codec of Python that is not for text, which Django fails on.

    wiki.http.complete_forms refuses it like any other charset that is not UTF-8.
    """
    try:
        "".encode(charset[1])
    except LookupError:
        return charset[0].replace(charset[1], f"x-{charset[1]}")
    return charset[0]


def _headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name headers as CGI does, without those with _, which could pass for one with -."""
    named: dict[str, str] = {}
    for name, value in items:
        if "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            between = "; " if name == "cookie" else ","
            named[key] = f"{named[key]}{between}{value}" if key in named else value
    return named


def _length(headers: "RSGIHeaders") -> int | None:
    length: str = headers.get("content-length", "")
    if length.isdecimal():
        return int(length)
    return None if "transfer-encoding" in headers else 0


def _path_of(response: object) -> str | None:
    """Return the path of the file that is the whole response, if there is one."""
    if not isinstance(response, FileBody):
        return None
    file, path = response.file, getattr(response.file, "name", None)
    if not isinstance(path, str) or file.tell():
        return None
    try:
        return path if os.path.samestat(os.fstat(file.fileno()), Path(path).stat()) else None
    except OSError:
        return None


def _refuse(scope: "Scope", protocol: "RSGIHTTPProtocol", refused: BodyRefused) -> None:
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
