"""Write a backup: one file that restores everything."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from wiki.backup import BackupError, backup
from wiki.management.base import HouseCommand, Refused


class Command(HouseCommand):
    help = "Write users, notes with all revisions, tags and attachments into one new file."
    # A backup before an upgrade is made by the version that upgrades.
    requires_migrations = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file to make, such as notes.zip")
        super().add_arguments(parser)

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        try:
            report = backup(options["file"])
        except BackupError as error:
            raise Refused(str(error)) from error
        return report.as_json(), (
            f"{report.file}: {report.notes} notes with {report.revisions} revisions and "
            f"{report.attachments} attachments, {report.bytes:,} bytes. It holds password hashes "
            "and private notes: keep it where only you can read it."
        )
