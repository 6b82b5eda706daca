"""What every command of ours shares: exit codes, the --json line, a running database.

Exit codes: 0 done, 1 done with problems, 2 refused, 3 a service is missing.
"""

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections

from wiki.postgres import PostgresError

DONE, PROBLEMS, REFUSED, SERVICE_MISSING = 0, 1, 2, 3


class Refused(CommandError):
    """The command cannot be carried out as asked; the text says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=REFUSED)


class ServiceMissing(CommandError):
    """A service the command needs does not answer; the text says how to start it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=SERVICE_MISSING)


class HouseCommand(BaseCommand):
    """A command that talks to the database and can print one JSON object as its last line.

    Subclasses implement run(options) and return (result, sentences): the object for --json
    and what a person reads. A result with a true "failed", or "ok" false, exits 1.
    An embedded PostgreSQL that is not running is started for the length of the command.
    """

    requires_migrations = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = self._start_database()
        try:
            if self.requires_migrations:
                self._require_migrations()
            result, sentence = self.run(options)
        finally:
            if started:
                connections.close_all()
                settings.POSTGRES.stop()
        if sentence:
            self.stdout.write(sentence)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        if self.has_problems(result):
            sys.exit(PROBLEMS)

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Do the work; see the class for what to return."""
        raise NotImplementedError

    def has_problems(self, result: dict[str, Any]) -> bool:
        """Tell whether the command was done with problems."""
        return bool(result.get("failed")) or result.get("ok") is False

    def _start_database(self) -> bool:
        """Return whether this command started the embedded server and must stop it."""
        try:
            if not settings.DATABASE_URL:
                return settings.POSTGRES.start()
            connections["default"].ensure_connection()
        except PostgresError as error:
            raise ServiceMissing(str(error)) from error
        except OperationalError as error:
            raise ServiceMissing(
                "The database named by DATABASE_URL does not answer "
                f"({str(error).strip().splitlines()[0]}). Start it, or correct the address."
            ) from error
        return False

    def _require_migrations(self) -> None:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connections["default"])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise Refused(
                "The database has not been prepared for this version of Commonplace. "
                "Run `make run` once, or `python manage.py migrate`."
            )
