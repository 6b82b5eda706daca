"""Importing m8ta pages: what the text says, what the notes become, and doing it again."""

import doctest
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.utils.html import strip_tags

from wiki import integrity
from wiki.importers import new_notes, recognise
from wiki.importers.batch import import_path
from wiki.importers.formats import flattened_math, m8ta, plain_text
from wiki.importers.formats.flattened_math import Recovery
from wiki.importers.formats.m8ta_body import read_body
from wiki.importers.item import Code, Unreadable
from wiki.markup import render
from wiki.models import Alias, Note, Revision, Tag

PAGE = Path(__file__).parent / "data" / "m8ta-page.txt"


def head(title, items=None):
    items = list(m8ta.read(PAGE)) if items is None else items
    return next(item for item in items if item.head.title == title)


def tex_of(line):
    return [piece.tex for piece in Recovery().pieces(line) if piece.tex]


@pytest.fixture
def bring(alice, tmp_path):
    """Import a page for alice; returns the counts, with the report's lines under "lines"."""

    def bring(path=PAGE, name="m8ta", owner=alice, visibility="public", dry_run=False):
        report = tmp_path / f"report-{len(list(tmp_path.iterdir()))}.jsonl"
        counts = import_path(
            path, name, owner=owner, visibility=visibility, dry_run=dry_run, report=report
        )
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        return {**counts, "lines": lines}

    return bring


def edited(tmp_path, old, new, name="edited.txt"):
    """Return a copy of the page with one change."""
    text = PAGE.read_text()
    assert text.count(old) == 1, old
    path = tmp_path / name
    path.write_text(text.replace(old, new))
    return path


def last_number():
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM wiki_note_pid_seq")
        return cursor.fetchone()[0]


def outcomes(counts):
    return {
        name: counts[name]
        for name in ("created", "updated", "unchanged", "skipped", "failed")
        if counts[name]
    }


def codes(counts):
    return {notice["code"] for line in counts["lines"] for notice in line["notices"]}


def test_a_page_is_recognised_by_its_content(tmp_path):
    other = tmp_path / "page.txt"
    other.write_text("hide / / print\nand nothing else\n")
    assert recognise(PAGE) == "m8ta"
    assert recognise(other) is None
    assert recognise(tmp_path) is None


def test_headers_are_read_as_typed():
    items = list(m8ta.read(PAGE))
    assert [item.head.ref for item in items] == ["Finch-1998.05", "-0", "-2017", ""]
    assert [item.head.number for item in items] == [4, 0, 1, 0]
    assert [item.pid for item in items] == [812, None, None, None]
    assert [item.head.type for item in items] == ["paper", "paper", "paper", "note"]
    assert items[0].head.tags == ("leaves", "counting", "Ada_Moss")
    assert items[3].head.tags == ()


def test_the_month_comes_first_in_dates():
    dates = [item.head.created for item in m8ta.read(PAGE)]
    assert dates[0] == datetime(2021, 8, 5, 6, 0, tzinfo=UTC)
    assert dates[1] == datetime(2020, 11, 4, 17, 48, tzinfo=UTC)


def test_earlier_revisions_are_placeholders_that_say_nothing():
    states = head("Counting leaves by weight").states
    assert [state.body is None for state in states] == [True, True, True, True, False]
    assert {(state.title, state.ref, state.tags, state.author) for state in states[:4]} == {
        ("", "", (), "")
    }
    assert {state.created for state in states} == {states[-1].created}


def test_bullets_become_nested_lists_and_what_follows_is_outside():
    html = str(render(head("Rain").head.body))
    assert html.count("<li>") == 5
    assert "<li>Three levels</li>\n</ul>\n</li>\n</ul>" not in html.split("Two again")[1]
    assert html.count("<ul>") == 3
    assert html.rstrip().endswith("</ul>\n<p>Right below a bullet, and outside it.</p>")


def test_a_bullet_too_deep_for_its_list_is_moved_out_and_told():
    body = read_body(["Title", "      • deep", "  • flat"])
    assert body.markdown == "- deep\n- flat\n"
    assert [notice.code for notice in body.notices] == [Code.LIST_LEVEL]


