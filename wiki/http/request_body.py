"""Receiving the bodies of requests: without a thread for each, and within limits.

A body may take GRACE_S, and longer only while it arrives at MIN_BYTES_PER_S. A body that is too
large is read up to DRAINED_BYTES, for a browser shows no answer before it has sent all.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterable
from typing import IO

GRACE_S = 20.0
MIN_BYTES_PER_S = 16 * 1024
DEADLINE_S = 3600.0
# A file of an import, and a few fields.
UPLOAD_BYTES = 201 * 1024 * 1024
# Twice what a form may have, so that a text over the cap can be shown to its writer again.
FORM_BYTES = 32 * 1024 * 1024
DRAINED_BYTES = 2 * UPLOAD_BYTES
# Of all requests together, on disk but for the first MiB of each.
HELD_BYTES = 2 * 1024 * 1024 * 1024
IN_MEMORY_BYTES = 1024 * 1024
TAKES_FILES = re.compile(r"/import/|/notes/(?:new|\d+)/files/")


class BodyRefused(Exception):
    """A body is refused: with an HTTP status, and a sentence for its sender as the text."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Receiver:
    """Receives the bodies of all requests; used by one event loop."""

    def __init__(self) -> None:
        self._held = 0

    async def receive(
        self, chunks: AsyncIterable[bytes], path: str, length: int | None
    ) -> IO[bytes]:
        """Return the body as a file at its beginning, to be given to `release` afterwards.

        length: how many bytes are announced, None if none are. Raises BodyRefused.
        """
        limit = UPLOAD_BYTES if TAKES_FILES.fullmatch(path) else FORM_BYTES
        if (length or 0) > DRAINED_BYTES:
            raise _too_large(limit)
        body = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  # closed by release
        try:
            await self._copy(chunks, body, limit, length)
        except BaseException:
            self.release(body)
            raise
        body.seek(0)
        return body

    def release(self, body: IO[bytes]) -> None:
        """Close a body, and count it as held no longer."""
        body.seek(0, 2)
        self._held -= body.tell()
        body.close()

    async def _copy(
        self, chunks: AsyncIterable[bytes], body: IO[bytes], max_bytes: int, length: int | None
    ) -> None:
        received, start = 0, asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(GRACE_S) as deadline:
                async for chunk in chunks:
                    received += len(chunk)
                    if received > DRAINED_BYTES:
                        break
                    if received <= max_bytes:
                        self._held += body.write(chunk)
                    if self._held > HELD_BYTES:
                        raise BodyRefused(503, BUSY)
                    earned_s = GRACE_S + received / MIN_BYTES_PER_S
                    deadline.reschedule(start + min(earned_s, DEADLINE_S))
        except TimeoutError:
            raise BodyRefused(408, TOO_SLOW) from None
        if received > max_bytes:
            raise _too_large(max_bytes)
        if length is not None and received != length:
            raise BodyRefused(400, CUT_SHORT)


TOO_SLOW = (
    "What you sent came too slowly, so nothing of it was saved. It is still in your browser: "
    "go back, and send it again when the connection is better."
)
CUT_SHORT = (
    "What you sent did not arrive whole, so nothing of it was saved. It is still in your "
    "browser: go back, and send it again."
)
BUSY = (
    "Too much is being sent to this site at once, so nothing of yours was saved. It is still in "
    "your browser: go back, wait a minute, and send it again."
)


def _too_large(max_bytes: int) -> BodyRefused:
    return BodyRefused(
        413,
        f"What you sent is larger than the {max_bytes // 1024**2} MB that can be taken here, so "
        "nothing of it was saved. It is still in your browser: go back, and send it in parts.",
    )
