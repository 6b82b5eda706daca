"""Tags and other words for them tell nobody of private notes, and change nobody else's."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command

from tests.conftest import signed_in
from wiki.importers.formats.json_archive import NOTES
from wiki.integrity import heads
from wiki.models import Note, Tag, TagAlias, TagChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(alice, fields):
    def make(*tags, owner=alice, visibility="public"):
        said = fields(title=" ".join(tags), tags=tags, visibility=visibility)
        return Note.objects.write(said, owner=owner)

    return make


def reread(note):
    return Note.objects.cards().get(pid=note.pid)


def tags_of(note):
    return [str(tag) for tag in reread(note).shown_tags()]


def means(word, tag, author):
    return TagChange.objects.add_alias(word, Tag.objects.named(tag).get(), author=author)


def save(note, author, base=None, **said):
    now = reread(note)
    fields = replace(now.current_fields(), **said)
    base = now.head.number if base is None else base
    return note.save_revision(fields, base=base, author=author)


def post(client, note, **said):
    """Send the editor's form, as the page filled it in but for what is said."""
    form = client.get(f"/notes/{note.pid}/edit/").context["form"]
    typed = {name: form[name].value() for name in form.fields} | {"summary": ""}
    return client.post(f"/notes/{note.pid}/edit/", {**typed, **said})


def test_another_word_changes_no_tag_that_a_note_has(alice, bob, bob_client, write):
    mine = write("transformers", "x", owner=bob, visibility="private")
    write("transformer")
    means("transformers", "transformer", alice)
    assert post(bob_client, mine, body="Other words.\n").status_code == 302
    assert tags_of(mine) == reread(mine).head.tags == ["transformers", "x"]
    save(mine, bob, tags=("new", "transformers"))
    assert tags_of(mine) == ["new", "transformers"]
    save(mine, bob, tags=("new",))
    reread(mine).restore(0, author=bob)
    assert tags_of(mine) == ["transformers", "x"]
    assert not list(heads.problems())


def test_another_word_gives_the_tag_to_whoever_types_it_into_a_note(alice, bob, write):
    mine = write("x", owner=bob)
    write("transformer")
    means("transformers", "transformer", alice)
    save(mine, bob, tags=("Transformers", "x"))
    assert tags_of(mine) == reread(mine).head.tags == ["transformer", "x"]
    save(mine, bob, base=0, tags=("x", "y", "transformers"))  # a form opened before
    assert tags_of(mine) == ["x", "y", "transformer"]


def test_a_merge_leaves_tags_that_either_side_had(alice, bob, write):
    mine = write("transformers", owner=bob)
    write("transformer")
    means("transformers", "transformer", alice)
    save(mine, bob, tags=("transformers", "y"))
    save(mine, bob, base=0, body="Else.\n", tags=("transformers", "z"))
    assert tags_of(mine) == ["transformers", "z", "y"]
    save(mine, bob, body="Queries meet keys.\n", tags=("z", "y"))
    save(mine, bob, base=0, ref="Later", tags=("transformers", "x"))  # taken away meanwhile
    assert "transformer" not in tags_of(mine)


def test_a_file_that_is_imported_again_keeps_its_tags(alice, write, bring_vault, vault):
    text = "---\ntags: [transformers]\n---\nText.\n"
    path = vault({"a.md": text})
    bring_vault(path)
    note = Note.objects.get()
    write("transformer")
    means("transformers", "transformer", alice)
    bring_vault(vault({"a.md": text + "More.\n"}))
    assert reread(note).head.number == 1 and tags_of(note) == ["transformers"]
    bring_vault(vault({"a.md": text, "b.md": text}))
    assert tags_of(note) == ["transformers"]
    assert tags_of(Note.objects.get(title="b")) == ["transformer"]


def test_another_word_counts_for_whoever_made_it_or_may_read_a_note_with_its_tag(
    alice, bob, staff, client, bob_client, alice_client, write
):
    target = write("project_x")
    means("px", "project_x", alice)
    assert tags_of(write("px", owner=bob)) == ["project_x"]
    Note.objects.filter(owner=bob).update(deleted=target.created)
    save(target, alice, visibility="private")
    theirs = write("px", owner=bob)
    assert tags_of(theirs) == ["px"]
    for reader in (client, bob_client):
        assert reader.get("/tags/project_x/").status_code == 404
        assert reader.get("/", {"tags": "project_x"}).context["total"] == 0
    assert bob_client.get("/", {"tags": "px"}).context["total"] == 1
    assert alice_client.get("/", {"tags": "px"}).context["total"] == 2
    assert tags_of(write("px")) == tags_of(write("PX", owner=staff)) == ["project_x"]
    Note.objects.filter(note_tags__name="project_x").exclude(owner=bob).update(
        deleted=target.created
    )
    assert tags_of(write("px")) == ["project_x"]
    assert tags_of(write("px", owner=staff)) == ["project_x"]  # she has one again