def test_formulas_lose_their_flattened_half():
    body = head("Counting leaves by weight").head.body
    assert re.findall(r"(?<!\\)\$(.+?)(?<!\\)\$", body) == [
        r"N = \mu(A B) ,, \hat{N} = r(N) ,, M = \hat{N} B",
        r"\mu",
        r"\hat{N}",
        r"r(N) = N_1 \odot (C N_2 + d)",
        "N_1 N_2",
    ]
    assert "N 1N" not in body and "N^" not in body


@pytest.mark.parametrize(
    ("line", "tex"),
    [
        (r"ab\frac{a}{b}", [r"\frac{a}{b}"]),
        (r"∑ i=1 nx i\sum_{i=1}^n x_i", [r"\sum_{i=1}^n x_i"]),
        (r"a×b a \times b", [r"a \times b"]),
        (r"ab a \odot b", [r"a \odot b"]),
        (r"x 2−1=y′ x^2 - 1 = y' now", ["x^2 - 1 = y'"]),
        (r"f(QK T/d k)V f(QK^T/\sqrt{d_k})V", [r"f(QK^T/\sqrt{d_k})V"]),
        (r"is exp(Ω)\exp(\Omega) and φ\varphi", [r"\exp(\Omega)", r"\varphi"]),
    ],
)
def test_a_pair_of_flattened_and_typed_formula_is_found(line, tex):
    assert tex_of(line) == tex


@pytest.mark.parametrize(
    "line",
    [
        "file_name.py and my_var my_var",
        "the step 1 step_1 is words",
        "a prefix 1x_1 glued to a word",
        r"C:\temp\new has no flattened half",
        "Z^V alone, x_1 alone",
        "a{b}c \\",
    ],
)
def test_what_is_no_pair_is_left_alone(line):
    assert tex_of(line) == []


def test_commands_that_fit_nothing_are_told():
    assert Code.FORMULA_UNCLEAR in {
        notice.code for notice in head("On gardens without a year").notices
    }


@pytest.mark.parametrize("hostile", ["foo_bar ", "x_x", r"\a", r"\foo{", "_{", "x 1x_1 "])
def test_a_hostile_line_gives_up_instead_of_searching_for_ever(hostile):
    recovery = Recovery()
    recovery.pieces(hostile * 5_000)
    # The last step of the search may overdraw what is left, by that step's worth.
    assert recovery.effort > -5_000


NASTY = [
    "8*8*3 and * alone, a *b* c",
    "_a_ and a_b and __c__",
    "# no heading",
    "1. no list",
    "12) no list",
    "- no list",
    "+ no list",
    "* no list",
    "> no quotation",
    "---",
    "===",
    "~~~",
    "```",
    "`code` and \\* and \\\\ and end\\",
    "a <b> c <!-- d --> and x < y",
    "&amp; &#35; & co",
    "[a](b) and ![a](b) and [0] and [a]: b",
    "$5 to $10 and $x and 5$",
    "from $30/h to 40$.",
    "http://x.org/_a_*b*",
]


@pytest.mark.parametrize("words", NASTY)
def test_words_show_as_they_stand_on_the_page(words):
    body = read_body(["Title", "before", words, "after", "", f"  • {words}"]).markdown
    shown = strip_tags(str(render(body))).replace("&lt;", "<").replace("&gt;", ">")
    shown = shown.replace("&amp;", "&")
    assert [line for line in shown.split("\n") if line] == ["before", words, "after", words]


@pytest.mark.parametrize("words", NASTY)
def test_the_backslashes_can_be_taken_back(words):
    markdown = plain_text.as_paragraph(plain_text.as_markdown(words))
    assert plain_text.as_words(markdown) == words


@pytest.mark.parametrize("module", [plain_text, flattened_math])
def test_the_examples_hold(module):
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def test_signs_of_other_alphabets_survive():
    body = head("Counting leaves by weight").head.body
    assert "with\u00a0a hard space, an it\u2019s and Łódź" in body


