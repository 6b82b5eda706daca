"""Tags that stay tidy: renamed, merged, taken away, called otherwise, and all of it undone."""

import re
from dataclasses import replace
from time import process_time

import pytest

from tests.conftest import signed_in
from wiki.integrity import heads
from wiki.models import Note, Tag, TagAlias, TagChange
from wiki.models.tag_difference import near_pairs

pytestmark = pytest.mark.django_db


@pytest.fixture
def write(alice, fields):
    def make(*tags, owner=alice, **said):
        return Note.objects.write(fields(title=" ".join(tags), tags=tags, **said), owner=owner)

    return make


def tidy(client, tag, action, to="", **said):
    form = {"tag": tag, "action": action, "to": to, **said}
    return client.post("/tidying/tag/", form, follow=True)


def tags_of(note):
    return [tag.name for tag in Note.objects.cards().get(pid=note.pid).shown_tags()]


def undo(client):
    """Press the first undo of the list."""
    page = client.get("/tidying/").content.decode()
    return client.post(re.search(r'action="(/tidying/\w+/\d+/undo/)"', page)[1], follow=True)


def shown(reply):
    return " ".join(re.sub("<[^>]*>", " ", reply.content.decode()).split())


def test_a_tag_is_renamed_in_its_place_and_back(alice_client, write):
    note, other = write("a", "old", "z"), write("old")
    reply = tidy(alice_client, "OLD", "rename", "new_name")
    assert "“old” is “new_name” now, on 2 notes." in shown(reply)
    assert tags_of(note) == ["a", "new_name", "z"] and tags_of(other) == ["new_name"]
    assert note.revisions.count() == 1
    assert "Undone on 2 notes." in shown(undo(alice_client))
    assert tags_of(note) == ["a", "old", "z"] and tags_of(other) == ["old"]
    assert not list(heads.problems())


def test_other_peoples_notes_keep_the_tag_and_it_is_said(bob_client, bob, write):
    mine, theirs = write("old", owner=bob), write("old")
    page = shown(bob_client.get("/tidying/tag/?tag=old"))
    assert "on 1 note of yours; on 1 of other people, which keeps it" in page
    reply = tidy(bob_client, "old", "rename", "new")
    assert "on 1 note. 1 note of other people keep the tag." in shown(reply)
    assert tags_of(mine) == ["new"] and tags_of(theirs) == ["old"]


def test_hidden_notes_are_not_counted_among_other_peoples(bob_client, bob, write):
    write("old", owner=bob)
    write("old", visibility="private")
    assert "other people" not in shown(bob_client.get("/tidying/tag/?tag=old"))
    write("hidden", visibility="private")
    assert bob_client.get("/tidying/tag/?tag=hidden").status_code == 404
    assert tidy(bob_client, "hidden", "rename", "found").status_code == 404


def test_a_merge_asks_first_and_says_how_many(alice_client, write):
    both, one = write("old", "x", "new"), write("old")
    asked = tidy(alice_client, "old", "rename", "NEW")
    assert "There is a tag new already, on 1 note." in shown(asked)
    assert "on 2 notes of yours" in shown(asked) and not TagChange.objects.exists()
    tidy(alice_client, "old", "rename", "NEW", sure="1")
    assert tags_of(both) == ["x", "new"] and tags_of(one) == ["new"]
    assert TagChange.objects.get().kind == "merge"
    undo(alice_client)
    assert set(tags_of(both)) == {"old", "x", "new"} and tags_of(one) == ["old"]
    assert not list(heads.problems())


def test_a_tag_is_taken_away_and_comes_back(alice_client, write):
    note = write("a", "old", "z")
    assert "“old” is taken away, on 1 note." in shown(tidy(alice_client, "old", "delete"))
    assert tags_of(note) == ["a", "z"]
    undo(alice_client)
    assert set(tags_of(note)) == {"a", "old", "z"}


