"""A date in the future, in an import or from long ago: nothing stands first for years by it."""

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from wiki import integrity
from wiki.models import Note, Revision

pytestmark = pytest.mark.django_db
AHEAD = datetime(2199, 5, 1, tzinfo=UTC)
PAGES = ("/?sort=modified", "/?sort=chronology", "/changes/", "/feed.atom", "/print/")


def order(client: Client, page: str, *titles: str) -> list[str]:
    """Return these titles in the order in which a page has them."""
    html = client.get(page).content.decode()
    assert all(title in html for title in titles), page
    return sorted(titles, key=html.index)


@pytest.fixture
def ahead(vault: Any, bring_vault: Any, alice: Any) -> Note:
    """A public note of an import whose only date is in the future."""
    text = "---\ntitle: Ahead\ndate: 2199-05-01\nmodified: 2199-06-01\n---\nkestrel\n"
    bring_vault(vault({"Ahead.md": text}), visibility="public")
    return Note.objects.cards().get(title="Ahead")


def test_what_is_saved_later_stands_before_it(
    ahead: Note, alice: Any, fields: Any, client: Client
) -> None:
    Note.objects.write(fields(title="Later"), owner=alice)
    for page in PAGES:
        assert order(client, page, "Ahead", "Later") == ["Later", "Ahead"], page


def test_the_file_it_came_from_dates_it_and_the_report_says_so(
    vault: Any, bring_vault: Any
) -> None:
    folder: Path = vault({"2199-01-01.md": "---\ndate: 2199-05-01\n---\nkestrel\n"})
    done = bring_vault(folder)
    note = Note.objects.cards().get()
    changed = datetime.fromtimestamp((folder / "2199-01-01.md").stat().st_mtime, UTC)
    assert note.created == note.modified == note.head.created == changed
    assert "2199-05-01" in str(note.extra), "an export gives the date back"
    assert "lies ahead" in str(done.lines)


def dated(note: Note, moment: datetime) -> None:
    """Let a note and its head say this date, as imports left it."""
    assert note.head is not None
    head = Revision.objects.get(pk=note.head.pk)
    head.created, head.source = moment, "import"
    head.sha256 = head.digest()
    head.save()
    Note.objects.filter(pk=note.pk).update(created=moment, modified=moment)


def test_one_that_is_here_already_is_placed_by_the_revisions_around_it(
    alice: Any, fields: Any, client: Client
) -> None:
    before = Note.objects.write(fields(title="Before"), owner=alice)
    ahead = Note.objects.write(fields(title="Ahead"), owner=alice)
    after = Note.objects.write(fields(title="After"), owner=alice)
    long_ago = timezone.now() - timedelta(days=30)
    for note, days in ((before, 2), (after, 3)):
        dated(note, long_ago + timedelta(days=days))
    dated(ahead, AHEAD)
    migration = importlib.import_module("wiki.migrations.0024_dates_ahead")
    migration.place_by_revision(apps, None)
    for page in PAGES:
        assert order(client, page, "Before", "Ahead", "After") == ["After", "Ahead", "Before"], page
    ahead.refresh_from_db()
    assert ahead.head and ahead.head.created == AHEAD, "what it says is kept"
    assert integrity.verify().as_json()["ok"]
    # It is the first again as soon as it is edited.
    note = Note.objects.cards().get(pk=ahead.pk)
    note.save_revision(fields(title="Ahead", body="now"), base=0, author=alice)
    assert order(client, "/?sort=modified", "Ahead", "After") == ["Ahead", "After"]
    assert order(client, "/changes/", "Ahead", "After") == ["Ahead", "After"]


def test_other_columns_that_differ_from_the_head_are_still_found(note: Note) -> None:
    for moment in (timezone.now() + timedelta(days=1), timezone.now() - timedelta(days=1)):
        Note.objects.filter(pk=note.pk).update(modified=moment)
        found = [problem["check"] for problem in integrity.verify().as_json()["problems"]]
        assert found == ["note_columns"]
