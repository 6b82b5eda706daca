"""Hearing PostgreSQL's NOTIFY, on a connection that does nothing else."""

import select
from types import TracebackType
from typing import Self

from django.db import DEFAULT_DB_ALIAS, connections


class Listener:
    """Listens on one channel from the moment it is entered.

    The connection is its own and in autocommit: a listener inside a transaction hears
    nothing until it ends. Raises OperationalError or InterfaceError when the server goes.
    """

    def __init__(self, channel: str) -> None:
        self.connection = connections[DEFAULT_DB_ALIAS].copy()
        self._channel = channel

    def __enter__(self) -> Self:
        self.connection.ensure_connection()
        with self.connection.cursor() as cursor:
            cursor.execute(f"LISTEN {self.connection.ops.quote_name(self._channel)}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()

    def hear(self, timeout_s: float) -> list[str]:
        """Sleep until something is said; return the payloads heard, none after timeout_s."""
        if heard := self._heard():
            return heard
        # Waiting here and not in notifies(), which would wake ten times a second.
        select.select([self.connection.connection.fileno()], [], [], max(0.0, timeout_s))
        return self._heard()

    def _heard(self) -> list[str]:
        with self.connection.wrap_database_errors:
            return [notice.payload for notice in self.connection.connection.notifies(timeout=0)]
