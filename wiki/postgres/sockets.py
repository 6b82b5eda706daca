"""Where a service's unix socket lies: in its data folder, or in /tmp if that path is too long."""

import hashlib
import os
import stat
from pathlib import Path

MAX_LENGTH = 103  # bytes of a socket's path; macOS allows one less than 104, Linux than 108
MAX_NAME_LENGTH = len("/.s.PGSQL.5432")

# Not tempfile.gettempdir(): every process must find the same folder, whatever its TMPDIR.
SHORT_PARENT = Path("/tmp")


def short_name(home: Path) -> str:
    """Return 16 hexadecimal digits that stand for the folder `home`."""
    return hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:16]


def socket_directory(home: Path) -> Path:
    """Return the folder for the unix socket of the service whose data are in `home`.

    `home` itself, or a folder in /tmp named after it, where the path would be too long or
    has a comma, at which PostgreSQL's clients split. Computes only; see make_socket_directory.
    """
    path = os.fsencode(home.absolute())
    if len(path) + MAX_NAME_LENGTH <= MAX_LENGTH and b"," not in path:
        return home.absolute()
    return SHORT_PARENT / f"commonplace-{short_name(home)}"


def make_socket_directory(home: Path, owner: int | None = None) -> Path:
    """Make socket_directory(home) if it is missing, for `owner` (a uid; default: this user).

    Raises PermissionError where it exists and is not a folder of that user closed to all
    others, as when somebody else made it first.
    """
    folder = socket_directory(home)
    owner = os.geteuid() if owner is None else owner
    if folder == home.absolute():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if owner != os.geteuid():
            os.chown(folder, owner, -1, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise PermissionError(
            f"{folder} is not a private folder of user {owner}, so no socket is put there: "
            "remove it, or choose a data folder with a shorter path."
        )
    return folder