@pytest.mark.parametrize("lines", [["", "  • first"], ["x" * 501], [""], []])
def test_an_entry_without_a_title_gets_one_and_loses_no_text(lines):
    body = read_body(lines)
    assert body.title and len(body.title) <= 500
    assert [notice.code for notice in body.notices] == [Code.TITLE_MADE]
    assert len(body.markdown) >= len("".join(lines).strip(" •"))


def test_a_page_without_entries_or_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "page.txt"
    path.write_text("nothing here")
    with pytest.raises(Unreadable, match="hide / / print"):
        list(m8ta.read(path))
    path.write_bytes(b"hide / / print\n\xff")
    with pytest.raises(Unreadable, match="UTF-8"):
        list(m8ta.read(path))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("08-05-2021 06:00", "13-45-2021 06:00", Code.BAD_ENTRY),
        ("revision:4 [3]", "revision:99999999 [3]", Code.BAD_ENTRY),
        ("ref: Finch", "rev: Finch", Code.BAD_ENTRY),
        ("Ada_Moss", "x" * 101, Code.BAD_FIELD),
        ("Finch-1998.05", "x" * 201, Code.BAD_FIELD),
        ("Łódź", "a\0b", Code.BAD_FIELD),
        ("{812}", "{0}", Code.BAD_FIELD),
    ],
)
def test_a_broken_entry_is_reported_and_the_others_come_in(bring, tmp_path, old, new, code):
    counts = bring(edited(tmp_path, old, new))
    assert outcomes(counts) == {"created": 3, "failed": 1}
    failed = counts["lines"][0]
    assert failed["outcome"] == "failed"
    assert code in {notice["code"] for notice in failed["notices"]}
    assert Note.objects.count() == 3


def test_notes_are_as_the_page_says(bring, alice):
    counts = bring()
    assert outcomes(counts) == {"created": 4}
    assert (counts["items"], counts["tags"], counts["tag_uses"]) == (4, 5, 6)
    assert (counts["revisions"], counts["formulas"]) == (9, {"distinct": 5, "failed": 0})
    note = Note.objects.get(pid=812)
    assert note.owner == alice and note.is_public and note.legacy_pid is None
    assert note.created == note.modified == datetime(2021, 8, 5, 6, 0, tzinfo=UTC)
    assert (note.ref, note.type, note.head.number) == ("Finch-1998.05", "paper", 4)
    assert [tag.name for tag in note.shown_tags()] == ["leaves", "counting", "Ada_Moss"]
    assert not hasattr(note, "html")  # made when somebody reads


def test_earlier_revisions_give_a_note_no_name(bring):
    bring()
    assert not Alias.objects.exists()


def test_the_heads_author_is_who_imports_and_earlier_ones_have_none(bring, alice):
    bring()
    revisions = Note.objects.get(pid=812).revisions.order_by("number")
    assert [revision.author for revision in revisions] == [None] * 4 + [alice]
    assert [revision.author_name for revision in revisions] == [""] * 4 + ["alice"]
    assert {revision.source for revision in revisions} == {"import"}
    assert all(revision.sha256 == revision.digest() for revision in revisions)


def test_a_tag_is_shown_as_first_typed(bring):
    bring()
    second = Note.objects.get(title="On gardens without a year")
    assert [tag.name for tag in second.shown_tags()] == ["gardens", "leaves"]
    assert second.head.tags == ["gardens", "leaves"]
    assert Tag.objects.count() == 5


def test_importing_again_changes_nothing(bring):
    bring()
    before = list(Revision.objects.order_by("pk").values())
    again = bring()
    assert outcomes(again) == {"unchanged": 4}
    assert (again["revisions"], again["tags"], again["tag_uses"]) == (0, 5, 6)
    assert list(Revision.objects.order_by("pk").values()) == before


def test_new_notes_are_numbered_after_an_imported_one(bring, alice, fields):
    bring()
    assert Note.objects.write(fields(), owner=alice).pid > 812


def test_a_dry_run_counts_the_same_and_writes_nothing(bring, note):
    numbers = last_number()
    counts = bring(dry_run=True)
    assert outcomes(counts) == {"created": 4}
    assert (counts["tags"], counts["tag_uses"], counts["revisions"]) == (5, 6, 9)
    assert list(Note.objects.values_list("pid", flat=True)) == [note.pid]
    # Not even a number was used up.
    assert last_number() == numbers
    assert outcomes(bring()) == outcomes(counts)


