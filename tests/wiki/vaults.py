"""Folders of notes as other tools keep them, written for tests, and importing them."""

import json
import subprocess
from collections import Counter
from pathlib import Path

from wiki.importers.batch import import_path
from wiki.importers.item import Options

OUTCOMES = ("created", "updated", "unchanged", "skipped", "failed")


class Import:
    """What an import told: its counts by name, and the lines of its report."""

    def __init__(self, counts, report):
        self.counts = counts
        self.lines = [json.loads(line) for line in report.read_text().splitlines()]

    @property
    def outcomes(self):
        return {name: self.counts[name] for name in OUTCOMES if self.counts[name]}

    def codes(self, path=None):
        """Return how often each code was given, of all lines or of one path's."""
        return Counter(
            notice["code"]
            for line in self.lines
            if path in (None, line["path"])
            for notice in line["notices"]
        )

    def said(self, path):
        return " ".join(
            notice["message"]
            for line in self.lines
            if line["path"] == path
            for notice in line["notices"]
        )


def write(folder, files):
    """Write files by path into a folder, which may exist already; returns the folder."""
    for path, text in files.items():
        file = Path(folder) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Path(folder)


def bring(path, owner, report, *, visibility="private", dry_run=False, **options):
    """Import a folder."""
    counts = import_path(
        path,
        "markdown",
        owner=owner,
        visibility=visibility,
        dry_run=dry_run,
        report=report,
        options=Options(**options),
    )
    return Import(counts, report)


def git(folder, *arguments, when="2020-01-01T00:00:00Z"):
    """Run git in a folder as somebody; `when` is the time of a commit."""
    who = {f"GIT_{role}_{what}": "ada" for role in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    who |= {f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")}
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        env={**who, **dates, "PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder)},
    )
