"""One run of an upload: look at what would happen, or import; in a process of its own."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from wiki.importers import FORMATS, recognise
from wiki.importers.archives import archive
from wiki.importers.batch import import_path
from wiki.importers.item import Options, Unreadable
from wiki.importers.uploads import upload_folder
from wiki.importers.uploads.upload_folder import CHECK, IMPORT, Upload
from wiki.models.visibility import Visibility

EXAMPLES = 3
WRITE_EVERY_S = 0.5
# What files that come alone are known by, when they come again.
ALONE = "files"
# Who reads each note, and whose it is, stands in it: not for one person's import.
NOT_HERE = ("json",)

MISTAKE = (
    "The import stopped because of a mistake in this program; the log of the site says more. What "
    "it had brought in is whole, and it can go on."
)
CANCELLED: dict[str, Any] = {"status": upload_folder.CANCELLED}


class Cancelled(Exception):
    """The run was asked to stop."""


def run(upload: Upload) -> None:
    """Do the step that the upload's state names, and leave the outcome there."""
    started = time.monotonic()
    with upload.turn() as may_run:
        try:
            said = {"status": upload_folder.DONE, **_run(upload)} if may_run else CANCELLED
        except Cancelled:
            said = {**CANCELLED, "notices": told(upload.report)}
        except Unreadable as error:
            said = {"status": upload_folder.FAILED, "message": str(error)}
        except OSError as error:
            said = {
                "status": upload_folder.FAILED,
                "message": f"It cannot be read: {error.strerror}.",
            }
        except Exception:
            _end(upload, {"status": upload_folder.FAILED, "message": MISTAKE}, started)
            raise
        _end(upload, said, started)


def _end(upload: Upload, said: dict[str, Any], started: float) -> None:
    state = replace(upload.stored(), seconds=round(time.monotonic() - started, 1), **said)
    if state.step == IMPORT and state.status == upload_folder.DONE:
        upload.file.unlink(missing_ok=True)
    upload.write(state)


def _run(upload: Upload) -> dict[str, Any]:
    """Run it; returns what to add to the state."""
    state = upload.stored()
    upload.report.unlink(missing_ok=True)
    upload.write(replace(state, status=upload_folder.RUNNING))
    with source_of(upload.file, upload.folder) as (path, name):
        known_as = state.name or (path.name if path.parent != upload.folder else ALONE)
        counts = import_path(
            path,
            name,
            owner=upload.owner,
            visibility=state.visibility,
            dry_run=state.step == CHECK,
            report=upload.report,
            options=Options(
                name=known_as,
                folder_tags=state.folder_tags,
                may_publish=state.visibility == Visibility.PUBLIC,
                # No program is asked about what a stranger packed.
                has_history=False,
                # Nor does a stranger choose numbers, or learn which there are.
                keeps_numbers=False,
            ),
            progress=Progress(upload),
        )
    return {"counts": counts, "notices": told(upload.report)}


@contextmanager
def source_of(file: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """Give what is to be imported, and the name of its format. Raises Unreadable."""
    with archive.opened(file) as path:
        name = recognise(path)
        if name is None and path.is_file() and path.suffix.lower() in (".md", ".markdown"):
            # A folder is what the importer of Markdown reads.
            path, name = file.parent, "markdown"
        if name is None or name in NOT_HERE:
            raise Unreadable(_unknown(file.name, name))
        yield path, name


def _unknown(file: str, name: str | None) -> str:
    if name is not None:
        return (
            f"{file} is the archive of a whole notebook, with the notes of everybody in it. Who "
            "runs this site can bring it in with `manage.py import_notes`."
        )
    known = ", ".join(sorted(set(FORMATS) - set(NOT_HERE)))
    return (
        f"{file} holds nothing that can be imported ({known}). Send a .zip of a folder with "
        "Markdown files, a single .md file, or a saved page of notes."
    )


class Progress:
    """Writes down how far a run is, and stops it when it was cancelled."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        if self._upload.is_cancelled():
            raise Cancelled
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + WRITE_EVERY_S
            self._upload.write(replace(self._upload.stored(), done=done, total=total))


def told(report: Path) -> list[dict[str, Any]]:
    """Group a report's notices by code, the most frequent first, each with a few examples."""
    groups: dict[str, dict[str, Any]] = {}
    for path, notice in _notices(report):
        group = groups.setdefault(
            notice["code"], {"code": notice["code"], "count": 0, "examples": []}
        )
        group["count"] += 1
        if len(group["examples"]) < EXAMPLES:
            group["examples"].append({"path": path, "message": notice["message"]})
    return sorted(groups.values(), key=lambda group: -int(group["count"]))


def _notices(report: Path) -> Iterable[tuple[str, dict[str, str]]]:
    if not report.is_file():
        return
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            for notice in said["notices"]:
                yield said["path"], notice
