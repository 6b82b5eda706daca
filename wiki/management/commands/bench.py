"""`manage.py bench SUBJECT`: measure something on a database of its own."""

from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import CommandParser

from wiki import extensions
from wiki.management.own_database import OwnDatabaseCommand, Run


class Command(OwnDatabaseCommand):
    help = "Measure a subject on a temporary database; the site's own is not touched."
    name, passed_on = "bench", ("notes", "cache")

    @property
    def subjects(self) -> Mapping[str, Run]:
        return extensions.benchmarks

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--notes", type=int, help="how many notes there are meanwhile")
        parser.add_argument(
            "--cache", type=Path, help="a folder that keeps the vectors of texts for next time"
        )
