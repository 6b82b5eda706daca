"""What lies in a folder beside the notes, what is left alone, and how that is told."""

import os
from datetime import UTC, datetime

import pytest

from tests.wiki.vaults import git
from wiki.importers.formats import markdown
from wiki.importers.item import Code, Options, Unreadable
from wiki.importers.vault import git_history
from wiki.importers.vault.attachments import Files
from wiki.importers.vault.tree import walk
from wiki.models import Note
from wiki.rendering import sandbox


def titles():
    return set(Note.objects.values_list("title", flat=True))


def test_every_markdown_file_becomes_an_item(vault, bring_vault):
    names = ("a.md", "b.MD", "c.markdown", "d.mdown", "e.mkd", "f.mdx", "g/h/i.md")
    imported = bring_vault(vault(dict.fromkeys((*names, "j.txt", "k.org"), "x")))
    assert [line["path"] for line in imported.lines if line["outcome"]] == list(names)
    assert imported.counts["items"] == len(names)


def test_what_no_note_uses_is_told_and_is_no_item(vault, bring_vault):
    imported = bring_vault(vault({"a.md": "x", "data.csv": "1", ".DS_Store": "x"}))
    assert imported.lines[1:] == [
        {
            "path": "data.csv",
            "outcome": None,
            "pid": None,
            "notices": [
                {"code": "file-unused", "message": "No note shows or links it: left behind."}
            ],
        }
    ]


@pytest.mark.parametrize(
    "place", [".obsidian", ".trash", "node_modules/x", "sub/.hidden", "__MACOSX", "logseq/bak"]
)
def test_folders_of_programs_are_left_out_and_told(vault, bring_vault, place):
    imported = bring_vault(vault({"a.md": "x", f"{place}/b.md": "y", f"{place}/c.css": "z"}))
    assert titles() == {"a"} and imported.codes() == {Code.FOLDER_LEFT_OUT: 1}
    assert (
        imported.lines[-1]["outcome"] is None
        and "1." in imported.lines[-1]["notices"][0]["message"]
    )


def test_a_hidden_note_is_told(vault, bring_vault):
    imported = bring_vault(vault({"a.md": "x", ".secret.md": "y", "._a.md": "fork"}))
    assert titles() == {"a"} and imported.codes() == {Code.FOLDER_LEFT_OUT: 1}


def test_symbolic_links_are_not_followed(vault, bring_vault, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("canary")
    folder = vault({"a.md": "x"})
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "sub").symlink_to(outside)
    imported = bring_vault(folder)
    assert imported.outcomes == {"created": 1, "skipped": 1}
    assert imported.codes() == {Code.NOT_FOLLOWED: 1} and titles() == {"a"}


def test_a_file_that_cannot_be_read_is_told(vault, bring_vault, monkeypatch):
    folder = vault({"a.md": "x", "b.md": "y"})
    read = type(folder).read_bytes

    def refuse(path):
        if path.name == "b.md":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(type(folder), "read_bytes", refuse)
    imported = bring_vault(folder)
    assert imported.outcomes == {"created": 1, "failed": 1}
    assert imported.codes("b.md") == {Code.NOT_READ: 1}


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 4 * 1024 * 1024 + 1])
def test_a_text_longer_than_a_note_is_skipped_and_told(vault, bring_vault, size):
    imported = bring_vault(vault({"a.md": "x", "long.md": "y" * size}))
    assert imported.outcomes == {"created": 1, "skipped": 1}
    assert imported.codes("long.md") == {Code.TOO_LONG: 1}
    assert f"{size:,} bytes" in imported.said("long.md")


def test_a_text_of_the_greatest_length_comes_in(vault, bring_vault):
    text = "# Title\n\n" + "y" * 1024 * 1024
    assert bring_vault(vault({"a.md": text})).outcomes == {"created": 1}


def test_a_text_that_is_too_complex_comes_in_and_is_told(vault, bring_vault):
    imported = bring_vault(vault({"a.md": "[a](" * 200_000, "b.md": "[[a]]"}))
    assert imported.outcomes == {"created": 2}
    assert imported.codes("a.md") == {Code.TOO_COMPLEX: 1}
    assert imported.counts["links"] == {"total": 1, "resolved": 1}


def test_equal_titles_are_told_with_the_other_file(vault, bring_vault, alice, fields):
    Note.objects.write(fields(title="Third"), owner=alice)
    imported = bring_vault(vault({"a/x.md": "1", "b/X.md": "2", "third.md": "3"}))
    assert imported.outcomes == {"created": 3}
    assert imported.codes() == {Code.SAME_TITLE: 2}
    assert "a/x.md" in imported.said("b/X.md") and "here has this title" in imported.said(
        "third.md"
    )


def test_a_title_of_a_note_nobody_here_may_read_is_not_told(vault, bring_vault, bob, fields):
    Note.objects.write(fields(title="Hers", visibility="private"), owner=bob)
    assert bring_vault(vault({"hers.md": "1"})).codes() == {}


def test_files_that_differ_only_in_case_are_told(vault, bring_vault):
    imported = bring_vault(vault({"note.md": "# One", "Note.md": "# Two"}))
    assert imported.outcomes == {"created": 2} and imported.codes() == {Code.SAME_FILE: 1}


