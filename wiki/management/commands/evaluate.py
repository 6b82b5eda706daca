"""`manage.py evaluate SUBJECT`: tell how good something is, on data with known answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from wiki import extensions
from wiki.management.base import Refused
from wiki.management.own_database import OwnDatabaseCommand, Run
from wiki.measuring.evaluations.notebook import NothingToEvaluate
from wiki.measuring.evaluations.search import MODES


class Command(OwnDatabaseCommand):
    help = "Evaluate a subject on a temporary database; the site's own is not touched."
    name, passed_on = "evaluate", ("corpus", "mode", "cases", "cache")

    @property
    def subjects(self) -> Mapping[str, Run]:
        return extensions.evaluations

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--corpus", type=Path, help="a set, or a folder of sets")
        parser.add_argument("--mode", choices=MODES, default="all", help="how to search")
        parser.add_argument("--cases", type=int, help="how many cases are looked at, at most")
        parser.add_argument(
            "--cache", type=Path, help="a folder that keeps the vectors of texts for next time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except NothingToEvaluate as error:
            raise Refused(str(error)) from error
