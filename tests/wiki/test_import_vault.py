"""A folder of Markdown files: what its files say, and which notes they become."""

import doctest
from datetime import UTC, datetime

import pytest

from wiki.importers import recognise
from wiki.importers.item import Code
from wiki.importers.vault import dates, encodings, tags, titles
from wiki.models import Note

RICH = """---
title: "What costs: attention"
tags: [transformers, "deep learning", AI]
keywords: ai, costs
aliases:
  - Attention's price
  - "[[Cost]]"
date: 2020-01-02 10:30:00 +0200
lastmod: 2021-05-06
ref: Vaswani-2017.12
layout: post
rating: 4.5
---
# What costs: attention

Text with #inline/tag and [[Softmax|a link]].
"""


@pytest.fixture
def note_of(vault, bring_vault):
    """Import one file and return its note."""

    def note_of(text, path="note.md", **options):
        imported = bring_vault(vault({path: text}), **options)
        assert imported.outcomes == {"created": 1}, imported.lines
        return Note.objects.get()

    return note_of


@pytest.fixture
def codes_of(vault, bring_vault):
    """Import one file and return the codes of its notices."""
    return lambda text, **options: set(bring_vault(vault({"note.md": text}), **options).codes())


def shown(note):
    return [tag.name for tag in note.shown_tags()]


def names(note):
    return dict(note.aliases.values_list("key", "kind"))


@pytest.mark.parametrize("module", [dates, encodings, tags, titles])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


def test_a_folder_is_recognised_by_a_markdown_file(vault, tmp_path):
    assert recognise(vault({"deep/in/it.MD": "x"})) == "markdown"
    assert recognise(vault({"page.txt": "x", ".hidden/a.md": "x"}, name="none")) is None


def test_a_front_matter_becomes_fields(note_of):
    note = note_of(RICH)
    assert (note.title, note.ref, note.type) == (
        "What costs: attention",
        "Vaswani-2017.12",
        "paper",
    )
    assert shown(note) == ["transformers", "deep_learning", "AI", "costs", "inline/tag"]
    assert note.created == datetime(2020, 1, 2, 8, 30, tzinfo=UTC)
    assert note.modified == datetime(2021, 5, 6, tzinfo=UTC)
    assert note.visibility == "private" and note.import_key == "vault:garden/note.md"
    assert note.head.body == "Text with #inline/tag and [[Softmax|a link]].\n"
    assert set(note.links.values_list("key", flat=True)) == {"softmax"}
    assert names(note) == {"attention's price": "alias", "cost": "alias", "note": "file"}
    assert note.head.sha256 == note.head.digest() and note.head.source == "import"


def test_what_a_note_has_no_place_for_is_kept(note_of):
    assert note_of(RICH).extra == {
        "front_matter": {"layout": "post", "rating": 4.5},
        "heading": "# What costs: attention\n\n",
        "aliases": ["Attention's price", "Cost"],
    }


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("+++\ntitle = 'T'\nn = 3\nday = 2020-01-02\n+++\nx\n", {"n": 3, "day": "2020-01-02"}),
        ('{\n"title": "T", "weight": 3\n}\nx\n', {"weight": 3}),
        ("---\nTitle: T\nweight: 3\n...\nx\n", {"weight": 3}),
        ("---\ntitle: T\nno: no\nday: 2020-01-02\nat: 12:30\nzero: 012\n---\nx\n",
         {"no": "no", "day": "2020-01-02", "at": "12:30", "zero": "012"}),
        ("---\ntitle: T\nodd: !!python/object/apply:os.getcwd []\nset: !x {a: 1}\n---\nx\n",
         {"odd": [], "set": {"a": 1}}),
        ("---\ntitle: T\nnul: \"a\\0b\"\nnan: .nan\n---\nx\n", {"nul": "a\ufffdb", "nan": ".nan"}),
        ("---\ntitle: T\na: &x [1]\nb: *x\n---\nx\n", {"a": [1], "b": [1]}),
    ],
)  # fmt: skip
def test_front_matters_of_any_kind_are_read(note_of, text, rest):
    note = note_of(text)
    assert (note.title, note.head.body, note.extra["front_matter"]) == ("T", "x\n", rest)


