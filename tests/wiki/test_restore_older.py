"""Backups of older versions restore: their rows into their schema, which is then migrated."""

import shutil
from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import PASSWORD
from tests.wiki.archives_of_backups import write_format_1
from wiki import backup, integrity
from wiki.files import store
from wiki.models import Attachment, Note, Revision, TagChange
from wiki.search.results_page import search

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WHEN = datetime(2026, 11, 25, tzinfo=UTC)
BODY = "Attention\tof \\N {}. ![[a.png]]\n"
PICTURE = b"\x89PNG as it was"


def old_notebook(*, wiki: str, mlhooks: str) -> None:
    """Make an instance of an older version, with a note of three revisions, one tag and a file."""
    executor = MigrationExecutor(connection)
    leaves = [
        key for key in executor.loader.graph.leaf_nodes() if key[0] not in ("wiki", "mlhooks")
    ]
    state = executor.migrate([*leaves, ("wiki", wiki), ("mlhooks", mlhooks)])
    model = {one.__name__: one for one in state.apps.get_models() if one._meta.app_label == "wiki"}
    dora = get_user_model().objects.create_user("dora", password=PASSWORD)
    note = model["Note"].objects.create(
        title="Old", title_key="old", type="paper", visibility="public",
        created=WHEN, modified=WHEN, owner_id=dora.pk,
    )  # fmt: skip
    for number in range(3):
        sealed = Revision(
            note_id=note.pk, number=number, title="Old", body=BODY.format(number),
            type="paper", tags=["focus"], visibility="public", author_name="dora", created=WHEN,
        )  # fmt: skip
        said = {
            field.attname: getattr(sealed, field.attname)
            for field in sealed._meta.concrete_fields
            if field.attname not in ("id", "sha256")
        }
        head = model["Revision"].objects.create(**said, sha256=sealed.digest())
    note.head = head
    note.save()
    tag = model["Tag"].objects.create(name="focus", slug="focus")
    model["NoteTag"].objects.create(content_object=note, tag=tag)
    model["TagChange"].objects.create(old="a", new="b", created=WHEN, author_id=dora.pk)
    kept = store.keep(PICTURE)
    model["Attachment"].objects.create(
        note=note, number=1, key="a.png", name="a.png", media_type="image/png",
        bytes=kept.bytes, sha256=kept.sha256, created=WHEN,
    )  # fmt: skip
    with connection.cursor() as cursor:
        # Notes that are gone for good had these numbers.
        cursor.execute("SELECT setval('wiki_note_pid_seq', 41)")


@pytest.mark.parametrize(
    ("wiki", "mlhooks"),
    [
        ("0006_finding", "0001_initial"),
        ("0010_title_suggestions", "0002_passages"),
        ("0015_note_readable", "0002_passages"),
    ],
)
def test_a_backup_of_format_1_restores_and_is_migrated(wiki, mlhooks, elsewhere, tmp_path):
    with elsewhere():
        old_notebook(wiki=wiki, mlhooks=mlhooks)
        file = write_format_1(tmp_path / "old.zip")
    shutil.rmtree(tmp_path / "elsewhere")
    with elsewhere():
        restored = backup.restore(file)
        assert (restored.notes, restored.revisions, restored.attachments) == (1, 3, 1)
        assert restored.problems == () and integrity.verify().ok
        call_command("migrate", check_unapplied=True, verbosity=0)
        note = Note.objects.get(title="Old")
        assert [one.body for one in note.revisions.order_by("number")] == [
            BODY.format(number) for number in range(3)
        ]
        assert [tag.name for tag in note.shown_tags()] == ["focus"]
        assert TagChange.objects.get().kind == "rename"
        assert Attachment.objects.get().path.read_bytes() == PICTURE
        dora = authenticate(username="dora", password=PASSWORD)
        found = search("attention", Note.objects.visible_to(dora))
        assert [hit.note.pid for hit in found.results] == [note.pid]
        assert Note.objects.write(note.head.fields, owner=dora).pid == 42
