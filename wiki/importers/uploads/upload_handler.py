"""Files on their way in: on disk and not in memory, of people who are signed in, within a cap."""

from contextlib import suppress
from typing import Any

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from wiki.files import store
from wiki.http.request_body import UPLOAD_BYTES as MAX_BYTES

# Behind the file stand a few fields.
FIELDS_BYTES = 1024 * 1024
# Addresses at which a file is one of a note, and no archive.
ONE_FILE = ("note_files", "new_files")


class Capped(TemporaryFileUploadHandler):
    """Drops what nobody wants while it arrives; its form says that no file came.

    request.is_too_large, request.not_kept (an OSError) and request.is_cut_off tell the view why.
    """

    def upload_complete(self) -> None:
        """Tell whether the body ended before the bytes it had said: its last file is cut off."""
        request: Any = self.request
        # Django takes what came of a body for all of it.
        received = getattr(request._stream, "_pos", None)
        said = int(request.META.get("CONTENT_LENGTH") or 0)
        request.is_cut_off = received is not None and received < said

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        request: Any = self.request
        self._received, self._max_bytes = 0, max_bytes(request)
        # Who is not signed in gets the login form, and chooses the file again.
        if not request.user.is_authenticated:
            raise SkipFile
        # Of one that says beforehand that it is too large nothing is written.
        if int(request.META.get("CONTENT_LENGTH") or 0) > self._max_bytes + FIELDS_BYTES:
            request.is_too_large = True
            raise SkipFile
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            self._give_up(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > self._max_bytes:
            self.request.is_too_large = True  # type: ignore[union-attr]
            raise SkipFile
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._give_up(error)

    def file_complete(self, file_size: int) -> Any:
        try:
            self.file.flush()
        except OSError as error:
            self.request.not_kept = error  # type: ignore[union-attr]
            self._close()
            return None
        return super().file_complete(file_size)

    def _give_up(self, error: OSError) -> None:
        self.request.not_kept = error  # type: ignore[union-attr]
        self._close()
        raise SkipFile

    def _close(self) -> None:
        # Closing tries once more to write what does not fit.
        with suppress(OSError, AttributeError):
            self.file.close()


def max_bytes(request: HttpRequest) -> int:
    """Return how many bytes a file may have that is sent to this address."""
    match = request.resolver_match
    return store.MAX_BYTES if match and match.url_name in ONE_FILE else MAX_BYTES
