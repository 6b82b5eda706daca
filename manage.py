#!/usr/bin/env python
"""Commonplace's command line: `python manage.py help` lists the commands."""

import os
import sys
from typing import NoReturn

REFUSED, SERVICE_MISSING = 2, 3


def main() -> None:
    """Run one management command; unusable settings end it with one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wiki.settings")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        stop(f"{error.name} is not installed here: use `make run`, or .venv/bin/python.", error)

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        stop(str(error), error, code=REFUSED)


def stop(sentence: str, error: Exception, code: int = SERVICE_MISSING) -> NoReturn:
    """End the program with a sentence, or as Python does if --traceback is asked for."""
    if "--traceback" in sys.argv:
        raise error
    print(sentence, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
