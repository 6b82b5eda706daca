"""A command on a PostgreSQL of its own, that is gone afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from wiki.management.base import PROBLEMS, Refused, ServiceMissing
from wiki.postgres import PostgresError, temporary_cluster

# Holds the data folder that the command made for its second run.
OWN_FOLDER = "COMMONPLACE_BENCH"

Run = Callable[[dict[str, Any]], dict[str, Any]]


class OwnDatabaseCommand(BaseCommand):
    """Runs itself again, since Django has read by now where the site's own database is.

    subjects: what can be run, by name. passed_on: the options, besides the subject, that the
    second run is given.
    """

    requires_system_checks = []
    name: ClassVar[str]
    passed_on: ClassVar[tuple[str, ...]] = ()

    @property
    def subjects(self) -> Mapping[str, Run]:
        """Return what can be run, by name."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", help=f"one of: {_names(self.subjects)}")
        parser.add_argument("--keep", action="store_true", help="keep the temporary data folder")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        subject = options["subject"]
        if subject not in self.subjects:
            raise Refused(
                f"There is nothing called {subject!r} to {self.name}. Choose one of: "
                f"{_names(self.subjects)}."
            )
        if os.environ.get(OWN_FOLDER) == str(settings.WIKI_DATA_DIR):
            self._measure(options)
        else:
            self._run_again(options)

    def _measure(self, options: dict[str, Any]) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        result = self.subjects[options["subject"]](options)
        indent = None if options["json"] else 2
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=indent))
        if result.get("failed"):
            sys.exit(PROBLEMS)

    def _run_again(self, options: dict[str, Any]) -> None:
        argv = [sys.executable, settings.ROOT / "manage.py", self.name, options["subject"]]
        argv += ["--json"] if options["json"] else []
        argv += [f"--{name}={options[name]}" for name in self.passed_on if options[name]]
        try:
            with temporary_cluster(keep=options["keep"]) as cluster:
                home = str(cluster.home.parent.resolve())
                own = {"DATABASE_URL": cluster.url(), "WIKI_DATA_DIR": home, OWN_FOLDER: home}
                ran = subprocess.run(argv, env={**os.environ, **own})
            if options["keep"]:
                self.stderr.write(f"Kept; look at it with: WIKI_DATA_DIR={home} make run")
        except PostgresError as error:
            raise ServiceMissing(str(error)) from error
        if ran.returncode:
            sys.exit(ran.returncode)


def _names(subjects: Mapping[str, Run]) -> str:
    """Return the names of all subjects, as a person reads them."""
    return ", ".join(sorted(subjects)) or "none are installed"
