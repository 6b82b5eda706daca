"""A command on a PostgreSQL of its own, that is gone afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils.module_loading import import_string

from wiki.management.base import PROBLEMS, Refused, ServiceMissing
from wiki.measuring.subject import Arguments, Options, Subject
from wiki.postgres import PostgresError, temporary_cluster

# Holds the data folder that the command made for its second run.
OWN_FOLDER = "COMMONPLACE_BENCH"


class OwnDatabaseCommand(BaseCommand):
    """Runs itself again, since Django has read by now where the site's own database is.

    subjects: the dotted paths of what can be measured, by name. Each subject declares its own
    options; the second run is given those that were typed.
    """

    requires_system_checks = []
    name: ClassVar[str]

    @property
    def subjects(self) -> Mapping[str, str]:
        """Return the dotted path of each Subject, by name."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", help=f"one of: {_names(self.subjects)}")
        parser.add_argument("--keep", action="store_true", help="keep the temporary data folder")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )
        arguments = Arguments(parser.add_argument)
        for name in sorted(self.subjects):
            self._subject(name).add_arguments(arguments)
        self._own_options = tuple(arguments.declared)

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

    def _subject(self, name: str) -> Subject:
        subject: Subject = import_string(self.subjects[name])
        return subject

    def _measure(self, options: Options) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        result = self._subject(options["subject"]).run(options)
        indent = None if options["json"] else 2
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=indent))
        if result.get("failed"):
            sys.exit(PROBLEMS)

    def _run_again(self, options: Options) -> None:
        argv = [sys.executable, settings.ROOT / "manage.py", self.name, options["subject"]]
        argv += ["--json"] if options["json"] else []
        argv += [f"--{name}={options[name]}" for name in self._own_options if options[name]]
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


def _names(subjects: Mapping[str, str]) -> str:
    """Return the names of all subjects, as a person reads them."""
    return ", ".join(sorted(subjects)) or "none are installed"
