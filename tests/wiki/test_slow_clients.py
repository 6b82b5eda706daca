"""Receiving bodies: a slow sender blocks nobody and is cut off in time; sizes have limits."""

import asyncio
import http.client
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings

from wiki.http import request_body
from wiki.http.request_body import BodyRefused, Receiver
from wiki.importers.archives.entries import Limits
from wiki.supervisor.web_server import answers, web_service

SLOW = 40  # more than there are threads
START_LIMIT_S = 120


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port(tmp_path_factory: Any) -> Iterator[int]:
    """Serve the site as `up` does; without a database, which these pages do not ask."""
    home: Path = tmp_path_factory.mktemp("served")
    port = free_port()
    env = {**os.environ, "WIKI_DATA_DIR": str(home), "WIKI_ML": "0", "WIKI_PORT": str(port)}
    argv = web_service("127.0.0.1", port).command()
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            argv, cwd=live_settings.ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + START_LIMIT_S
        while not answers("127.0.0.1", port):
            assert server.poll() is None and time.monotonic() < end, (home / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(START_LIMIT_S)


def beginning_of_a_login(port: int, length: int = 100_000) -> socket.socket:
    sender = socket.create_connection(("127.0.0.1", port), timeout=START_LIMIT_S)
    head = f"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    sender.sendall(f"{head}{kind}username=".encode())
    return sender


def asked(port: int, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_S)) as line:
        method = "GET" if body is None else "POST"
        said = {"Host": "localhost", **headers}
        line.request(method, path, body, said, encode_chunked=headers.get("te") == "chunked")
        reply = line.getresponse()
        return reply.status, reply.read().decode()


def test_many_slow_senders_hold_nobody_up(port: int) -> None:
    with ExitStack() as open_ones:
        senders = [
            open_ones.enter_context(closing(beginning_of_a_login(port))) for _ in range(SLOW)
        ]
        for sender in senders:
            sender.sendall(b"a")
        assert asked(port, "/healthz") == (200, '{"ok": true}')
        for sender in senders[::7]:
            sender.sendall(b"b")
        form = "username=alice&password=wrong"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        # Without the token of a page: but it was read, and answered, while the others send.
        assert asked(port, "/login/", form, **kind)[0] == 403


def test_a_body_that_does_not_arrive_whole_is_not_acted_upon(port: int) -> None:
    with closing(beginning_of_a_login(port)) as sender:
        sender.shutdown(socket.SHUT_WR)
        answer = sender.recv(65536)
    assert b"200 OK" not in answer and b"403" not in answer


def test_a_body_without_a_length_is_read(port: int) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
    pieces = iter([b"send_to=/notes/new/&", b"body=kestrel&", b"username=a&password=b"])
    status, page = asked(port, "/login/", pieces, te="chunked", **kind)
    assert status == 403 and "kestrel" in page


def test_files_and_addresses_arrive_as_they_were_sent(port: int) -> None:
    status, style = asked(port, "/static/css/tokens.css")
    assert status == 200
    assert style == (Path(live_settings.ROOT) / "static/css/tokens.css").read_text()
    # A header with _ passes for no other one.
    status, _ = asked(port, "/healthz", **{"X_Forwarded_Proto": "https", "X_Host": "elsewhere"})
    assert status == 200


@pytest.mark.parametrize("charset", ["hex", '"rot13"', "latin-1"])
def test_a_codec_that_is_no_charset_is_refused_like_one(port: int, charset: str) -> None:
    kind = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    status, page = asked(port, "/login/", "body=kestrel", **kind)
    assert status == 415 and "kestrel" in page
    assert asked(port, "/healthz", **kind)[0] == 415


def test_an_address_that_is_no_text_is_refused(port: int) -> None:
    assert asked(port, "/favicon.ico?q=%FF")[0] == 400
    assert asked(port, "/favicon.ico%FF")[0] == 404


def test_far_too_much_is_told_at_once(port: int) -> None:
    with closing(beginning_of_a_login(port, 10**12)) as sender:
        answer = sender.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413 ") and "go back" in answer
    assert "default-src 'none'" in answer


async def _bytes(size: int, piece: int, pause_s: float) -> AsyncIterator[bytes]:
    for sent in range(0, size, piece):
        await asyncio.sleep(pause_s)
        yield b"x" * min(piece, size - sent)


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end in a thread: this one may hold a loop already, as with a browser."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def received(size: int, piece: int, pause_s: float = 0, path: str = "/login/") -> Any:
    """Return how many bytes were taken in, or the refusal's status; and what is held after."""

    async def run() -> tuple[int, int]:
        receiver = Receiver()
        try:
            body = await receiver.receive(_bytes(size, piece, pause_s), path, size)
        except BodyRefused as refused:
            return refused.status, receiver._held
        taken = len(body.read())
        receiver.release(body)
        return taken, receiver._held

    return finished(run())


@pytest.fixture
def strict(monkeypatch: Any) -> None:
    """As the limits are, a thousand times smaller."""
    monkeypatch.setattr(request_body, "GRACE_S", 0.02)
    monkeypatch.setattr(request_body, "MIN_BYTES_PER_S", 1000)
    monkeypatch.setattr(request_body, "FORM_BYTES", 2000)
    monkeypatch.setattr(request_body, "UPLOAD_BYTES", 20_000)
    monkeypatch.setattr(request_body, "DRAINED_BYTES", 40_000)
    monkeypatch.setattr(request_body, "HELD_BYTES", 10_000)
    monkeypatch.setattr(request_body, "IN_MEMORY_BYTES", 100)


def test_a_body_has_to_come_at_a_rate(strict: None) -> None:
    assert received(100, 1, pause_s=0.01) == (408, 0)
    assert received(100, 100, pause_s=60) == (408, 0)
    # Two seconds were earned by the first piece.
    assert received(2000, 1990) == (2000, 0)


def test_a_rate_does_not_outlast_the_deadline(strict: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(request_body, "DEADLINE_S", 0.05)
    monkeypatch.setattr(request_body, "MIN_BYTES_PER_S", 1)
    assert received(2000, 1, pause_s=0.001) == (408, 0)


def test_a_body_has_a_size_that_depends_on_what_it_is_for(strict: None) -> None:
    assert received(2000, 100) == (2000, 0)
    assert received(2001, 100) == (413, 0)
    assert received(40_001, 1000) == (413, 0)
    assert received(9000, 1000, path="/import/") == (9000, 0)
    assert received(9000, 1000, path="/notes/7/files/") == (9000, 0)
    assert received(9000, 1000, path="/notes/7/edit/") == (413, 0)
    assert received(11_000, 1000, path="/import/") == (503, 0)


def test_an_announced_length_is_kept_to() -> None:
    async def run() -> int:
        try:
            await Receiver().receive(_bytes(10, 10, 0), "/login/", 11)
        except BodyRefused as refused:
            return refused.status
        return 200

    assert finished(run()) == 400


def test_an_upload_may_be_as_large_as_an_import() -> None:
    assert Limits.packed_bytes + 1024 * 1024 == request_body.UPLOAD_BYTES
