"""The files that the notes of a folder name, zips of folders, and the way back out."""

import os
import zipfile

import pytest

from tests.wiki.pictures import picture
from wiki.analysis.terms import term
from wiki.exporters import FORMATS
from wiki.importers import recognise
from wiki.importers.item import Code, Unreadable
from wiki.importers.vault import git_history
from wiki.models import Attachment, Link, Note
from wiki.rendering import sandbox

PNG = picture(40, 30)
FILES = {
    "notes/a.md": "![[x.png]] ![a](../img/y.png) [pdf](z.pdf) ![[gone.png]]",
    "notes/z.pdf": b"%PDF-1.4 text",
    "x.png": PNG,
    "img/y.png": PNG,
    "img/unused.png": PNG,
}


@pytest.fixture(autouse=True)
def data_folder(tmp_path, settings):
    settings.WIKI_DATA_DIR = tmp_path / "data"


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def keys():
    return set(Attachment.objects.values_list("key", flat=True))


def test_files_come_along_with_the_notes_that_name_them(vault, bring_vault):
    imported = bring_vault(vault(FILES))
    assert keys() == {"x.png", "../img/y.png", "z.pdf"}
    assert imported.counts["attachments"] == 3
    assert imported.codes("notes/a.md") == {Code.ATTACHMENT_MISSING: 1}
    assert "gone.png" in imported.said("notes/a.md")
    assert [line["path"] for line in imported.lines if line["outcome"] is None] == [
        "img/unused.png"
    ]


def test_what_only_a_comment_names_comes_along_and_is_neither_shown_nor_linked(vault, bring_vault):
    text = "Seen.\n\n%%\n![[x.png]] [[Elsewhere]] #hidden\n%%\n\n![[y.png]] #seen\n"
    imported = bring_vault(vault({"a.md": text, "x.png": PNG, "y.png": PNG}))
    assert keys() == {"x.png", "y.png"} and imported.counts["attachments"] == 2
    note = Note.objects.get()
    assert note.head.body == text
    assert [tag.name for tag in note.shown_tags()] == ["seen"]
    assert not Link.objects.exists()
    assert not note.postings.filter(term=term("elsewher")).exists()
    [slot] = sandbox.render(text).slots
    assert slot.payload["key"] == "y.png"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><script>a()</script></svg>'


def test_an_svg_is_shown_without_what_runs_and_the_report_says_so(vault, bring_vault):
    folder = vault({"a.md": "![[x.svg]] ![[broken.svg]]", "x.svg": SVG, "broken.svg": SVG[:-3]})
    for dry_run in (True, False):
        imported = bring_vault(folder, dry_run=dry_run)
        assert imported.codes("a.md") == {Code.ATTACHMENT_ALTERED: 2}
        assert "x.svg: It is shown without script." in imported.said("a.md")
        assert "broken.svg: This SVG cannot be shown" in imported.said("a.md")
        assert imported.counts["attachments"] == 2
    shown = Attachment.objects.get(key="x.svg")
    assert (shown.media_type, shown.width, shown.height) == ("image/svg+xml", 40, 30)
    assert b"script" not in shown.path.read_bytes() and not shown.has_thumbnail
    broken = Attachment.objects.get(key="broken.svg")
    assert broken.media_type == "application/octet-stream"
    assert broken.path.read_bytes() == SVG[:-3], "kept as it is, to be saved and not shown"
    again = bring_vault(folder)
    assert again.counts["unchanged"] == 1 and not again.codes("a.md")


def test_a_dry_run_counts_files_and_keeps_none(vault, bring_vault):
    imported = bring_vault(vault(FILES), dry_run=True)
    assert imported.counts["attachments"] == 3
    assert imported.codes("notes/a.md") == {Code.ATTACHMENT_MISSING: 1}
    assert not Attachment.objects.exists()


def test_files_that_are_here_are_not_brought_again(vault, bring_vault):
    folder = vault(FILES)
    bring_vault(folder)
    before = list(Attachment.objects.order_by("pk").values())
    again = bring_vault(folder)
    assert again.outcomes == {"unchanged": 1} and again.counts["attachments"] == 3
    assert list(Attachment.objects.order_by("pk").values()) == before


def test_a_file_that_comes_later_or_changes_is_an_update(vault, bring_vault):
    folder = vault(FILES)
    bring_vault(folder)
    vault({"notes/gone.png": PNG})
    assert bring_vault(folder).outcomes == {"updated": 1}
    vault({"notes/z.pdf": b"%PDF-1.4 other"})
    assert bring_vault(folder).outcomes == {"updated": 1}
    note = Note.objects.get()
    assert note.head.summary == "changed at its source: z.pdf"
    assert note.head.number == 1 and len(keys()) == 4


