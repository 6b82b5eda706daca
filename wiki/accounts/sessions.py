"""Sessions in the database, which say so when it is the database that is away.

Django takes every error of a save for a session that somebody has ended meanwhile, and answers
400, as if the request were at fault; of a server that is gone a 503 tells the truth.
"""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import InterfaceError, OperationalError


class SessionStore(db.SessionStore):
    """Of the same name as Django's, whose sessions it goes on with."""

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises CreateError, UpdateError, OperationalError, InterfaceError."""
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if isinstance(cause, (OperationalError, InterfaceError)):
                raise cause from None
            raise
