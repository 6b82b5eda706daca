"""`manage.py import_notes PATH`: bring notes in from a file or a folder."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from wiki.accounts.sign_in_links import default_owner
from wiki.importers import FORMATS, recognise
from wiki.importers.batch import import_path
from wiki.importers.item import Options, Unreadable
from wiki.management.base import HouseCommand, Refused
from wiki.models.visibility import Visibility


class Command(HouseCommand):
    help = "Import notes; importing the same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        known = ", ".join(FORMATS)
        parser.add_argument("path", type=Path, help="a file or a folder")
        parser.add_argument("--format", default="auto", help=f"auto (by content), {known}")
        parser.add_argument("--owner", help="whose notes they become; default: first superuser")
        parser.add_argument("--visibility", choices=Visibility.values)
        parser.add_argument(
            "--vault",
            metavar="NAME",
            default="",
            help="what later imports know this folder by; default: its own name",
        )
        parser.add_argument(
            "--tags-from-folders", action="store_true", help="a note's folders become tags"
        )
        parser.add_argument("--dry-run", action="store_true", help="report, but change nothing")

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        started = time.monotonic()
        path: Path = options["path"]
        name = _format(path, options["format"])
        visibility = _visibility(name, options["visibility"])
        owner = _owner(options["owner"])
        report, dry_run = _new_report(), options["dry_run"]
        try:
            counts = import_path(
                path,
                name,
                owner=owner,
                visibility=visibility,
                dry_run=dry_run,
                report=report,
                options=_options(options),
                progress=self._progress,
            )
        except Unreadable as error:
            raise Refused(str(error)) from error
        except OSError as error:
            raise Refused(
                f"{error.filename}: {error.strerror}. Make sure that the file can be read and "
                "that the data folder (WIKI_DATA_DIR) can be written."
            ) from error
        result = {
            "format": name,
            "dry_run": dry_run,
            **counts,
            "seconds": round(time.monotonic() - started, 3),
            "report": str(report),
        }
        return result, _sentence(result)

    def _progress(self, done: int, total: int) -> None:
        """Keep one line up to date for whoever watches."""
        if self.stderr.isatty():
            of_all = f" of {total:,}" if total else ""
            self.stderr.write(f"\r{done:,}{of_all}", ending="\n" if done == total else "")


def _new_report() -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return Path(settings.WIKI_DATA_DIR) / "log" / f"import-{moment}.jsonl"


def _options(options: dict[str, Any]) -> Options:
    """Return what is said about reading; who names readers for all notes means all."""
    if "/" in options["vault"]:
        # Else a folder in one vault would be known as another vault.
        raise Refused("A slash cannot stand in the name of a vault. Type it without.")
    return Options(
        name=options["vault"],
        folder_tags=options["tags_from_folders"],
        may_publish=options["visibility"] != Visibility.PRIVATE,
    )


def _format(path: Path, asked: str) -> str:
    known = ", ".join(FORMATS)
    if asked != "auto" and asked not in FORMATS:
        raise Refused(f"There is no format {asked!r}. The formats are: auto, {known}.")
    if not path.exists():
        raise Refused(f"There is no file {path}. Check the path and run the command again.")
    name = recognise(path) if asked == "auto" else asked
    if name is None:
        raise Refused(
            f"{path} is in no format known by its content. If it is one of these, name it "
            f"with --format: {known}."
        )
    return name


def _visibility(name: str, asked: str | None) -> str:
    default = FORMATS[name].visibility
    if default is None and asked:
        raise Refused(
            f"A {name} file says itself who may read each note: leave --visibility out, and "
            "change the notes afterwards."
        )
    return asked or default or Visibility.PRIVATE


def _owner(username: str | None) -> Any:
    if username is None:
        owner = default_owner()
    else:
        owner = get_user_model().objects.filter(username=username, is_active=True).first()
    if owner is None:
        missing = f"no active account {username!r}" if username else "no account to own the notes"
        raise Refused(
            f"There is {missing}. Make one with `python manage.py setup_admin "
            f"--username {username or 'YOU'} --password-stdin`, then run this again."
        )
    return owner


def _sentence(result: dict[str, Any]) -> str:
    """Say what happened, and where to read more."""
    counts = ", ".join(
        f"{result[outcome]} {outcome}"
        for outcome in ("created", "updated", "unchanged", "skipped", "failed")
        if result[outcome]
    )
    start = "A dry run: nothing was changed. It would be" if result["dry_run"] else "Notes:"
    return f"{start} {counts or 'none'}. Each item is in {result['report']}"