def test_two_people_mean_two_tags_by_one_word(alice, bob, charlie, alice_client, bob_client, write):
    secret = write("secret_plan", visibility="private")
    means("sp", "secret_plan", alice)
    write("signal_processing", owner=bob)
    reply = tidy(bob_client, "signal_processing", "alias", "SP")
    assert "Whoever types “SP” gets the tag “signal_processing”." in reply.content.decode()
    assert tags_of(write("sp", owner=bob)) == ["signal_processing"]
    assert tags_of(write("sp", owner=charlie)) == ["signal_processing"]
    own = write("sp", "x", visibility="private")
    assert tags_of(own) == ["secret_plan", "x"]  # her word goes before others'
    found = alice_client.get("/", {"tags": "=sp"}).context["cards"]
    assert [card.note for card in found] == [own, secret]
    TagChange.objects.undo(TagChange.objects.get(author=bob), author=bob)
    assert tags_of(write("sp", "y", visibility="private")) == ["secret_plan", "y"]
    assert tags_of(write("sp", "y", owner=bob)) == ["sp", "y"]
    TagChange.objects.undo(TagChange.objects.get(undoes__author=bob), author=bob)
    assert TagAlias.objects.get(tag__slug="signal_processing").author == bob


def tidy(client, tag, action, to="", **said):
    form = {"tag": tag, "action": action, "to": to, **said}
    return client.post("/tidying/tag/", form, follow=True)


def test_each_note_spells_its_tags_as_typed_there(alice, bob, write, client, bob_client):
    hidden = write("GMLP", "Quoc_LE", visibility="private")
    mine = write("gMLP", "quoc_le", owner=bob, visibility="private")
    shown = write("gmlp", "Quoc_Le", owner=bob)
    assert [tags_of(note) for note in (hidden, mine, shown)] == [
        ["GMLP", "Quoc_LE"],
        ["gMLP", "quoc_le"],
        ["gmlp", "Quoc_Le"],
    ]
    write("GMLP", "more", visibility="private")
    means("gate", "gmlp", bob)
    assert client.get("/tags/gate/").headers["Location"] == "/tags/gmlp/"
    page = client.get("/tags/").content.decode()
    assert ">gmlp</a>" in page and ">Quoc_Le</a>" in page
    assert "<h1>gmlp</h1>" in client.get("/tags/GMLP/").content.decode()
    assert [one["name"] for one in client.get("/suggest/?q=le").json()["tags"]] == ["Quoc_Le"]
    write("gMLP", "quoc_le", owner=bob, visibility="private")
    assert ">gMLP</a>" in bob_client.get("/tags/").content.decode()  # as most of them have it


def test_a_tag_that_others_hide_is_renamed_into_and_merged_as_if_it_were_new(bob, write):
    write("hidden", visibility="private")
    mine = write("old", owner=bob)
    change = TagChange.objects.rename("old", "Hidden", author=bob)
    assert change.kind == TagChange.Kind.RENAME and tags_of(mine) == ["Hidden"]
    TagChange.objects.undo(change, author=bob)
    assert tags_of(mine) == ["old"]


def test_tags_of_many_notes_are_typed_by_whoever_changes_them(alice, bob, bob_client, write):
    mine = write("transformers", owner=bob, visibility="private")
    target, hidden = write("transformer"), write("deep", visibility="private")
    means("transformers", "transformer", alice), means("dl", "deep", alice)
    bob_client.post("/notes/change/", {"pid": mine.pid, "add": "DL TRANSFORMERS"})
    assert tags_of(mine) == ["transformers", "DL", "transformer"]
    bob_client.post("/notes/change/", {"pid": mine.pid, "remove": "dl Transformers"})
    assert tags_of(mine) == [] and tags_of(target) == ["transformer"]
    change = TagChange.objects.latest("pk")
    assert "deep" not in change.old and hidden
    TagChange.objects.undo(change, author=bob)
    assert sorted(tags_of(mine)) == ["DL", "transformer", "transformers"]
    assert not list(heads.problems())


def test_the_exports_spell_as_each_note_does(write, tmp_path):
    write("GMLP"), write("gmlp")
    call_command("export_notes", str(tmp_path / "a"), format="json")
    lines = (tmp_path / "a" / NOTES).read_text()
    assert '"tags":["GMLP"]' in lines and '"tags":["gmlp"]' in lines


def test_staff_who_are_no_superusers_see_no_spelling_of_others(alice, charlie, write):
    write("GMLP", visibility="private"), write("gmlp"), write("Hidden_one", visibility="private")
    charlie.is_staff = True
    charlie.save()
    charlie.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    page = signed_in(charlie).get("/admin/wiki/tag/").content.decode()
    assert "gmlp" in page and "GMLP" not in page and "hidden_one" not in page.lower()


def test_who_has_a_tag_too_hears_of_no_private_word_for_it(alice, bob, bob_client, write):
    write("secret_plan", visibility="private")
    means("canary", "secret_plan", alice)
    write("secret_plan", owner=bob)
    for address in ("/tags/secret_plan/", "/tidying/tag/?tag=secret_plan", "/suggest/?q=canary"):
        page = bob_client.get(address).content.decode()
        assert "canary" not in page.replace('"q": "canary"', ""), address
    assert bob_client.get("/suggest/?q=canary").json()["tags"] == []