def test_a_changed_source_becomes_a_revision(bring, tmp_path):
    bring()
    changed = edited(tmp_path, "Weigh the branch", "Weigh every branch")
    assert outcomes(bring(changed, dry_run=True)) == {"updated": 1, "unchanged": 3}
    assert Note.objects.get(pid=812).head.number == 4
    assert outcomes(bring(changed)) == {"updated": 1, "unchanged": 3}
    note = Note.objects.get(pid=812)
    assert (note.head.number, note.head.source) == (5, "import")
    assert "Weigh every branch" in note.head.body
    assert outcomes(bring(changed)) == {"unchanged": 4}


def test_an_edit_made_here_stays_when_the_source_did_not_change(bring, alice, fields):
    bring()
    note = Note.objects.get(title="Rain")
    note.save_revision(fields(title="Rain", body="mine\n"), base=1, author=alice)
    assert outcomes(bring()) == {"unchanged": 4}
    assert Note.objects.get(title="Rain").head.body == "mine\n"


def test_a_change_at_the_source_is_merged_with_an_edit_made_here(bring, alice, tmp_path):
    bring()
    note = Note.objects.get(pid=812)
    start = note.current_fields()
    mine = start.body + "\nA line of mine.\n"
    note.save_revision(_with_body(start, mine), base=4, author=alice)
    changed = edited(tmp_path, "Weigh the branch", "Weigh every branch")
    counts = bring(changed)
    assert outcomes(counts) == {"updated": 1, "unchanged": 3} and Code.MERGED in codes(counts)
    body = Note.objects.get(pid=812).head.body
    assert "Weigh every branch" in body and "A line of mine." in body
    assert outcomes(bring(changed)) == {"unchanged": 4}


def test_what_was_merged_once_may_be_edited_here(bring, alice, tmp_path):
    bring()
    note = Note.objects.get(pid=812)
    start = note.current_fields()
    note.save_revision(_with_body(start, start.body + "\nMine.\n"), base=4, author=alice)
    changed = edited(tmp_path, "Weigh the branch", "Weigh every branch")
    bring(changed)
    merged = Note.objects.get(pid=812).current_fields()
    again = merged.body.replace("Weigh every branch", "Weigh no branch")
    note.save_revision(_with_body(merged, again), base=6, author=alice)
    assert outcomes(bring(changed)) == {"unchanged": 4}
    assert Note.objects.get(pid=812).head.body == again


def test_a_change_at_the_same_place_is_reported_and_not_saved(bring, alice, tmp_path):
    bring()
    note = Note.objects.get(title="Rain")
    start = note.current_fields()
    mine = start.body.replace("One level", "My level")
    note.save_revision(_with_body(start, mine), base=1, author=alice)
    counts = bring(edited(tmp_path, "  • One level\n", "  • Another level\n"))
    assert outcomes(counts) == {"unchanged": 3, "failed": 1} and Code.CONFLICT in codes(counts)
    assert Note.objects.get(title="Rain").head.body == mine


def _with_body(fields, body):
    return type(fields)(fields.title, body, fields.ref, fields.type, fields.tags, fields.visibility)


def test_a_note_in_the_trash_is_skipped(bring, alice):
    bring()
    Note.objects.get(pid=812).move_to_trash(alice)
    counts = bring()
    assert outcomes(counts) == {"unchanged": 3, "skipped": 1} and Code.IN_TRASH in codes(counts)
    assert Note.objects.get(pid=812).deleted is not None


def test_a_taken_number_is_kept_as_the_legacy_number(bring, alice, fields, tmp_path):
    taken = Note.objects.write(fields(), owner=alice)
    page = edited(tmp_path, "{812}", f"{{{taken.pid}}}")
    counts = bring(page)
    assert outcomes(counts) == {"created": 4} and Code.PID_TAKEN in codes(counts)
    imported = Note.objects.get(legacy_pid=taken.pid)
    assert imported.title == "Counting leaves by weight" and imported.pid != taken.pid
    assert Note.objects.get(pid=taken.pid).head.body == taken.head.body
    assert outcomes(bring(page)) == {"unchanged": 4}


