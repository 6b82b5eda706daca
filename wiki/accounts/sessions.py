"""Sessions in the database, which report an unavailable database as such.

Django takes every error of a save for a session that was ended meanwhile, and answers 400. When
the database is unavailable the answer has to be a 503.
"""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import InterfaceError, OperationalError


class SessionStore(db.SessionStore):
    """Django's store, with the database's errors passed on; it reads the same sessions."""

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises CreateError, UpdateError, OperationalError, InterfaceError."""
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if isinstance(cause, (OperationalError, InterfaceError)):
                raise cause from None
            raise