def test_a_note_that_was_saved_since_is_left_alone_by_an_undo(alice_client, alice, write):
    note, other = write("old"), write("old", "b")
    tidy(alice_client, "old", "rename", "new")
    fields = Note.objects.cards().get(pid=note.pid).current_fields()
    for base in (0, 1):  # the first keeps what came since it was opened
        note.save_revision(saving_tags(fields, ("mine",)), base=base, author=alice)
    assert "Undone on 1 note. 1 note changed since" in shown(undo(alice_client))
    assert tags_of(note) == ["mine"] and tags_of(other) == ["old", "b"]


def saving_tags(fields, tags):
    return replace(fields, tags=tags)


def test_only_who_made_a_change_sees_it_and_takes_it_back(alice_client, bob_client, staff, write):
    write("old")
    tidy(alice_client, "old", "rename", "new")
    change = TagChange.objects.get()
    assert "old" not in shown(bob_client.get("/tidying/"))
    assert bob_client.post(f"/tidying/tags/{change.pk}/undo/").status_code == 404
    assert undo(signed_in(staff)).status_code == 200
    assert alice_client.post(f"/tidying/tags/{change.pk}/undo/").status_code == 404


@pytest.mark.parametrize("action", ["rename", "alias"])
@pytest.mark.parametrize("to", ["", "two words", "x" * 101])
def test_what_is_no_tag_is_refused_with_a_sentence(alice_client, write, action, to):
    note = write("old")
    reply = tidy(alice_client, "old", action, to)
    assert reply.status_code == 422 and "Nothing was changed." in shown(reply)
    assert tags_of(note) == ["old"] and not TagChange.objects.exists()


def test_the_spelling_of_a_tag_changes_on_ones_own_notes_and_back(alice_client, bob, write):
    note, other = write("a", "deep_learning", "z"), write("DEEP_learning")
    theirs = write("deep_learning", owner=bob)
    tidy(alice_client, "deep_learning", "rename", "Deep_Learning")
    assert tags_of(note) == ["a", "Deep_Learning", "z"] and tags_of(other) == ["Deep_Learning"]
    assert tags_of(theirs) == ["deep_learning"] and not list(heads.problems())
    reply = tidy(alice_client, "deep_learning", "rename", "Deep_Learning")
    assert reply.status_code == 422 and "spelled so already" in shown(reply)
    undo(alice_client)
    assert tags_of(note) == ["a", "deep_learning", "z"] and tags_of(other) == ["DEEP_learning"]


def test_another_word_gives_the_tag_everywhere(client, alice_client, bob_client, bob, write):
    note = write("transformer")
    tidy(alice_client, "transformer", "alias", "Transformers")
    typed = write("transformers", "x", owner=bob)
    assert tags_of(typed) == typed.head.tags == ["transformer", "x"]
    both = write("transformers", "transformer")
    assert tags_of(both) == ["transformer"]
    assert client.get("/tags/TRANSFORMERS/").headers["Location"] == "/tags/transformer/"
    for query in ("transformers", "=transformers"):
        found = client.get("/", {"tags": query}).content.decode()
        assert all(f'id="n{one.pid}"' in found for one in (note, typed))
    assert "No note" in client.get("/", {"tags": "-transformers"}).content.decode()
    assert "also found as Transformers" in shown(client.get("/tags/transformer/"))
    assert "Whoever types" in shown(alice_client.get("/tidying/tag/?tag=transformer"))
    undo(alice_client)
    assert client.get("/tags/transformers/").status_code == 404
    assert tags_of(write("transformers")) == ["transformers"]
    assert not list(heads.problems())


def test_typing_another_word_for_a_tag_a_note_has_changes_nothing(alice, write):
    note = write("transformer")
    TagChange.objects.add_alias("transformers", Tag.objects.get(slug="transformer"), author=alice)
    fields = saving_tags(note.current_fields(), ("transformers",))
    assert note.save_revision(fields, base=0, author=alice).number == 0


def test_another_word_may_not_be_a_tag_itself_nor_mean_two(alice_client, write):
    write("one"), write("other"), write("third")
    reply = tidy(alice_client, "one", "alias", "other")
    assert reply.status_code == 422 and "1 note have the tag “other” itself" in shown(reply)
    tidy(alice_client, "one", "alias", "word")
    reply = tidy(alice_client, "third", "alias", "word")
    assert "“word” leads to the tag “one” already." in shown(reply)
    assert TagAlias.objects.get().tag.slug == "one"


