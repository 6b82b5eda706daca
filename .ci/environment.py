"""Make or complete the virtual environment: environment.py FOLDER REQUIREMENTS.

Any Python can read this file, down to 2.7, so that an old one is told so in a sentence.
If a newer one is on PATH it takes over. The work is done in installation.py beside it.
"""

# Python 2.7 has neither pathlib nor another way to format.
# ruff: noqa: UP031, PTH100, PTH118, PTH120, PTH123

import os
import subprocess
import sys

OLDEST = (3, 11)
CANDIDATES = ["python3.14", "python3.13", "python3.12", "python3.11"]


def find_newer():
    """Return the path of a Python that is new enough and runs, or None."""
    for name in CANDIDATES:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and works(path):
                return path
    return None


def works(path):
    """Tell whether the program is a Python that is new enough."""
    check = "import sys; sys.exit(sys.version_info[:2] < (%d, %d))" % OLDEST
    with open(os.devnull, "w") as nowhere:
        try:
            return subprocess.call([path, "-c", check], stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def main():
    """Hand over to installation.py, in this Python or a newer one."""
    work = os.path.join(os.path.dirname(os.path.abspath(__file__)), "installation.py")
    if sys.version_info[:2] >= OLDEST:
        python = sys.executable
    else:
        python = find_newer()
    if python is None:
        sys.stderr.write(
            "Commonplace needs Python %d.%d or newer; this is %d.%d. Install a newer one, "
            "or name one you have: make run PYTHON=/path/to/python3.12\n"
            % (OLDEST + tuple(sys.version_info[:2]))
        )
        sys.exit(2)
    sys.stdout.flush()
    os.execv(python, [python, work] + sys.argv[1:])


if __name__ == "__main__":
    main()
