"""Notes and revisions: what a save keeps, merges and refuses."""

import uuid
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from wiki import signals
from wiki.markup import link_key
from wiki.models import EditConflict, Link, Note, Revision, Tag, TagChange
from wiki.rendering import sandbox

pytestmark = pytest.mark.django_db


def reread(note):
    return Note.objects.cards().get(pid=note.pid)


def names(note):
    return [tag.name for tag in reread(note).shown_tags()]


def test_first_save_is_revision_0(note, alice):
    assert (note.head.number, note.head.author_name) == (0, "alice")
    assert (note.title, note.visibility, note.modified) == (
        "Attention",
        "public",
        note.head.created,
    )
    assert note.head.sha256 == note.head.digest()


def test_each_save_appends_one_revision(note, alice, fields):
    saved = note.save_revision(fields(body="Two.\n"), base=0, author=alice, summary="shorter")
    assert (saved.number, saved.base, saved.summary, saved.source) == (1, 0, "shorter", "person")
    assert [r.body for r in note.revisions.newest_first()] == ["Two.\n", "Queries meet keys.\n"]
    assert reread(note).head == saved


def test_nothing_changed_makes_no_revision(note, alice, fields):
    same = note.save_revision(fields(tags=("ATTENTION", "quoc_le")), base=0, author=alice)
    assert same.number == 0 and note.revisions.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "B"},
        {"body": "b"},
        {"ref": "-0"},
        {"type": "note"},
        {"tags": ("b",)},
        {"visibility": "private"},
    ],
)
def test_any_changed_field_makes_a_revision(note, alice, fields, change):
    assert note.save_revision(fields(**change), base=0, author=alice).number == 1


def test_edits_in_different_places_are_merged(alice, fields):
    text = "one\ntwo\nthree\nfour\nfive\n"
    note = Note.objects.write(fields(body=text), owner=alice)
    note.save_revision(fields(body=text.replace("one", "ONE")), base=0, author=alice)
    merged = note.save_revision(fields(body=text.replace("five", "FIVE")), base=0, author=alice)
    assert merged.body == "ONE\ntwo\nthree\nfour\nFIVE\n"
    assert (merged.number, merged.source, merged.base) == (2, "merge", 0)


def test_edits_in_the_same_place_are_a_conflict_and_save_nothing(note, alice, fields):
    note.save_revision(fields(body="Keys meet queries.\n"), base=0, author=alice)
    with pytest.raises(EditConflict) as caught:
        note.save_revision(fields(body="Values meet nobody.\n"), base=0, author=alice)
    assert "body" in caught.value.merge.conflicts
    assert caught.value.mine.body == "Values meet nobody.\n"
    assert note.revisions.count() == 2


def test_a_tag_edit_in_between_is_no_conflict(note, alice, fields):
    note.save_revision(fields(tags=("attention", "Quoc_Le", "new")), base=0, author=alice)
    merged = note.save_revision(fields(body="Mine.\n"), base=0, author=alice)
    assert merged.body == "Mine.\n" and "new" in merged.tags


def test_the_same_submission_twice_is_one_revision(note, alice, fields):
    form = uuid.uuid4()
    first = note.save_revision(fields(body="x"), base=0, author=alice, submission=form)
    again = note.save_revision(fields(body="x"), base=0, author=alice, submission=form)
    assert again == first and note.revisions.count() == 2


def test_a_submission_sent_again_with_more_text_loses_none_of_it(note, alice, fields):
    """Saved, Back in the browser, typed on, saved: the form has the number it had before."""
    form = uuid.uuid4()
    note.save_revision(fields(body="x"), base=0, author=alice, submission=form)
    more = note.save_revision(fields(body="x and y"), base=0, author=alice, submission=form)
    assert (more.number, more.body, more.base) == (2, "x and y", 1)
    new = uuid.uuid4()
    first = Note.objects.write(fields(body="x"), owner=alice, submission=new)
    assert Note.objects.write(fields(body="x and y"), owner=alice, submission=new) == first
    assert Note.objects.cards().get(pid=first.pid).head.body == "x and y"


def test_a_merged_submission_sent_again_undoes_nobody(note, alice, bob, fields):
    form = uuid.uuid4()
    note.save_revision(fields(tags=("attention", "Quoc_Le", "bobs")), base=0, author=bob)
    mine = fields(body="Mine.\n")
    note.save_revision(mine, base=0, author=alice, submission=form)
    head = note.save_revision(mine, base=0, author=alice, submission=form)
    assert (head.number, head.body, head.tags[-1]) == (2, "Mine.\n", "bobs")


def test_the_same_submission_twice_is_one_note(alice, fields):
    form = uuid.uuid4()
    first = Note.objects.write(fields(), owner=alice, submission=form)
    assert Note.objects.write(fields(), owner=alice, submission=form) == first
    assert Note.objects.count() == 1


