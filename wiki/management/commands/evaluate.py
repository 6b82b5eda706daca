"""`manage.py evaluate SUBJECT`: tell how good something is, on data with known answers."""

from collections.abc import Mapping
from typing import Any

from wiki import extensions
from wiki.management.base import Refused
from wiki.management.own_database import OwnDatabaseCommand
from wiki.measuring.evaluations.notebook import NothingToEvaluate


class Command(OwnDatabaseCommand):
    help = "Evaluate a subject on a temporary database; the site's own is not touched."
    name = "evaluate"

    @property
    def subjects(self) -> Mapping[str, str]:
        return extensions.evaluations

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except NothingToEvaluate as error:
            raise Refused(str(error)) from error
