"""The site's secret key: made once, kept in a file that only its owner reads."""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

MIN_LENGTH = 50


def read_or_make(path: Path) -> str:
    """Return the key in path, written at the first call with mode 0600.

    Raises ImproperlyConfigured when the file holds something too short to be a key or
    cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}")
        if not path.exists():
            try:
                descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(64))
                # A link appears whole or not at all, and the first of two processes wins.
                with contextlib.suppress(FileExistsError):
                    os.link(made, path)
            finally:
                made.unlink(missing_ok=True)
        key = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The secret key {path} cannot be read or written ({error.strerror}): "
            "make the folder writable, or set SECRET_KEY or WIKI_DATA_DIR."
        ) from error
    if len(key) < MIN_LENGTH:
        raise ImproperlyConfigured(
            f"The secret key {path} is shorter than {MIN_LENGTH} characters: "
            "remove the file and start again; everyone will have to sign in anew."
        )
    return key
