"""Out as Markdown and in again: every note is what it was."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.wiki.pictures import picture
from tests.wiki.test_export_markdown import BODIES, TITLES, files
from wiki.exporters import markdown
from wiki.fields import Fields
from wiki.importers.batch import import_path
from wiki.models import Note

HOSTILE = [
    *BODIES,
    "# T\n\nthe title again\n",
    "\n\n# T\n",
    "T\n===\n",
    "## T\n",
    "a #tag that is none, and #2\n",
    "---\ntitle: other\ntags: [x]\n---\n",
    "---\n",
    "...\n",
    "+++\ntitle = 'x'\n+++\n",
    '{\n"title": "x"}\n',
    "title:: other\ntags:: x\n",
    "trailing spaces  \n\n\n",
    "\u00a0\u200b\ufeff",
    "👩‍🔬 e\u0301 é\n",
    "exact: true\n",
]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.WIKI_DATA_DIR = tmp_path / "data"


def bring(folder: Path, owner: Any, tmp_path: Path) -> dict[str, Any]:
    report = tmp_path / f"report-{len(list(tmp_path.glob('report-*')))}.jsonl"
    return import_path(
        folder, "markdown", owner=owner, visibility="private", dry_run=False, report=report
    )


def said_by(owner: Any) -> list[tuple[Any, ...]]:
    """Return all that must come back, of every note of this person."""
    notes = Note.objects.filter(owner=owner).cards().order_by("created", "title")
    return [
        (
            note.title,
            note.head.body if note.head else None,
            [tag.name for tag in note.shown_tags()],
            note.ref,
            note.type,
            note.visibility,
            note.created,
            note.modified,
        )
        for note in notes
    ]


def write(owner: Any, title: str, body: str, day: int, **said: Any) -> None:
    fields = {"ref": "", "type": "note", "tags": (), "visibility": "private", **said}
    note = Note.objects.write(Fields(title=title, body=body, **fields), owner=owner)
    created = datetime(2020, 1, 1, 1, 2, 3, 456_789 + day, UTC)
    modified = created.replace(year=2021)
    note.revisions.update(created=modified)
    Note.objects.filter(pid=note.pid).update(created=created, modified=modified)


def test_notes_written_here_come_back_as_they_were(alice: Any, bob: Any, tmp_path: Path) -> None:
    days = itertools.count()
    for body in HOSTILE:
        write(alice, "T", body, next(days))
    for title in TITLES:
        rest = {"visibility": "public", "tags": ("a", "Quoc_Le", "no")}
        write(alice, title, f"{title}\n", next(days), **rest)
    for kind, ref in itertools.product(("paper", "note", "demo"), ("", "Vaswani-2017.12", "2020")):
        write(alice, f"{kind} {ref}.", "x", next(days), type=kind, ref=ref)
    before = said_by(alice)
    assert len(before) == len(HOSTILE) + len(TITLES) + 9
    markdown.write(tmp_path / "out")
    counts = bring(tmp_path / "out", bob, tmp_path)
    assert (counts["created"], counts["failed"]) == (len(before), 0)
    assert said_by(bob) == before


VAULT = {
    "plain.md": b"# Plain\n\nText #tag with ![[pic.png]]\n",
    "a/front.md": b"---\ntitle: 'Front: matter'\ntags: [x, y z]\nfoo: {bar: [1, no]}\n"
    b"date: 2020-01-02\n---\n\nText.\n",
    "a/crlf.md": b"---\r\ntitle: CR\r\n---\r\n# CR\r\n\r\nx\r\n",
    "broken.md": b"---\ntitle: [unclosed\n---\nx\n",
    "2020-01-02-post.md": b"no heading",
    "setext.md": b"Set\n===\n\nx\n",
    "toml.md": b"+++\ntitle = 'Toml'\ndraft = true\n+++\nx",
    "bom.md": b"\xef\xbb\xbf# Bom\n\n\n\nx\n",
    "linked.md": b"# See [it](http://a.example)\nx\n",
    "pic.png": picture(3, 3),
}


def test_a_vault_comes_back_as_it_was(alice: Any, bob: Any, tmp_path: Path) -> None:
    for path, data in VAULT.items():
        file = tmp_path / "in" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    assert bring(tmp_path / "in", alice, tmp_path)["failed"] == 0
    before = said_by(alice)
    markdown.write(tmp_path / "out")
    found = files(tmp_path / "out")
    notes = {path for path in VAULT if path.endswith(".md")}
    assert found.keys() >= notes
    assert found["a/crlf.md"].endswith(b"---\r\n# CR\r\n\r\nx\r\n")
    assert found["setext.md"].endswith(b"---\nSet\n===\n\nx\n")
    assert b"foo:\n  bar:\n  - 1\n  - 'no'\n" in found["a/front.md"]
    assert bring(tmp_path / "out", bob, tmp_path)["created"] == len(notes)
    assert said_by(bob) == before
    Note.objects.filter(owner=alice).delete()
    markdown.write(tmp_path / "again")
    again = files(tmp_path / "again")
    assert {path: _without_pid(data) for path, data in again.items()} == {
        path: _without_pid(data) for path, data in found.items()
    }


def _without_pid(data: bytes) -> bytes:
    return b"\n".join(line for line in data.split(b"\n") if not line.startswith(b"pid:"))