def test_an_edit_from_a_text_nobody_knows_is_a_conflict(note, alice, fields):
    Revision.objects.filter(note=note, number=0).update(body=None, source="import")
    head = Revision.of(note, 1, fields(body="known"), created=note.created, author=alice)
    head.save()
    Note.objects.filter(pid=note.pid).update(head=head)
    with pytest.raises(EditConflict):
        reread(note).save_revision(fields(body="mine"), base=0, author=alice)


def test_restoring_appends_and_keeps_visibility(note, alice, fields):
    note.save_revision(fields(body="b", visibility="private"), base=0, author=alice)
    restored = reread(note).restore(0, author=alice)
    assert (restored.number, restored.body) == (2, "Queries meet keys.\n")
    assert (restored.source, restored.visibility) == ("restore", "private")


def test_restoring_a_missing_text_is_refused(note, alice, fields):
    note.save_revision(fields(body="b"), base=0, author=alice)
    Revision.objects.filter(note=note, number=0).update(body=None, source="import")
    with pytest.raises(ValidationError, match="not in the import"):
        reread(note).restore(0, author=alice)


def test_only_an_import_may_lack_its_text(note):
    with pytest.raises(IntegrityError), transaction.atomic():
        Revision.objects.filter(note=note).update(body=None)


def test_tags_are_one_whatever_their_case_and_shown_as_typed_there(alice, fields, note):
    other = Note.objects.write(fields(title="B", tags=("ATTENTION", "Éa")), owner=alice)
    assert names(other) == other.head.tags == ["ATTENTION", "Éa"]
    assert names(note) == ["attention", "Quoc_Le"]
    assert Tag.objects.named("éA").counted_for(Note.objects.all()).get().name == "Éa"


def test_links_follow_the_text(note, alice, fields):
    note.save_revision(fields(body="See [[ MLPs|that]] and [[mlps]].\n"), base=0, author=alice)
    assert [link.key for link in Link.objects.all()] == ["mlps"]
    reread(note).save_revision(fields(body="Nothing.\n"), base=1, author=alice)
    assert not Link.objects.exists()


def test_bells_ring_inside_the_transaction(note, alice, fields):
    heard = []

    def hear(sender, note, revision, **_):
        heard.append((revision.number, transaction.get_connection().in_atomic_block))

    signals.revision_saved.connect(hear)
    try:
        note.save_revision(fields(body="b"), base=0, author=alice)
    finally:
        signals.revision_saved.disconnect(hear)
    assert heard == [(1, True)]


def test_trash_hides_and_undelete_brings_back(note, alice, bob):
    note.move_to_trash(alice)
    assert not Note.objects.visible_to(alice).exists()
    assert list(Note.objects.in_trash_of(alice)) == [note]
    assert not Note.objects.in_trash_of(bob).exists()
    note.undelete()
    assert Note.objects.visible_to(bob).get() == note


def test_readers_see_public_notes_and_owners_their_own(note, secret, alice, bob, staff):
    assert set(Note.objects.visible_to(bob)) == {note}
    assert set(Note.objects.visible_to(alice)) == {note, secret}
    assert set(Note.objects.visible_to(staff)) == {note, secret}


def test_a_once_private_revision_stays_with_its_owner(secret, alice, bob, fields):
    secret.save_revision(fields(title="Canary", body="open"), base=0, author=alice)
    readable = [
        [r.number for r in secret.revisions.visible_to(person).newest_first()]
        for person in (bob, alice)
    ]
    assert readable == [[1], [1, 0]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("transformer", "1234"),
        ("transformers", "23"),
        ("AI", "1"),
        ("google", "34"),
        ("quoc_le", "3"),
        ("le", "3"),
        ("transformers NLP", "2"),
        ("transformer -google", "12"),
        ("=transformer", "14"),
        ("-=transformer", "23"),
        ("- =", "1234"),
        ("100%", ""),
    ],
)
def test_tag_filter(alice, fields, words, found):
    said = [
        "AI transformer",
        "NLP transformers",
        "transformers Quoc_Le Google_Brain",
        "transformer google",
    ]
    for i, tags in enumerate(said, 1):
        Note.objects.write(fields(title=str(i), tags=tuple(tags.split())), owner=alice)
    shown = Note.objects.tagged(words).order_by("title").values_list("title", flat=True)
    assert "".join(shown) == found


