"""Which tables were written to, to see whether a request changed any row."""

from collections import Counter

from django.db import connection

# PostgreSQL counts for the running transaction, what was rolled back in it included.
COUNTS = """
    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
"""


def rows_written() -> "Counter[str]":
    """Return how many rows of each table this transaction has written so far."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return Counter(dict(cursor.fetchall()))
