"""Run the site: database, workers and web server, until Ctrl-C."""

import errno
import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import django.db
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from wiki import extensions
from wiki.accounts import sign_in_links
from wiki.backup import BackupError
from wiki.importers import sample
from wiki.importers.item import Unreadable
from wiki.management.base import Refused, ServiceMissing
from wiki.models import attachment_upload, index_rebuild
from wiki.postgres import PostgresError
from wiki.rendering import sandbox
from wiki.supervisor import KeepsDying, Supervisor, upgrade
from wiki.supervisor.child_process import CannotStart, Guard, Service
from wiki.supervisor.database_server import database_service, wait_for_external
from wiki.supervisor.instance import AlreadyRunning, Instance
from wiki.supervisor.web_server import AddressUnusable, require_free, require_granian, web_service

logger = logging.getLogger(__name__)

# The broker only carries messages: the site opens without it.
BROKER_WAIT_S = 10.0
STDOUT = 1


class Command(BaseCommand):
    help = "Start PostgreSQL, the workers and the web server, and keep them running until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-sample", action="store_true", help="start without sample notes")

    def handle(self, *args: Any, **options: Any) -> None:
        self._wants_samples = not options.get("no_sample")
        try:
            self._serve(settings.WIKI_DATA_DIR)
        except AlreadyRunning as running:
            self._say(str(running))
        except AddressUnusable as error:
            raise Refused(str(error)) from error
        except (CannotStart, KeepsDying, PostgresError) as error:
            raise ServiceMissing(explain(str(error))) from error
        except django.db.Error as error:
            raise ServiceMissing(explain(f"The database does not answer: {error}")) from error
        except OSError as error:
            raise ServiceMissing(explain_os_error(error)) from error

    def _serve(self, home: Path) -> None:
        instance = Instance(home / "run", settings.SITE_URL)
        try:
            require_granian()
            require_free(settings.WIKI_HOST, settings.WIKI_PORT)
            guard = Guard(instance.descriptor)
            try:
                supervisor = Supervisor(guard, home / "log", self._say)
                with supervisor.listening():
                    self._run(supervisor, home)
            finally:
                guard.close()
        finally:
            instance.release()

    def _run(self, supervisor: Supervisor, home: Path) -> None:
        """Start everything in order, serve, stop everything in reverse."""
        steps = (
            self._start_database,
            self._start_early,
            self._migrate,
            self._index,
            self._add_samples,
            self._start_rest,
        )
        try:
            for step in steps:
                if not supervisor.is_stopping:
                    step(supervisor, home)
            supervisor.run(self._keep_up)
        except Exception:
            # Ctrl-C reaches initdb too, so their failure then is no news.
            if not supervisor.is_stopping:
                raise
        finally:
            connections.close_all()
            if supervisor.is_stopping:
                self._say("Stopping.")
            supervisor.stop()

    def _start_database(self, supervisor: Supervisor, home: Path) -> None:
        if settings.DATABASE_URL:
            wait_for_external(supervisor.sleep, lambda: supervisor.is_stopping)
            return
        supervisor.start([database_service(settings.POSTGRES)])
        if supervisor.wait_for("postgres"):
            settings.POSTGRES.create_database()

    def _start_early(self, supervisor: Supervisor, home: Path) -> None:
        early = [process for process in extensions.processes if not process.needs_schema]
        supervisor.start([service_of(process) for process in early])
        for process in early:
            if not supervisor.wait_for(process.name, BROKER_WAIT_S) and not supervisor.is_stopping:
                self._say(f"{process.name} is not ready; going on without it for now.")

    def _migrate(self, supervisor: Supervisor, home: Path) -> None:
        if not upgrade.pending_migrations():
            return
        kept = "There were no notes in it yet."
        try:
            if upgrade.has_notes():
                self._say("This version changes the database: backing it up first.")
                file = upgrade.back_up_before_migration(home / "backups")
                kept = f"The notes as they were are in {file}."
                self._say(kept)
            upgrade.migrate()
        except BackupError as error:
            raise CannotStart(f"The database was left as it is: {error}") from error
        except django.db.Error as error:
            raise CannotStart(
                f"The database could not be changed to this version ({error}). {kept}"
            ) from error

    def _index(self, supervisor: Supervisor, home: Path) -> None:
        """Index what a restore or another language left for the full-text index to do."""
        if count := index_rebuild.bring_up_to_date():
            self._say(f"Made the full-text index of {count} notes.")

    def _add_samples(self, supervisor: Supervisor, home: Path) -> None:
        """Put the sample notes into a notebook that never had a note."""
        if not self._wants_samples:
            return
        try:
            added = sample.add_to_empty(sign_in_links.first_owner)
        except Unreadable as error:
            self._say(f"The notebook starts without sample notes: {error}")
            return
        finally:
            sandbox.stop()  # this process renders nothing else
        if added:
            self._say(f"Added {added} sample notes; one click above the list removes them all.")

    def _start_rest(self, supervisor: Supervisor, home: Path) -> None:
        """Start the workers and the web server together; tell where it is once it answers."""
        rest = [process for process in extensions.processes if process.needs_schema]
        supervisor.start([service_of(process) for process in rest])
        supervisor.start([web_service(settings.WIKI_HOST, settings.WIKI_PORT)])
        if not supervisor.wait_for("web"):
            return
        self._say(f"Commonplace is open at {settings.SITE_URL}/")
        if link := sign_in_links.first_owner_link():
            self._say(
                f"Sign in for the first time: {settings.SITE_URL}{link}   (works once, for an hour)"
            )
        self._say(f"Notes are kept in {home}. Stop with Ctrl-C.")
        connections.close_all()

    def _keep_up(self) -> None:
        """Sweep away what was uploaded and never saved; where that fails, an hour later."""
        try:
            if swept := attachment_upload.sweep():
                self._say(f"Removed {swept} files that were uploaded and never saved.")
        except (django.db.Error, OSError) as error:
            logger.warning("Unsaved uploads could not be removed: %s", error)
        finally:
            connections.close_all()

    def _say(self, line: str) -> None:
        try:
            self.stdout.write(line)
            self.stdout.flush()
        except OSError:
            # The terminal is gone: there is nobody to tell, and children still to stop.
            os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def service_of(process: extensions.Process) -> Service:
    """Describe a socketed process to the supervisor."""

    def ready(group: int) -> bool:
        try:
            return process.ready()
        except (OSError, django.db.Error):
            return False  # what it asks is not there yet
        finally:
            connections.close_all()  # seldom asked, and the server may be another next time

    return Service(process.name, lambda: process.argv, ready, env=process.env)


def explain(message: str) -> str:
    """Put first what the user must do when a log's last lines speak of a full disk."""
    if os.strerror(errno.ENOSPC) in message:
        return f"The disk is full: free some space and start again.\n{message}"
    return message


def explain_os_error(error: OSError) -> str:
    """Make one sentence of what the operating system refused."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"The disk is full{where}: free some space and start again."
    return (
        f"Commonplace cannot start: {error.strerror or error}{where}. "
        "Correct that, or choose another data folder with WIKI_DATA_DIR."
    )
