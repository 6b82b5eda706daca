"""Measure something, on a PostgreSQL of its own that is gone afterwards."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from wiki import extensions
from wiki.management.base import PROBLEMS, Refused, ServiceMissing
from wiki.postgres import Cluster, PostgresError, temporary_cluster

# Holds the data folder that the command made for its second run.
OWN_FOLDER = "COMMONPLACE_BENCH"


class Command(BaseCommand):
    """Runs itself again, since Django has read by now where the site's own database is."""

    help = "Measure a subject on a temporary database; the site's own is not touched."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", help=f"one of: {subjects()}")
        parser.add_argument("--notes", type=int, help="how many notes there are meanwhile")
        parser.add_argument("--keep", action="store_true", help="keep the temporary data folder")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["subject"] not in extensions.benchmarks:
            raise Refused(
                f"There is no benchmark {options['subject']!r}. Choose one of: {subjects()}."
            )
        if os.environ.get(OWN_FOLDER) == str(settings.WIKI_DATA_DIR):
            self._measure(options)
        else:
            self._run_again(options)

    def _measure(self, options: dict[str, Any]) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        result = extensions.benchmarks[options["subject"]](options)
        indent = None if options["json"] else 2
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=indent))
        if result.get("failed"):
            sys.exit(PROBLEMS)

    def _run_again(self, options: dict[str, Any]) -> None:
        argv = [sys.executable, settings.ROOT / "manage.py", "bench", options["subject"]]
        argv += ["--json"] if options["json"] else []
        argv += [f"--notes={options['notes']}"] if options["notes"] else []
        try:
            with self._kept() if options["keep"] else temporary_cluster() as cluster:
                home = str(cluster.home.parent.resolve())
                own = {"DATABASE_URL": cluster.url(), "WIKI_DATA_DIR": home, OWN_FOLDER: home}
                ran = subprocess.run(argv, env={**os.environ, **own})
        except PostgresError as error:
            raise ServiceMissing(str(error)) from error
        if ran.returncode:
            sys.exit(ran.returncode)

    @contextmanager
    def _kept(self) -> Iterator[Cluster]:
        """Run a server on a new folder that stays, and say where it is."""
        home = Path(tempfile.mkdtemp(prefix="commonplace-bench-"))
        cluster = Cluster(home / "postgres")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
            self.stderr.write(f"Kept; look at it with: WIKI_DATA_DIR={home} make run")


def subjects() -> str:
    """Return the names of all benchmarks, as a person reads them."""
    return ", ".join(sorted(extensions.benchmarks)) or "none are installed"
