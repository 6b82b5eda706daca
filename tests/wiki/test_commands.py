"""The commands import_notes, export_notes and setup_admin: exit codes, sentences, --json."""

import io
import json
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from wiki.models import Note

PAGE = Path(__file__).parent / "data" / "m8ta-page.txt"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.WIKI_DATA_DIR = tmp_path / "var"


def run(*argv):
    """Run a command; returns its last line as data."""
    out = io.StringIO()
    call_command(*argv, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def refusal(*argv):
    """Return the sentence a command refuses with; its exit code must be 2."""
    with pytest.raises(CommandError) as refused:
        call_command(*argv, stdout=io.StringIO())
    assert refused.value.returncode == 2
    return str(refused.value)


@pytest.fixture
def type_password(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_import_prints_the_promised_object(staff):
    result = run("import_notes", str(PAGE))
    assert list(result) == [
        *("format", "dry_run", "items", "created", "updated", "unchanged", "skipped", "failed"),
        *("revisions", "tags", "tag_uses", "links", "attachments", "formulas", "seconds", "report"),
    ]
    assert (result["format"], result["created"], result["failed"]) == ("m8ta", 4, 0)
    assert len(Path(result["report"]).read_text().splitlines()) == 4
    assert Note.objects.filter(owner=staff, visibility="public").count() == 4


def test_import_takes_owner_and_visibility(staff, alice):
    run("import_notes", str(PAGE), "--owner", "alice", "--visibility", "private")
    assert Note.objects.filter(owner=alice, visibility="private").count() == 4


def test_the_name_of_a_vault_is_no_path(staff, tmp_path):
    (tmp_path / "a.md").write_text("text")
    assert "slash" in refusal("import_notes", str(tmp_path), "--vault", "garden/sub")
    assert not Note.objects.exists()


def test_a_failed_item_makes_the_exit_code_one(staff, tmp_path):
    page = tmp_path / "page.txt"
    page.write_text(PAGE.read_text().replace("02-26-2019", "99-99-2019"))
    with pytest.raises(SystemExit) as ended:
        call_command("import_notes", str(page), stdout=io.StringIO())
    assert ended.value.code == 1
    assert Note.objects.count() == 3


def test_a_folder_comes_in_private_unless_said_otherwise(staff, tmp_path):
    folder = tmp_path / "garden" / "maths"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("---\nvisibility: public\n---\nText")
    (folder / "b.md").write_text("Text")
    argv = ["import_notes", str(tmp_path / "garden"), "--tags-from-folders"]
    assert run(*argv, "--vault", "one", "--visibility", "private")["format"] == "markdown"
    assert not Note.objects.filter(visibility="public").exists()
    run(*argv, "--vault", "two")
    assert [note.title for note in Note.objects.filter(visibility="public")] == ["a"]
    assert {tag.name for note in Note.objects.all() for tag in note.shown_tags()} == {"maths"}
    keys = set(Note.objects.values_list("import_key", flat=True))
    assert keys == {f"vault:{vault}/maths/{file}.md" for vault in ("one", "two") for file in "ab"}


def test_who_watches_sees_how_far_an_import_is(staff, tmp_path, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    (tmp_path / "a.md").write_text("Text")
    watched = Terminal()
    call_command("import_notes", str(tmp_path), stdout=io.StringIO(), stderr=watched)
    assert watched.getvalue() == "\r1 of 1\n"


def test_import_without_an_owner_says_how_to_make_one():
    assert "setup_admin --username YOU" in refusal("import_notes", str(PAGE))


def test_import_for_somebody_unknown_or_inactive_is_refused(staff, alice):
    assert "'nobody'" in refusal("import_notes", str(PAGE), "--owner", "nobody")
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert "'alice'" in refusal("import_notes", str(PAGE), "--owner", "alice")


def test_unknown_formats_are_refused_with_the_known_ones(staff, tmp_path):
    for argv in (["import_notes", str(PAGE)], ["export_notes", str(tmp_path)]):
        sentence = refusal(*argv, "--format", "opml")
        assert "'opml'" in sentence and "m8ta" in sentence and "json" in sentence


def test_a_missing_path_is_refused(staff, tmp_path):
    assert str(tmp_path / "no") in refusal("import_notes", str(tmp_path / "no"))


def test_a_file_of_no_known_kind_is_refused(staff, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader")
    assert "--format" in refusal("import_notes", str(path))
    assert "hide / / print" in refusal("import_notes", str(path), "--format", "m8ta")
    assert not list((tmp_path / "var" / "log").iterdir())


def test_visibility_is_not_for_archives(staff, tmp_path):
    run("export_notes", str(tmp_path / "out"), "--format", "json")
    argv = ["import_notes", str(tmp_path / "out"), "--visibility", "public"]
    assert "leave --visibility out" in refusal(*argv)


def test_export_prints_the_promised_object(note, tmp_path):
    result = run("export_notes", str(tmp_path / "out"), "--format", "json")
    assert list(result) == [
        *("format", "directory", "notes", "revisions", "attachments", "bytes", "sha256"),
        "seconds",
    ]
    assert (result["notes"], result["revisions"], result["attachments"]) == (1, 1, 0)


def test_an_export_that_cannot_be_written_is_refused(note, tmp_path):
    (tmp_path / "file").write_text("")
    sentence = refusal("export_notes", str(tmp_path / "file" / "out"), "--format", "m8ta")
    assert str(tmp_path / "file") in sentence


def test_setup_admin_makes_an_account_that_can_sign_in(type_password):
    type_password("a long enough phrase\nignored\n")
    assert run("setup_admin", "--username", "dora", "--password-stdin") == {
        "username": "dora",
        "created": True,
    }
    dora = authenticate(username="dora", password="a long enough phrase")
    assert dora is not None and dora.is_superuser and dora.is_staff


def test_setup_admin_gives_an_account_rights_and_a_new_password(alice, type_password):
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    type_password("another long phrase")
    result = run("setup_admin", "--username", "alice", "--password-stdin")
    assert result["created"] is False
    alice = authenticate(username="alice", password="another long phrase")
    assert alice is not None and alice.is_superuser and alice.is_active


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("dora", "short\n", "at least 12 characters"),
        ("dora", "password1234\n", "too common"),
        ("dora", "", "No password came in"),
        ("do ra", "a long enough phrase\n", "username"),
    ],
)
def test_setup_admin_refuses_with_a_sentence(type_password, username, password, sentence):
    type_password(password)
    argv = ["setup_admin", "--username", username, "--password-stdin"]
    assert sentence in refusal(*argv)
    assert not get_user_model().objects.exists()
