"""What whole tables must obey: hashes, unbroken numbers, references, sequences."""

from collections.abc import Generator, Iterator

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import CompositePrimaryKey, Exists, Max, Model, OuterRef
from psycopg import sql

from wiki.extensions import Problem
from wiki.models import NoteTag, Revision
from wiki.models.tag import tag_key

# Texts have up to 1 MiB: so many are in memory at once.
CHUNK = 50

GAPS = """
    SELECT note_id, before + 1, number - 1
      FROM (SELECT note_id, number,
                   coalesce(lag(number) OVER (PARTITION BY note_id ORDER BY number), -1) AS before
              FROM wiki_revision) AS numbers
     WHERE number <> before + 1
     ORDER BY note_id, number
"""


def problems() -> Generator[Problem, None, None]:
    """Look through every table once."""
    yield from _hashes()
    yield from _gaps()
    yield from _tag_identities()
    for model in (*apps.get_app_config("wiki").get_models(), get_user_model()):
        yield from _orphans(model)
        yield from _sequence(model)


def _hashes() -> Iterator[Problem]:
    for revision in Revision._base_manager.iterator(chunk_size=CHUNK):
        if revision.sha256 != revision.digest():
            yield Problem(
                "revision_hash",
                f"Revision {revision.number} of note {revision.note_id} is not what was saved: "
                "its sha256 does not fit. Its text can be taken from a backup.",
                revision.note_id,
                revision.number,
            )


def _gaps() -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(GAPS)
        for pid, first, last in cursor:
            missing = f"revision {first}" if first == last else f"revisions {first} to {last}"
            yield Problem("revision_gap", f"Note {pid} lacks {missing}.", pid, first)


def _tag_identities() -> Iterator[Problem]:
    spelled = NoteTag._base_manager.values_list("name", "tag__slug", "content_object")
    for name, slug, pid in spelled.order_by("content_object", "pk").iterator():
        if slug != tag_key(name):
            yield Problem(
                "tag_identity",
                f"The tag {name} is kept under {slug}, where nobody who types it finds it.",
                pid,
            )


def _orphans(model: type[Model]) -> Iterator[Problem]:
    """Name the rows that refer to a row that is not there, a query per foreign key."""
    for field in model._meta.concrete_fields:
        if not isinstance(target := field.related_model, type):
            continue
        pointed = target._base_manager.filter(pk=OuterRef(field.attname))
        orphans = model._base_manager.exclude(**{field.attname: None}).exclude(Exists(pointed))
        for pk, key in orphans.values_list("pk", field.attname).iterator():
            what, where = model._meta.verbose_name, field.verbose_name
            yield Problem("orphan", f"The {what} {pk} names {where} {key}, which does not exist.")


def _sequence(model: type[Model]) -> Iterator[Problem]:
    """See whether the next row would get a number that is taken."""
    if isinstance(model._meta.pk, CompositePrimaryKey):
        return  # made of other tables' numbers
    highest = model._base_manager.aggregate(highest=Max("pk"))["highest"]
    with connection.cursor() as cursor:
        key = model._meta.pk
        assert key is not None
        cursor.execute(
            "SELECT pg_get_serial_sequence(%s, %s)",
            [connection.ops.quote_name(model._meta.db_table), key.column],
        )
        (sequence,) = cursor.fetchone()
        if sequence is None or highest is None:
            return
        last = "SELECT last_value - (NOT is_called)::int FROM {}"
        cursor.execute(sql.SQL(last).format(sql.SQL(sequence)))
        (given,) = cursor.fetchone()
    if given < highest:
        yield Problem(
            "sequence",
            f"The next {model._meta.verbose_name} would get number {given + 1}, but {highest} is "
            f"taken already: saving will fail. Run SELECT setval('{sequence}', {highest}).",
        )