BOMB = "---\na: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "block",
    [
        "title: Salvaged\nsub: a: b\n",
        "title: Salvaged\ntags: [a\n",
        "title: Salvaged\n\tbad: tab\n",
        "title: Salvaged\ntitle: Twice\n",
        "title: Salvaged\nx: *nowhere\n",
        f"title: Salvaged\nx: {'[' * 30_000}\n",
        f"title: Salvaged\nx:\n  {'- ' * 20_000}\n",
        f"title: Salvaged\n{BOMB[4:]}",
    ],
)
def test_a_front_matter_that_cannot_be_read_stays_in_the_text(note_of, codes_of, block):
    text = f"---\n{block}---\nText\n"
    note = note_of(text)
    assert (note.title, note.head.body) == ("Salvaged", text)
    assert Code.FRONT_MATTER in codes_of(text + "more")


def test_lines_of_a_broken_front_matter_still_tell_title_tags_and_date(note_of):
    note = note_of("---\ntitle: A: B\ntags:\n  - x\n  - 'y z'\ndate: 2020-01-02\n---\nText\n")
    assert (note.title, shown(note), note.created.year) == ("A: B", ["x", "y_z"], 2020)


@pytest.mark.parametrize(
    "text", ["---\n\nwords\n\n---\n", "---\n", "{\n", "{\n}x", "+++\nx", "- a\n"]
)
def test_a_rule_is_no_front_matter(note_of, text):
    note = note_of(text)
    assert note.head.body == text and "front_matter" not in note.extra


def test_properties_of_logseq_are_read_and_stay_in_the_text(note_of):
    text = "title:: The page\ntags:: [[two words]], b\nalias:: other\n\n- first\n"
    note = note_of(text, "pages/a___b.md")
    assert (note.title, shown(note), note.head.body) == ("The page", ["two_words", "b"], text)
    assert names(note) == {"other": "alias", "a___b": "file", "pages/a___b": "file", "a/b": "file"}


@pytest.mark.parametrize(
    ("path", "text", "title"),
    [
        ("a/File name.md", "text\n", "File name"),
        ("a.md", "\n\n#  The `best` *one* #\ntext", "The best one"),
        ("a.md", "Underlined\n===\ntext", "Underlined"),
        ("a.md", "## Not this\n", "a"),
        ("a.md", "#hashtag first\n", "a"),
        ("_posts/2020-01-02-my-first-post.md", "text", "my first post"),
        ("daily/2020-01-02.md", "text", "2020-01-02"),
        ("maths/index.md", "text", "maths"),
        ("Page 0123456789abcdef0123456789abcdef.md", "text", "Page"),
        ("a.md", "---\ntitle: 2020\n---\n# Other\n", "2020"),
        ("a.md", "---\ntitle: [odd]\n---\ntext", "a"),
        ("a.md", f"# {'x' * 501}\n", "a"),
    ],
)
def test_titles(note_of, path, text, title):
    assert note_of(text, path).title == title


def test_a_heading_that_says_more_than_the_title_stays_in_the_text(note_of):
    text = "# [The paper](https://a.example)\n\ntext\n"
    note = note_of(text)
    assert (note.title, note.head.body, note.extra) == ("The paper", text, {})


def test_a_heading_that_is_not_the_title_stays_in_the_text(note_of):
    note = note_of("---\ntitle: A\n---\n# B\n\ntext\n")
    assert (note.title, note.head.body, note.extra) == ("A", "# B\n\ntext\n", {})


@pytest.mark.parametrize("text", ["", "one", "\n", "# Only a title\n", "---\ntitle: x\n---\n"])
def test_an_empty_note_is_a_note(note_of, text):
    assert len(note_of(text).head.body) <= 3


def test_long_tags_and_many_tags_are_cut_and_told(note_of, codes_of):
    many = ", ".join(f"t{number}" for number in range(105))
    text = f"---\ntags: [{'x' * 101}, {many}]\n---\n"
    note = note_of(text)
    assert len(shown(note)) == 100 and shown(note)[0] == "x" * 100
    assert codes_of(text + "more") == {Code.TAG_CUT}


