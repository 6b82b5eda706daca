"""Migrations: a notebook in use knows them by name."""

from django.db import connection
from django.db.migrations.loader import MigrationLoader

# A database that has applied these must never be asked to do so again under another name.
IN_USE = {
    "0001_initial",
    "0002_notehtml_renderer",
    "0003_revision_latest",
    "0004_note_sample",
    "0005_revision_private",
    "0006_finding",
    "0010_title_suggestions",
    "0014_tidying",
    "0015_note_readable",
    "0016_revision_files",
    "0017_files_of_revisions",
    "0020_note_tag_name",
    "0021_tag_alias_author",
    "0024_dates_ahead",
    "0026_what_writers_hid",
}


def test_no_migration_in_use_is_renamed(db):
    loader = MigrationLoader(connection)
    assert {name for app, name in loader.disk_migrations if app == "wiki"} >= IN_USE
