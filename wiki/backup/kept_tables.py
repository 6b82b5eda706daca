"""Which tables a backup holds: all of ours are named as kept or derived, here or by the ML app.

A table that nobody named is kept: a backup with rows that could be made again is only larger,
one without rows that could not is none. tests/wiki/test_kept_tables.py fails until it is named.
"""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

from django.db import connection

from wiki import extensions

KEPT = (
    # People and what they may do.
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_content_type",
    "django_admin_log",
    # Notes, and what was done to them.
    "wiki_alias",
    "wiki_attachment",
    "wiki_link",
    "wiki_note",
    "wiki_notetag",
    "wiki_revision",
    "wiki_revisionfile",
    "wiki_tag",
    "wiki_tagalias",
    "wiki_tagchange",
    "wiki_tagdifference",
    "wiki_visibilitychange",
    # taggit's own, which notes do not use; what somebody else put there is not ours to drop.
    "taggit_tag",
    "taggit_taggeditem",
)
DERIVED = (
    "django_migrations",  # a restore applies them itself; the manifest names them
    "django_session",  # of one site: everybody signs in again
    # A wrong password is of one place and time.
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    "axes_accessfailurelog",
    "axes_accesslog",
    "wiki_notehtml",  # made again when somebody reads the note
    # The full-text index, made again by every `migrate`.
    "wiki_posting",
    "wiki_notewords",
)


# Where the ML app's list is noted for the time when that app is switched off.
REMEMBER = "COMMENT ON TABLE django_migrations IS %s"
REMEMBERED = "SELECT obj_description(to_regclass('public.django_migrations'), 'pg_class')"


def is_derived(table: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a table's rows are made again, or end with their site.

    names: further derived tables, such as remembered() returns.
    """
    if table in KEPT or table in extensions.kept_tables:
        return False
    derived = (*DERIVED, *extensions.derived_tables, *names)
    return any(fnmatchcase(table, name) for name in derived)


def is_kept(table: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a backup holds the rows of this table."""
    return not is_derived(table, names)


def is_named(table: str) -> bool:
    """Tell whether somebody said what becomes of this table's rows."""
    return table in KEPT or table in extensions.kept_tables or is_derived(table)


def remember() -> None:
    """Note in the database which tables of the ML app are derived, if that app is there."""
    if extensions.derived_tables:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, [json.dumps(extensions.derived_tables)])


def remembered() -> list[str]:
    """Return the derived tables of an app that was switched off since; often none. One query."""
    with connection.cursor() as cursor:
        cursor.execute(REMEMBERED)
        (noted,) = cursor.fetchone()
    return [str(name) for name in json.loads(noted)] if noted else []
