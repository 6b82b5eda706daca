"""`manage.py dispatch`: run the dispatcher until SIGTERM or Ctrl-C."""

import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from mlhooks.jobs.dispatch import Dispatcher


class Command(BaseCommand):
    help = "Give waiting jobs to the workers; `manage.py up` keeps one of these running."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        # Every step can be cut short: what was not written is found by the next sweep.
        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        Dispatcher().run()


def leave(number: int, frame: FrameType | None) -> None:
    """End the process in order, from wherever it is."""
    sys.exit(0)
