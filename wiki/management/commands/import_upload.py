"""What the site starts when somebody imports in the browser: check their upload, or import it."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from wiki.importers.uploads.run import run
from wiki.importers.uploads.upload_folder import Upload


class Command(BaseCommand):
    help = "Check or import what this account sent; the page /import/ starts it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("owner", type=int, help="the number of the account")

    def handle(self, *args: Any, **options: Any) -> None:
        run(Upload(get_user_model().objects.get(pk=options["owner"])))
