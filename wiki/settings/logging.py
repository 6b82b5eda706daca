"""How the log is written: with tracebacks, but without anybody's text or key."""

import logging
import re
from collections.abc import Iterator
from types import TracebackType

import django.db
import psycopg

DATA_EXCEPTION = "22"  # of such an error even the first line may quote a value
# Whoever has it is signed in: also one that was refused, here or just now, stays out of the log.
SIGN_IN_TOKEN = re.compile(r"(sign-in(?:/|%2F)+)[^\s/?&\"'%]+", re.IGNORECASE)


class Discreet(logging.Formatter):
    """Leaves out of a traceback what the database tells of rows: they hold people's texts.

    And out of addresses the tokens of sign-in links.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write the record without tokens."""
        return SIGN_IN_TOKEN.sub(r"\1…", super().format(record))

    def formatException(  # noqa: N802  # logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Write the traceback; of a database's error only what went wrong, not with what."""
        text = super().formatException(ei)
        for error in _chain(ei[1]):
            if isinstance(error, (django.db.Error, psycopg.Error)):
                text = text.replace(str(error), _in_short(error))
        return text


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all that led to it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            waiting += [each.__cause__, each.__context__]
            yield each


def _in_short(error: BaseException) -> str:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    first = "" if state.startswith(DATA_EXCEPTION) else str(error).partition("\n")[0]
    return f"{first} (SQLSTATE {state})" if state else first
