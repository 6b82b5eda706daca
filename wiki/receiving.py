"""Files on their way in: on disk and not in memory, of people who are signed in, within a cap."""

from typing import Any

from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from wiki.request_body import UPLOAD_BYTES as MOST_BYTES


class Capped(TemporaryFileUploadHandler):
    """Drops what nobody wants while it arrives; its form says that no file came."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        assert self.request is not None
        super().new_file(*args, **kwargs)
        self._received = 0
        # Who is not signed in gets the login form, and chooses the file again.
        if not self.request.user.is_authenticated:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > MOST_BYTES:
            raise SkipFile
        super().receive_data_chunk(raw_data, start)
