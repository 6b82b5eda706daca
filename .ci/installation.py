"""Make or complete the virtual environment: installation.py FOLDER REQUIREMENTS.

What is installed is recorded in the environment itself, so a second run is over in an
instant and needs no network. The record is per requirements file: one that includes
another satisfies both.
"""

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

RECORD = "commonplace.json"
SIZES = {
    "requirements-wiki.txt": "a download of 35 MB",
    "requirements.txt": "a download of 320 MB, or of several GB where torch brings CUDA along; "
    "TORCH_INDEX=URL names an index of other builds",
}
TORCH_INDEX = os.environ.get("TORCH_INDEX", "").strip()


class CannotInstall(Exception):
    """The environment cannot be made as things are; the text says what to do."""


def closure(requirements: Path) -> list[Path]:
    """Return the file and all it includes by "-r", itself first."""
    files = [requirements]
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            files += closure(requirements.parent / line[3:].strip())
    return files


def fingerprint(requirements: Path, python: str) -> str:
    """Return a sha256 of everything that decides what the file installs."""
    texts = [file.read_text(encoding="utf-8") for file in closure(requirements)]
    return hashlib.sha256("\0".join([python, TORCH_INDEX, *texts]).encode()).hexdigest()


def python_of(venv: Path) -> Path:
    """Return where the environment's interpreter is or will be."""
    return venv / "bin" / "python"


def version_of(venv: Path) -> str | None:
    """Return the version of a whole environment, as "3.12"; None if it must be made again.

    An environment whose Python was removed, or replaced by another minor version that
    does not see the installed packages, is not whole.
    """
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        settings = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
        asked = subprocess.run(
            [python_of(venv), "-I", "-S", "-c", ask], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = asked.stdout.strip()
    packages = venv / "lib" / f"python{version}" / "site-packages"
    return version if packages.is_dir() and f"= {version}." in settings else None


def installed(venv: Path) -> dict[str, str]:
    """Return the recorded fingerprints by name of requirements file."""
    try:
        record = json.loads((venv / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def run(argv: list[str | Path], sorry: str) -> None:
    """Run a command whose output the user sees; raises CannotInstall(sorry) if it fails."""
    try:
        subprocess.run(argv, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotInstall(sorry) from error


def is_ours_to_replace(venv: Path) -> bool:
    """Tell whether the folder is absent, empty or an environment, if only the start of one."""
    names = {entry.name for entry in venv.iterdir()} if venv.is_dir() else set()
    return "pyvenv.cfg" in names or names <= {"bin", "include", "lib", "lib64"}


def make(venv: Path, uv: str | None) -> None:
    """Make an empty environment in place of whatever is there.

    Raises CannotInstall where this Python lacks the venv module or what it needs, and for
    a folder that holds something else.
    """
    if not is_ours_to_replace(venv):
        raise CannotInstall(f"{venv} holds other things: name another folder, make VENV=...")
    sorry = f"The environment {venv} could not be made; the lines above say why."
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv], sorry)
        return
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise CannotInstall(
            f"{sys.executable} cannot make virtual environments: install its venv module "
            "(on Debian and Ubuntu: apt install python3-venv), or install uv, and try again."
        )
    run([sys.executable, "-m", "venv", "--clear", venv], sorry)


def install(venv: Path, requirements: Path, uv: str | None) -> None:
    """Install the pinned packages. Raises CannotInstall when it does not work out."""
    print(f"Installing {requirements.name} into {venv}", end="", flush=True)
    size = SIZES.get(requirements.name)
    print(f" ({size})." if size else ".", "This happens once; later starts need no network.")
    if uv:
        argv: list[str | Path] = [uv, "pip", "install", "--python", python_of(venv)]
    else:
        argv = [python_of(venv), "-m", "pip", "install", "--disable-pip-version-check"]
    argv += ["-r", requirements]
    if TORCH_INDEX:
        argv += ["--extra-index-url", TORCH_INDEX]
        argv += ["--index-strategy", "unsafe-best-match"] if uv else []
    run(
        argv,
        f"The packages of {requirements.name} could not be installed; the lines above say why. "
        "If there was no network, connect and run the same command again: what has been "
        f"downloaded is kept.{compiling()}",
    )


def compiling() -> str:
    """Say what this machine has to compile, where nobody has done it for it."""
    if (sys.platform, platform.machine()) != ("darwin", "x86_64"):
        return ""
    return (
        " On an Intel Mac quickjs-ng has to be compiled: install Apple's command line tools "
        "(xcode-select --install), then try again."
    )


def complete(venv: Path, requirements: Path) -> None:
    """Bring the environment to what requirements ask for, doing nothing if it is there."""
    version = version_of(venv)
    if version and installed(venv).get(requirements.name) == fingerprint(requirements, version):
        return
    uv = shutil.which("uv")
    if version is None or not (uv or has_pip(venv, version)):
        make(venv, uv)
        version = version_of(venv)
    if version is None:
        raise CannotInstall(f"The environment {venv} was made but does not run. Remove it.")
    # Until pip is done nothing is certain, not even what an older record says.
    (venv / RECORD).unlink(missing_ok=True)
    install(venv, requirements, uv)
    record = {file.name: fingerprint(file, version) for file in closure(requirements)}
    (venv / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")


def has_pip(venv: Path, version: str) -> bool:
    """Tell whether the environment can install by itself."""
    return (venv / "lib" / f"python{version}" / "site-packages" / "pip").is_dir()


def main() -> None:
    """Complete the environment or say in one sentence why not."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python .ci/environment.py FOLDER REQUIREMENTS")
    try:
        complete(Path(sys.argv[1]), Path(sys.argv[2]))
    except CannotInstall as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