def test_another_word_never_tells_of_a_tag_that_is_hidden(
    client, alice_client, bob_client, bob, alice, write
):
    note = write("secret_project", visibility="private")
    reply = tidy(alice_client, "secret_project", "alias", "sp")
    assert reply.status_code == 422 and "Make one of the notes public first" in shown(reply)
    TagChange.objects.add_alias("sp", Tag.objects.get(slug="secret_project"), author=alice)
    assert client.get("/tags/sp/").status_code == 404
    assert bob_client.get("/tags/sp/").status_code == 404
    assert alice_client.get("/tags/sp/").status_code == 302
    assert note


def test_pairs_that_look_like_one_are_listed_with_their_counts(alice_client, client, write):
    for _ in range(2):
        write("transformers", "gating", "x_y", "year2019")
    write("transformer", "gatign", "xy", "year2020", "cat", "car")
    page = shown(alice_client.get("/tags/"))
    pairs = page.partition("Tags that look like one")[2]
    for pair in ("transformer 1 , transformers 2", "gatign 1 , gating 2", "x_y 2 , xy 1"):
        assert pair in pairs or pair in pairs.replace("gating 2 , gatign 1", "gatign 1 , gating 2")
    assert "year20" not in pairs and "car" not in pairs
    assert "look like one" not in shown(client.get("/tags/"))


def test_a_pair_is_merged_with_one_click_either_way_or_never_asked_about(alice_client, write):
    note = write("transformers")
    write("transformer"), write("gating"), write("gatings")
    page = alice_client.get("/tags/").content.decode()
    assert page.count('name="sure" value="1"') == 4
    tidy(alice_client, "transformers", "rename", "transformer", sure="1")
    assert tags_of(note) == ["transformer"]
    alice_client.post("/tidying/differ/", {"one": "gatings", "other": "gating"})
    assert "look like one" not in shown(alice_client.get("/tags/"))


def test_pairs_are_made_of_tags_of_readable_notes_that_one_may_change(
    alice_client, bob_client, bob, write
):
    write("transformers", visibility="private")
    write("transformer")
    assert "look like one" in shown(alice_client.get("/tags/"))
    assert "look like one" not in shown(bob_client.get("/tags/"))
    write("transformer", owner=bob)
    assert "look like one" not in shown(bob_client.get("/tags/"))
    hidden = {"one": "transformers", "other": "transformer"}
    assert bob_client.post("/tidying/differ/", hidden).status_code == 404


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("policy", "policies"),
        ("deep-learning", "deep_learning"),
        ("box", "boxes"),
        ("loss", "losses"),
    ],
)
def test_spellings_of_one_word_are_near(one, other):
    assert near_pairs([one, other]) == {tuple(sorted((one, other)))}


@pytest.mark.parametrize(
    ("one", "other"), [("bus", "bu"), ("gmlp", "gmlq"), ("v1_model", "v2_model")]
)
def test_other_words_are_not(one, other):
    assert not near_pairs([one, other])


def test_thousands_of_tags_are_not_compared_each_with_each():
    slugs = [
        f"{a}{b}tag{c}word"
        for a in "abcdefghij"
        for b in "klmnopqrst"
        for c in "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"
    ]
    words = [f"{slug}_{i % 7}x" for i, slug in enumerate(slugs)]
    start = process_time()
    near_pairs(words)
    assert len(words) == 5000 and process_time() - start < 20


def test_a_superuser_takes_tags_away_and_back_in_the_admin(staff, write):
    client, note = signed_in(staff), write("old", "kept")
    page = client.get("/admin/wiki/tag/").content.decode()
    assert "/tidying/tag/?tag=old" in page
    chosen = {"action": "take_away", "_selected_action": [Tag.objects.get(slug="old").pk]}
    client.post("/admin/wiki/tag/", chosen)
    assert tags_of(note) == ["kept"]
    chosen = {"action": "undo", "_selected_action": [TagChange.objects.get().pk]}
    client.post("/admin/wiki/tagchange/", chosen)
    assert set(tags_of(note)) == {"old", "kept"}
