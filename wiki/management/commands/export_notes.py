"""`manage.py export_notes DIR`: write the notes to files."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from wiki.exporters import FORMATS
from wiki.management.base import HouseCommand, Refused


class Command(HouseCommand):
    help = "Write every note to a folder, private ones too."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("directory", type=Path, help="made if it does not exist")
        parser.add_argument("--format", required=True, help=", ".join(FORMATS))

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        started = time.monotonic()
        directory: Path = options["directory"]
        write = FORMATS.get(options["format"])
        if write is None:
            raise Refused(
                f"There is no format {options['format']!r}. The formats are: {', '.join(FORMATS)}."
            )
        try:
            exported = write(directory)
        except OSError as error:
            raise Refused(
                f"{error.filename or directory}: {error.strerror}. "
                "Name a folder that can be written and has room."
            ) from error
        result = {
            "format": options["format"],
            "directory": str(directory),
            "notes": exported.notes,
            "revisions": exported.revisions,
            "attachments": exported.attachments,
            "bytes": exported.bytes,
            "sha256": exported.sha256,
            "seconds": round(time.monotonic() - started, 3),
        }
        return result, (
            f"{exported.notes} notes with {exported.revisions} revisions are in {directory} "
            f"({exported.bytes:,} bytes, sha256 {exported.sha256})."
        )
