"""An import for oneself alone writes nothing to what everyone may read."""

from dataclasses import replace

import pytest

from tests.wiki.pictures import picture
from wiki.importers import writer
from wiki.importers.item import Code
from wiki.models import Attachment, Note, Revision

PLAN = {"TODO.md": "# TODO\n\nWater the garden.\n"}
SECRET = {"TODO.md": "# TODO\n\nmy-secret\n"}
REFUSED = {"failed": 1}


@pytest.fixture(autouse=True)
def data_folder(tmp_path, settings):
    settings.WIKI_DATA_DIR = tmp_path / "data"


def untouched(pid):
    """Tell whether the note is as its first import brought it."""
    note = Note.objects.get(pid=pid)
    return note.is_public and note.head.number == 0 and "my-secret" not in note.head.body


def test_a_private_import_writes_nothing_to_a_public_note(vault, bring_vault):
    folder = vault(PLAN)
    bring_vault(folder, visibility="public")
    vault({"TODO.md": "---\naliases: [other]\nlayout: x\n---\n" + SECRET["TODO.md"]})
    before = Note.objects.values().get()
    for dry_run in (True, False):
        imported = bring_vault(folder, dry_run=dry_run, may_publish=False)
        assert imported.outcomes == REFUSED
        assert imported.codes("TODO.md") == {Code.PUBLIC_HERE: 1}
        assert "Make it private" in imported.said("TODO.md")
        assert imported.lines[0]["pid"] == before["pid"]
    assert Note.objects.values().get() == before and not Note.objects.get().aliases.exists()
    assert Revision.objects.count() == 1


def test_a_note_that_was_published_here_is_not_written_to_either(vault, bring_vault, alice):
    folder = vault(PLAN)
    bring_vault(folder)
    note = Note.objects.get()
    public = replace(note.current_fields(), visibility="public")
    note.save_revision(public, base=0, author=alice)
    vault(SECRET)
    assert bring_vault(folder).codes() == {Code.PUBLIC_HERE: 1}
    assert "my-secret" not in Note.objects.get().head.body


def test_a_file_that_becomes_a_draft_hides_its_note(vault, bring_vault):
    folder = vault(PLAN)
    bring_vault(folder, visibility="public")
    vault({"TODO.md": "---\ndraft: true\n---\n" + SECRET["TODO.md"]})
    assert Code.PUBLIC_HERE in bring_vault(folder).codes()
    assert untouched(Note.objects.get().pid)
    # Where the others are for everyone, its own word hides it with all it says.
    assert bring_vault(folder, visibility="public").outcomes == {"updated": 1}
    assert not Note.objects.get().is_public


def test_what_the_file_itself_publishes_is_written(vault, bring_vault):
    folder = vault({"TODO.md": "---\nvisibility: public\n---\n# TODO\n\nplan\n"})
    bring_vault(folder)
    vault({"TODO.md": "---\nvisibility: public\n---\n# TODO\n\nmore\n"})
    assert bring_vault(folder).outcomes == {"updated": 1}
    assert bring_vault(folder, may_publish=False).outcomes == {"unchanged": 1}
    vault({"TODO.md": "---\nvisibility: public\n---\n# TODO\n\nmy-secret\n"})
    assert bring_vault(folder, may_publish=False).codes() == {Code.PUBLIC_HERE: 1}


def test_what_is_here_already_is_passed_over_in_silence(vault, bring_vault):
    folder = vault(PLAN)
    bring_vault(folder, visibility="public")
    imported = bring_vault(folder)
    assert imported.outcomes == {"unchanged": 1} and not imported.codes()


def test_a_picture_is_not_brought_to_a_public_note(vault, bring_vault):
    folder = vault({"TODO.md": "# TODO\n\n![[x.png]]\n", "x.png": picture(3, 3)})
    bring_vault(folder, visibility="public")
    vault({"x.png": picture(4, 4)})
    before = list(Attachment.objects.values())
    imported = bring_vault(folder)
    assert imported.outcomes == {"skipped": 1} and imported.codes("TODO.md") == {
        Code.PUBLIC_HERE: 1
    }
    assert list(Attachment.objects.values()) == before


def test_a_private_note_is_written_to_and_a_public_import_too(vault, bring_vault):
    folder = vault(PLAN)
    bring_vault(folder)
    vault({"TODO.md": PLAN["TODO.md"] + "More.\n"})
    assert bring_vault(folder).outcomes == {"updated": 1}
    vault({"TODO.md": PLAN["TODO.md"] + "Most.\n"})
    # Who may read a note stays as it is.
    assert bring_vault(folder, visibility="public").outcomes == {"updated": 1}
    assert not Note.objects.get().is_public


@pytest.mark.parametrize("name", ["attic", "Garden", "garden/b"])
def test_another_vault_or_another_path_is_another_note(vault, bring_vault, name):
    folder = vault({"TODO.md": PLAN["TODO.md"], "b/TODO.md": PLAN["TODO.md"]})
    bring_vault(folder, visibility="public")
    pids = set(Note.objects.values_list("pid", flat=True))
    other = vault({"todo.md": SECRET["TODO.md"]}, name="elsewhere")
    assert bring_vault(other, name="garden").outcomes == {"created": 1}
    (other / "todo.md").rename(other / "TODO.md")
    if "/" not in name:
        assert bring_vault(other, name=name).outcomes == {"created": 1}
        assert Note.objects.filter(visibility="private").count() == 2
    assert len(pids) == 2 and all(untouched(pid) for pid in pids)


def test_a_note_that_is_published_meanwhile_is_not_written_to(vault, bring_vault, monkeypatch):
    folder = vault(PLAN)
    bring_vault(folder)
    vault(SECRET)
    take_over = writer.take_over

    def published_first(note, *said, **more):
        Note.objects.filter(pid=note.pid).update(visibility="public")
        Revision.objects.filter(note=note).update(visibility="public")
        return take_over(note, *said, **more)

    monkeypatch.setattr(writer, "take_over", published_first)
    assert bring_vault(folder).codes() == {Code.PUBLIC_HERE: 1}
    assert not Revision.objects.filter(body__contains="my-secret").exists()