def test_numbers_up_to_a_highest_are_kept(bring, alice, fields, tmp_path, monkeypatch):
    note = Note.objects.write(fields(), owner=alice)
    highest = note.pid + 50
    for place in (new_notes, m8ta):
        monkeypatch.setattr(place, "MAX_PID", highest)
    page = edited(tmp_path, "{812}", f"{{{highest}}}")
    marker = "hide / / print\nref: -0"
    page.write_text(page.read_text().replace(marker, f"{{{highest + 1}}}\n{marker}"))
    for dry_run in (True, False):
        counts = bring(page, dry_run=dry_run)
        assert outcomes(counts) == {"created": 4} and Code.PID_TOO_HIGH in codes(counts)
        assert [line["pid"] == highest for line in counts["lines"]] == [True, False, False, False]
    # The old address of the one that is too high leads to it all the same.
    assert Note.objects.get(legacy_pid=highest + 1).title == "On gardens without a year"
    following = Note.objects.write(fields(), owner=alice).pid
    assert following == highest + 4
    assert outcomes(bring(page)) == {"unchanged": 4}


@pytest.mark.parametrize("pid", [2**31, 2**53 - 1, 2**53, 10**18 - 1])
def test_no_number_of_a_page_moves_those_of_new_notes_out_of_range(
    bring, alice, fields, tmp_path, pid
):
    note = Note.objects.write(fields(), owner=alice)
    page = edited(tmp_path, "{812}", f"{{{pid}}}")
    assert outcomes(bring(page)) == {"created": 4}
    following = Note.objects.write(fields(), owner=alice).pid
    assert following == note.pid + 5 == max(Note.objects.values_list("pid", flat=True))
    assert Note.objects.get(legacy_pid=pid).title == "Counting leaves by weight"


def revisions_page(tmp_path, *numbers, padding=""):
    """Write a page with an entry of each revision number."""
    header = "hide / / print\nref: tags: date: 01-01-2020 00:00 gmt revision:{} [head]\n\n"
    path = tmp_path / "page.txt"
    entries = [f"{header.format(number)}T{place}\n" for place, number in enumerate(numbers)]
    path.write_text("\n".join(entries) + padding)
    return path


def test_a_page_names_only_as_many_earlier_revisions_as_it_can_have(bring, tmp_path):
    page = revisions_page(tmp_path, 600, 800, 300, 10_000, 2)
    for dry_run in (True, False):
        counts = bring(page, dry_run=dry_run)
        assert outcomes(counts) == {"created": 5} and counts["revisions"] == 902 + 5
    said = [{notice["code"] for notice in line["notices"]} for line in counts["lines"]]
    kept, cut = {Code.EARLIER_UNKNOWN}, {Code.TOO_MANY_REVISIONS}
    assert said == [kept, cut, kept, cut, kept]
    heads = dict(Note.objects.values_list("title", "head__number"))
    assert heads == {"T0": 600, "T1": 0, "T2": 300, "T3": 0, "T4": 2}
    assert integrity.verify().ok
    assert outcomes(bring(page)) == {"unchanged": 5}


def test_a_long_page_may_name_more(tmp_path):
    page = revisions_page(tmp_path, 1_500, padding="x" * 60_000)
    (item,) = m8ta.read(page)
    assert item.head.number == 1_500 and len(item.states) == 1_501
    *_, allowed = m8ta.read(revisions_page(tmp_path, 1_000))
    *_, refused = m8ta.read(revisions_page(tmp_path, 1_001))
    assert (allowed.head.number, refused.head.number) == (1_000, 0)


def test_a_page_that_first_came_without_numbers_is_known_again_with_them(bring, tmp_path):
    bring(edited(tmp_path, "{812}\n", ""))
    assert outcomes(bring()) == {"unchanged": 4}
    assert Note.objects.count() == 4 and Note.objects.filter(legacy_pid=812).exists()
    renamed = edited(tmp_path, "Counting leaves by weight", "Weighing leaves", "renamed.txt")
    assert outcomes(bring(renamed)) == {"updated": 1, "unchanged": 3}