def test_a_tag_rename_makes_no_revision_and_is_undone(note, alice, fields):
    change = TagChange.objects.rename("attention", "Focus", author=alice)
    assert names(note) == ["Focus", "Quoc_Le"]
    assert (note.revisions.count(), reread(note).modified) == (1, note.modified)
    assert TagChange.replayed(reread(note), TagChange.objects.all()) == {"focus", "quoc_le"}
    TagChange.objects.undo(change, author=alice)
    assert names(note) == ["attention", "Quoc_Le"]
    assert TagChange.replayed(reread(note), TagChange.objects.all()) == {"attention", "quoc_le"}


def test_merging_two_tags_keeps_one_and_undo_brings_both_back(note, alice):
    change = TagChange.objects.rename("attention", "quoc_le", author=alice)
    assert names(note) == ["Quoc_Le"]
    TagChange.objects.undo(change, author=alice)
    assert set(names(note)) == {"attention", "Quoc_Le"}


def test_deleting_a_tag_is_undone(note, alice):
    change = TagChange.objects.rename("attention", "", author=alice)
    assert names(note) == ["Quoc_Le"]
    TagChange.objects.undo(change, author=alice)
    assert set(names(note)) == {"attention", "Quoc_Le"}


def test_an_edit_opened_before_a_rename_does_not_bring_the_old_tag_back(note, alice, fields):
    TagChange.objects.rename("attention", "focus", author=alice)
    saved = note.save_revision(fields(body="b"), base=0, author=alice)
    assert saved.tags == ["Quoc_Le", "focus"] or saved.tags == ["focus", "Quoc_Le"]


def test_nobody_renames_tags_of_notes_they_may_not_edit(note, bob):
    TagChange.objects.rename("attention", "mine", author=bob)
    assert names(note) == ["attention", "Quoc_Le"]


def test_a_rename_during_a_save_is_not_undone_by_it(note, alice, fields, monkeypatch):
    render = sandbox.render

    def rename_meanwhile(body):
        monkeypatch.setattr(sandbox, "render", render)
        TagChange.objects.rename("attention", "focus", author=alice)
        return render(body)

    monkeypatch.setattr(sandbox, "render", rename_meanwhile)
    note.save_revision(fields(body="b"), base=0, author=alice)
    assert set(names(note)) == {"focus", "Quoc_Le"}


def test_a_merge_never_publishes_what_was_written_for_a_private_note(secret, alice, fields):
    private = secret.head.fields
    secret.save_revision(replace(private, visibility="public"), base=0, author=alice)
    with pytest.raises(EditConflict) as caught:
        secret.save_revision(replace(private, body="more secrets\n"), base=0, author=alice)
    assert caught.value.merge.conflicts == ("visibility",)
    assert not Revision.objects.filter(body__contains="more secrets").exists()


def test_who_changed_nothing_is_not_asked_whether_to_publish(secret, alice):
    private = secret.head.fields
    published = secret.save_revision(replace(private, visibility="public"), base=0, author=alice)
    assert secret.save_revision(private, base=0, author=alice) == published


def test_titles_of_any_length_are_saved_and_linked(alice, fields):
    title = "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}" * 500
    note = Note.objects.write(fields(title=title), owner=alice)
    assert note.title_key == link_key(title) and len(note.title_key) == 300


def test_a_digest_does_not_depend_on_the_zone_of_the_time(note):
    before = note.head.digest()
    note.head.created = note.head.created.astimezone(timezone(timedelta(hours=9)))
    assert note.head.digest() == before


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("gate", "A"), ("gating", "A"), ("GAT", "A"), ("pg_trgm", "A"), ("pg_tr", "A"),
        ("trgm", "A"), ("odot", "A"), (r"\odot", "A"), ("Z_1", "A"), ("gate kestrel", ""),
        ("kestrel nest", "B"), ("the", "AB"), ("⊙", "B"), ("gate ⊙", ""), ("naive", "B"),
        ("--quiet", "A"), ("self-att", "B"), ("estrel", ""), ("'", "B"), ("& | !", ""),
        ("中文", "B"), ("x" * 400, ""), ("don't", "AB"), (r"'\:*", ""),
    ],
)  # fmt: skip
def test_a_text_filter_finds_words_and_beginnings_of_words(alice, fields, words, found):
    one = "Gated, `pg_trgm --quiet`: $Z_1 \\odot W$ with the rest."
    Note.objects.write(fields(title="A", body=one), owner=alice)
    two = "The kestrels nest ⊙ naïvely; self-attention, 中文字, and don't."
    Note.objects.write(fields(title="B", body=two), owner=alice)
    kept = Note.objects.visible_to(alice).containing(words).order_by("pid")
    assert "".join(kept.values_list("title", flat=True)) == found


def test_a_text_filter_reads_the_index_alone(alice, fields):
    plan = Note.objects.visible_to(alice).containing("gate odot pg_trgm").explain()
    assert "body" not in plan and "@@" in plan
