"""DATABASE_URL: the address of a PostgreSQL, into Django's words."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from wiki.postgres.programs import PostgresError


def connection_settings(url: str) -> dict[str, Any]:
    """Read a postgresql:// URL, in any form libpq knows, into Django's database settings.

    Returns NAME USER PASSWORD HOST PORT OPTIONS; connecting gives up after 3 seconds unless
    the URL says otherwise. PostgresError, without the URL's password, if it cannot be read.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise PostgresError(
            "DATABASE_URL does not begin with postgresql:// (other databases are not "
            "supported): write it like postgresql://user:password@host:5432/database, or unset it."
        )
    try:
        parts: dict[str, Any] = dict(conninfo_to_dict(url))
        parts["connect_timeout"] = int(parts.get("connect_timeout", 3))
        port = parts.pop("port", "")
        for number in filter(None, port.split(",")):  # one for each of several hosts
            int(number)
    except (psycopg.Error, ValueError):
        # libpq's own message may quote the password.
        raise PostgresError(
            "DATABASE_URL cannot be read: write it like "
            "postgresql://user:password@host:5432/database, with special characters of the "
            "password percent-encoded (@ is %40, / is %2F)."
        ) from None
    if not parts.get("dbname") and "service" not in parts:
        raise PostgresError("DATABASE_URL names no database: add /database after the host.")
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    settings = {name: parts.pop(part, "") for name, part in names.items()}
    return {**settings, "PORT": port, "OPTIONS": parts}