def test_a_page_that_first_came_with_numbers_is_known_again_without_them(bring, tmp_path):
    bring()
    page = edited(tmp_path, "{812}\n", "", "unnumbered.txt")
    assert outcomes(bring(page)) == {"unchanged": 4}
    renamed = edited(tmp_path, "Counting leaves by weight", "Weighing leaves")
    assert outcomes(bring(renamed)) == {"updated": 1, "unchanged": 3}


def test_entries_without_a_number_do_not_take_one_the_page_names(bring, note, tmp_path):
    page = edited(tmp_path, "{812}\nhide", f"{{{note.pid + 2}}}\nhide")
    moved = tmp_path / "moved.txt"
    head, _, first = page.read_text().partition("[0] Finch")
    first, marker, rest = first.partition("\nhide / / print\nref: -0")
    moved.write_text(f"{head.strip()}{marker}{rest}\n\n{first.partition(chr(10))[2]}")
    counts = bring(moved)
    assert outcomes(counts) == {"created": 4} and Code.PID_TAKEN not in codes(counts)


def test_a_number_that_occurs_twice_is_imported_once(bring, tmp_path):
    page = edited(tmp_path, "hide / / print\nref: -0", "{812}\nhide / / print\nref: -0")
    counts = bring(page)
    assert outcomes(counts) == {"created": 3, "failed": 1} and Code.REPEATED in codes(counts)


def test_entries_of_the_same_title_and_ref_are_two_notes(bring, tmp_path):
    page = tmp_path / "twins.txt"
    one = "hide / / print\nref: -0 tags: a date: 01-01-2020 00:00 gmt revision:0 [head]\n\nTwin\n"
    page.write_text(f"{one}\nfirst\n\n{one}\nsecond\n")
    assert outcomes(bring(page)) == {"created": 2}
    assert outcomes(bring(page)) == {"unchanged": 2}


def test_a_note_is_only_one_of_two_entries_of_its_title(bring, tmp_path):
    page = tmp_path / "twins.txt"
    one = "hide / / print\nref: -0 tags: a date: 01-01-2020 00:00 gmt revision:0 [head]\n\nTwin\n"
    page.write_text(f"{{{last_number() + 9}}}\n{one}\nfirst\n")
    assert outcomes(bring(page)) == {"created": 1}
    page.write_text(f"{one}\nfirst\n\n{one}\nsecond\n")
    counts = bring(page)
    assert (counts["created"], counts["failed"], Note.objects.count()) == (1, 0, 2)


def test_two_people_import_the_same_page_for_themselves(bring, alice, bob):
    bring()
    assert outcomes(bring(owner=bob)) == {"created": 4}
    assert Note.objects.filter(owner=bob).count() == 4


def test_imported_private_notes_are_hidden_with_all_their_revisions(bring, charlie):
    bring(visibility="private")
    assert not Note.objects.visible_to(charlie).exists()
    assert not Revision.objects.visible_to(charlie).exists()


def test_links_count_as_resolved_when_their_note_exists(bring, tmp_path):
    text = "after the list: [[Rain]], [[rain|wet]] and [[Nowhere]]"
    page = edited(tmp_path, "Right below a bullet, and outside it.", text)
    assert bring(page, dry_run=True)["links"] == {"total": 3, "resolved": 2}
    assert bring(page)["links"] == {"total": 3, "resolved": 2}


def test_the_report_has_a_line_per_item(bring):
    lines = bring()["lines"]
    assert [line["path"] for line in lines] == [
        "m8ta-page.txt:7",
        "m8ta-page.txt:22",
        "m8ta-page.txt:34",
        "m8ta-page.txt:46",
    ]
    known = {str(code) for code in Code}
    for line in lines:
        assert list(line) == ["path", "outcome", "pid", "notices"]
        assert all(notice["code"] in known and notice["message"] for notice in line["notices"])


def test_lines_above_the_first_entry_are_told(bring):
    assert Code.LEFT_OUT in {notice["code"] for notice in bring()["lines"][0]["notices"]}