def test_joined_tags_are_told(codes_of):
    assert codes_of("---\ntags: [deep learning]\n---\n") == {Code.TAG_JOINED}


def test_folders_become_tags_only_if_asked(vault, bring_vault):
    folder = vault({"maths/linear algebra/a.md": "x"})
    bring_vault(folder)
    assert shown(Note.objects.get()) == []
    assert bring_vault(folder, folder_tags=True).outcomes == {"updated": 1}
    assert shown(Note.objects.get()) == ["maths", "linear_algebra"]


@pytest.mark.parametrize(
    ("data", "body", "code"),
    [
        (b"caf\xe9 \x93x\x94\n", "café “x”\n", Code.ENCODING),
        ("\ufeffcafé\n".encode(), "café\n", Code.ENCODING),
        ("\ufeffcafé\n".encode("utf-16-le"), "café\n", Code.ENCODING),
        (b"a\0b\n", "a\ufffdb\n", Code.NO_TEXT),
        (b"a\r\nb\r\n", "a\nb\n", Code.LINE_ENDS),
        (b"a\rb\r\nc\n", "a\nb\nc\n", Code.LINE_ENDS),
    ],
)
def test_bytes_that_are_no_text_of_ours_are_read_and_told(note_of, codes_of, data, body, code):
    assert note_of(data).head.body == body
    assert codes_of(data + b"more") == {code}


def test_line_ends_are_remembered_where_a_file_has_one_kind(note_of):
    assert note_of(b"a\r\nb\r\n").extra == {"line_end": "\r\n"}


def test_a_date_that_names_no_day_is_told_and_kept(note_of, codes_of):
    text = "---\ndate: some day\n---\n"
    assert note_of(text).extra["front_matter"] == {"date": "some day"}
    assert codes_of(text + "more") == {Code.DATE_UNCLEAR}


@pytest.mark.parametrize(
    ("said", "asked", "visibility"),
    [
        ("", "private", "private"),
        ("", "public", "public"),
        ("draft: true", "public", "private"),
        ("publish: no", "public", "private"),
        ("private: yes", "public", "private"),
        ("publish: true", "private", "private"),
        ("visibility: private", "public", "private"),
        ("visibility: public", "private", "public"),
    ],
)
def test_who_may_read_a_note(note_of, said, asked, visibility):
    note = note_of(f"---\nx: 1\n{said}\n---\n", visibility=asked)
    assert note.visibility == note.head.visibility == visibility


def test_nothing_is_published_against_the_word_of_who_imports(note_of):
    note = note_of("---\nvisibility: public\n---\n", may_publish=False)
    assert note.visibility == "private"


def test_a_draft_among_public_notes_is_told(codes_of):
    assert codes_of("---\ndraft: true\n---\n", visibility="public") == {Code.KEPT_PRIVATE}


def test_what_links_say_is_found_by_the_name_of_the_file(vault, bring_vault):
    files = {"a.md": "[[B side]] [[folder/b side]] [[Short]] [[nowhere]]",
             "folder/B side.md": "---\naliases: Short\n---\n# Another title\n"}  # fmt: skip
    imported = bring_vault(vault(files), dry_run=True)
    assert imported.counts["links"] == {"total": 4, "resolved": 3}
    imported = bring_vault(vault(files))
    assert imported.counts["links"] == {"total": 4, "resolved": 3}


def test_relative_links_start_at_the_folder_of_the_file(vault, bring_vault):
    files = {"a/b.md": "[up](../c%20d.md) [here](e.md#x) [out](https://a.example/f.md)",
             "c d.md": "# Title", "a/e.md": "e"}  # fmt: skip
    imported = bring_vault(vault(files))
    assert imported.counts["links"] == {"total": 2, "resolved": 2}
    links = Note.objects.get(title="b").links.values_list("key", flat=True)
    assert set(links) == {"c d", "a/e"}
