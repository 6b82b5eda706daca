"""Restore a backup into an empty instance."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from wiki.backup import BackupError, restore
from wiki.management.base import HouseCommand, Refused


class Command(HouseCommand):
    help = "Put a backup into an empty instance, one whose WIKI_DATA_DIR is a new folder."
    # The schema is made here, as the version that made the backup had it.
    requires_migrations = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        super().add_arguments(parser)

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        try:
            report = restore(options["file"])
        except BackupError as error:
            raise Refused(str(error)) from error
        sentences = [problem.message for problem in report.problems]
        sentences.append(
            f"Restored {report.notes} notes with {report.revisions} revisions and "
            f"{report.attachments} attachments. Everybody signs in again, with the same password."
        )
        return report.as_json(), "\n".join(sentences)
