"""Faults of single items, foreseen or not: they go into the report, and the others are imported."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DataError, Error, IntegrityError, connection

from wiki.importers.item import Code, Item, Notice, Unreadable
from wiki.importers.outcome import Outcome, Result

logger = logging.getLogger(__name__)

FAULT = (
    "A mistake in this program kept it out; the others are not concerned. The log of the site says "
    "more to whoever runs it."
)
Made = TypeVar("Made")


def notice_of(error: Exception) -> Notice:
    """Return what to tell of an error that kept an item out.

    Raises the error where it is not this item's: the source is unreadable, or the database
    is away. To be called outside the transaction that the error ended.
    """
    if isinstance(error, Unreadable):
        raise error
    if isinstance(error, Error) and not connection.is_usable():
        raise error
    if not isinstance(error, (DataError, IntegrityError)):
        logger.error("An item of an import was left out.", exc_info=error)
    if not isinstance(error, Error):
        return Notice(Code.FAULT, FAULT)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return Notice(Code.NOT_SAVED, f"The database refused it: {lines[0]}")


def attempt(work: Callable[..., Made], *said: Any) -> Made | Result:
    """Return what work makes of an item, or that the item failed, and why."""
    try:
        return work(*said)
    except Exception as error:
        return Result(Outcome.FAILED, (notice_of(error),))


def read_one(path: str, pid: int | None, read: Callable[..., Item], *said: Any) -> Item:
    """Return the item that read makes of an entry, or one that only says what is wrong."""
    try:
        return read(*said)
    except Exception as error:
        return Item(path=path, pid=pid, notices=(notice_of(error),))
