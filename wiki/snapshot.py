"""Reading a lot from the database at one moment of time, while others go on writing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """Let every query inside see the database as it was at the first one; nothing is written.

    A REPEATABLE READ transaction of its own, which makes nobody wait. Inside a transaction
    of the caller's, that transaction's view is what counts.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
