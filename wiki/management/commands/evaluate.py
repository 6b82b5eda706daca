"""`manage.py evaluate SUBJECT`: tell how good something is, on data with known answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from wiki import extensions
from wiki.evaluations.search import MODES, NothingToEvaluate
from wiki.management.base import Refused
from wiki.management.own_database import OwnDatabaseCommand, Run


class Command(OwnDatabaseCommand):
    help = "Evaluate a subject on a temporary database; the site's own is not touched."
    name, passed_on = "evaluate", ("corpus", "mode")

    @property
    def subjects(self) -> Mapping[str, Run]:
        return extensions.evaluations

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--corpus", type=Path, help="a set, or a folder of sets")
        parser.add_argument("--mode", choices=MODES, default="all", help="how to search")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["subject"] == "search" and not options["corpus"]:
            raise Refused("Name the folder with the documents and queries: --corpus DIR.")
        try:
            super().handle(*args, **options)
        except NothingToEvaluate as error:
            raise Refused(str(error)) from error
