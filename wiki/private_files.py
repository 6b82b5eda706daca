"""Files and folders that only whoever runs this program may read, whatever its umask."""

import os
from pathlib import Path
from typing import IO

FOLDER, FILE = 0o700, 0o600


def make_folder(path: Path) -> None:
    """Make a folder and what it lies in; each that is new is private. Raises OSError.

    One that is there stays as its owner has set it.
    """
    missing = []
    for folder in (path, *path.parents):
        if folder.exists():
            break
        missing.append(folder)
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER, exist_ok=True)
    # As mkdir does where there is a file in its place.
    path.mkdir(mode=FOLDER, exist_ok=True)


def create(path: Path, mode: str = "xb") -> IO[bytes]:
    """Open a new file for writing. Raises FileExistsError, and OSError.

    mode "wb" goes on with an unfinished file of the same name.
    """
    others = os.O_EXCL if mode == "xb" else os.O_TRUNC
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | others, FILE)
    return os.fdopen(descriptor, "wb")