def test_a_folder_without_notes_is_refused(vault):
    with pytest.raises(Unreadable, match="no Markdown file"):
        markdown.read(vault({"a.txt": "x"}), Options())
    with pytest.raises(Unreadable, match="no folder"):
        markdown.read(vault({"a.txt": "x"}) / "a.txt", Options())


def test_progress_is_told_batch_by_batch(vault, alice, tmp_path):
    from wiki.importers.batch import import_path

    told = []
    import_path(
        vault({f"{number}.md": "x" for number in range(450)}),
        "markdown",
        owner=alice,
        visibility="private",
        dry_run=True,
        report=tmp_path / "report",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(200, 450), (400, 450), (450, 450)]


def test_formulas_are_counted_each_once(vault, bring_vault):
    files = {"a.md": "$x$ $x$ \\\\(y\\\\)", "b.md": "$x$ $\\nope$ `$z$` costs $5 or $6"}
    assert bring_vault(vault(files)).counts["formulas"] == {"distinct": 3, "failed": 1}


def test_dates_come_from_the_disk_where_nothing_else_tells(vault, bring_vault):
    folder = vault({"a.md": "x"})
    os.utime(folder / "a.md", (1_000_000_000, 1_000_000_000))
    bring_vault(folder)
    note = Note.objects.get()
    assert note.created == note.modified == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


@pytest.fixture
def repository(vault):
    """Three commits: two files, one of them renamed, one of them changed."""
    folder = vault({"sub/old.md": "text enough\nto be known again\n", "b.md": "x"})
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "1", when="2001-01-01T00:00:00Z")
    git(folder, "mv", "sub/old.md", "sub/näw.md")
    git(folder, "commit", "-qm", "2", when="2002-02-02T00:00:00Z")
    vault({"b.md": "---\ncreated: 1999-09-09\n---\nx"})
    git(folder, "commit", "-qam", "3", when="2003-03-03T00:00:00Z")
    return folder


def test_dates_come_from_the_history_of_the_files(repository, bring_vault):
    bring_vault(repository)
    moved, changed = Note.objects.get(title="näw"), Note.objects.get(title="b")
    assert (moved.created.year, moved.modified.year) == (2001, 2002)
    assert (changed.created.year, changed.modified.year) == (1999, 2003)


def test_a_folder_inside_a_repository_has_its_history(repository, bring_vault):
    bring_vault(repository / "sub")
    assert Note.objects.get().created.year == 2001


# Signs what it is given, and leaves a trace when it is asked for anything else.
SIGNER = """#!/bin/sh
case "$*" in
  *-bsau*)
    cat > /dev/null
    echo "-----BEGIN PGP SIGNATURE-----"
    echo "[GNUPG:] SIG_CREATED " >&2 ;;
  *) touch {} ;;
esac
"""


def test_git_executes_nothing_a_repository_names(repository, tmp_path):
    trap = tmp_path / "trap"
    trap.write_text(SIGNER.format(tmp_path / "sprung"))
    trap.chmod(0o755)
    (repository / "b.md").write_text("signed")
    git(repository, "-c", f"gpg.program={trap}", "commit", "-qaS", "-m", "4")
    settings = ["core.fsmonitor", "core.pager", "diff.external", "diff.x.textconv", "gpg.program"]
    for name in (*settings, "core.sshCommand", "diff.x.command", "core.hooksPath"):
        git(repository, "config", name, str(trap))
    git(repository, "config", "log.showSignature", "true")
    (repository / ".gitattributes").write_text("*.md diff=x\n")
    assert set(git_history.history(repository)) == {"sub/näw.md", "b.md"}
    assert not (tmp_path / "sprung").exists()


def test_a_history_that_takes_too_long_is_told(repository, bring_vault, monkeypatch):
    monkeypatch.setattr(git_history, "MAX_S", 0.0)
    imported = bring_vault(repository)
    assert imported.outcomes == {"created": 2} and imported.codes() == {Code.HISTORY_UNREAD: 1}


def test_a_repository_without_a_commit_has_no_history(vault, bring_vault):
    folder = vault({"a.md": "x"})
    git(folder, "init", "-q")
    assert bring_vault(folder).codes() == {}


@pytest.mark.parametrize(
    ("key", "inside", "found"),
    [
        ("x.png", "a", "a/x.png"),
        ("img/y.png", "a", "img/y.png"),
        ("../img/y.png", "a", "img/y.png"),
        ("Y.PNG", "b", "img/y.png"),
        ("deep/z.pdf", "", "a/deep/z.pdf"),
        ("/img/y.png", "a", "img/y.png"),
        ("../../etc/passwd", "a", None),
        ("twice.png", "img", None),
    ],
)
def test_files_are_found_as_their_notes_name_them(vault, key, inside, found):
    names = ("a/x.png", "x.png", "img/y.png", "a/deep/z.pdf", "p/twice.png", "q/twice.png")
    folder = vault(dict.fromkeys(names, "x"))
    files = Files(walk(folder))
    path = files.find(key, inside)
    assert path == (folder / found if found else None)
    assert set(files.unused()) == set(names) - {found}


def test_nothing_of_a_text_is_lost_at_any_children(vault, bring_vault):
    sandbox.start()
    files = {f"{number}.md": f"[[{number}]] #t{number}" for number in range(60)}
    assert bring_vault(vault(files)).counts["tags"] == 60