def test_a_file_that_left_the_folder_stays_with_its_note(vault, bring_vault):
    folder = vault(FILES)
    bring_vault(folder)
    (folder / "x.png").unlink()
    again = bring_vault(folder)
    assert again.outcomes == {"unchanged": 1} and "x.png" in keys()
    assert again.codes("notes/a.md") == {Code.ATTACHMENT_MISSING: 1}


def test_a_file_that_cannot_be_kept_is_told_and_the_note_comes(vault, bring_vault, monkeypatch):
    monkeypatch.setattr("wiki.files.store.MAX_BYTES", 5)
    imported = bring_vault(vault({"a.md": "![[x.png]]", "x.png": PNG}))
    assert imported.outcomes == {"created": 1}
    assert imported.codes() == {Code.ATTACHMENT_REFUSED: 1}


def test_no_file_outside_the_folder_comes(vault, bring_vault, tmp_path):
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = vault({"a.md": "![](../secret.png) ![](link.png) ![](/etc/hostname.png)"})
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    imported = bring_vault(folder)
    assert imported.codes("a.md") == {Code.ATTACHMENT_MISSING: 3} and not keys()


def test_a_zip_is_the_folder_in_it(vault, bring_vault, tmp_path):
    folder = vault(FILES)
    archive = zipped(folder, tmp_path / "download (1).zip")
    assert recognise(archive) == "markdown"
    assert bring_vault(archive).counts["attachments"] == 3
    assert bring_vault(folder).outcomes == {"unchanged": 1}
    assert bring_vault(archive).outcomes == {"unchanged": 1}


def test_dates_of_a_zip_are_those_of_its_files(vault, bring_vault, tmp_path):
    folder = vault({"a.md": "x"})
    os.utime(folder / "a.md", (1_000_000_000, 1_000_000_000))
    bring_vault(zipped(folder, tmp_path / "a.zip"))
    assert Note.objects.get().created.year == 2001


def test_git_is_not_asked_about_a_zip(vault, bring_vault, tmp_path, monkeypatch):
    folder = vault({"a.md": "x", ".git/config": "[core]"})
    monkeypatch.setattr(git_history, "_asked", lambda *_: pytest.fail("git was asked"))
    assert bring_vault(zipped(folder, tmp_path / "a.zip")).outcomes == {"created": 1}


def test_a_zip_that_is_none_or_holds_no_note_is_refused(vault, bring_vault, tmp_path):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(Unreadable):
        bring_vault(broken)
    with pytest.raises(Unreadable, match="no Markdown file"):
        bring_vault(zipped(vault({"a.txt": "x"}), tmp_path / "other.zip"))
    assert not Note.objects.exists() and not list(tmp_path.glob("report-*"))


ROUND = {
    "a.md": "---\ntitle: T\ntags: [x]\nlayout: post\n---\n\n\nText with #y.\n\n\n",
    "b/c.md": "\n# Heading\n\n\nText   \nwithout an end",
    "crlf.md": b"# W\r\n\r\nline\r\n",
    "empty.md": "",
    "rule.md": "---\n\nno front matter\n\n---\n",
    "broken.md": "---\ntitle: a: b\n---\n# Kept\n",
    "props.md": "title:: P\ntags:: q\n\n- text\n",
    "plain.md": "## Two\n\n\tcode\n",
    "set.md": "Title\n=====\n\nbody\n",
}


def bodies(folder):
    """Return what stands below each file's front matter."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.md")}


def test_texts_come_back_byte_for_byte(vault, bring_vault, bob, tmp_path):
    bring_vault(vault(ROUND))
    FORMATS["markdown"](tmp_path / "out")
    out = bodies(tmp_path / "out")
    assert set(out) == set(ROUND)
    for path, text in ROUND.items():
        data = text if isinstance(text, bytes) else text.encode()
        below = data.split(b"---\n", 2)[-1] if path == "a.md" else data
        assert out[path].endswith(below), path


def test_what_was_exported_comes_in_as_it_was(vault, bring_vault, bob, tmp_path):
    bring_vault(vault(ROUND))
    FORMATS["markdown"](tmp_path / "garden-out")
    bring_vault(tmp_path / "garden-out", owner=bob)

    def said(owner):
        notes = Note.objects.filter(owner__username=owner).cards()
        return {
            note.import_key.partition("/")[2]: (
                note.title,
                note.head.body,
                note.type,
                note.visibility,
                note.created,
                note.modified,
                {tag.name for tag in note.shown_tags()},
            )
            for note in notes
        }

    assert said("alice") == said("bob")
