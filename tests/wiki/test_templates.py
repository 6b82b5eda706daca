"""What pages say: header lines, dates, addresses, and that no text becomes markup."""

import doctest
import re
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.template import Context
from django.template.loader import render_to_string

from tests.wiki.page_text import Text, page
from wiki.models import Note, Revision
from wiki.templatetags import notes as tags
from wiki.templatetags import search_results, spans

SCRIPT = "<script>alert(1)</script>"
UNWANTED = r"\sstyle=|\son\w+=|<script(?! type=\"module\" src=\"\{% static )|<style|\|safe\b"


def saved_times(note: Note, times: int, fields: Any) -> Note:
    """Give a note this many further revisions."""
    for number in range(times):
        note.save_revision(fields(body=f"text {number}\n"), base=number, author=note.owner)
    return Note.objects.cards().get(pid=note.pid)


def test_a_date_is_one_text_node_in_utc_whatever_the_zone() -> None:
    east = timezone(timedelta(hours=9))
    html = tags.gmt(datetime(2022, 5, 18, 5, 25, tzinfo=east))
    assert Text(html).nodes == ["05-17-2022 20:25 gmt"]
    assert 'datetime="2022-05-17T20:25:00Z"' in html


def test_a_reader_without_account_is_told_so_and_can_log_in(client: Any, note: Note) -> None:
    text = page(client, "/?text=a+b")
    assert "You are not authenticated, login." in text.all
    assert {"href": "/login/?next=/%3Ftext%3Da%2Bb"} in text.named("a")


def test_the_login_page_leads_where_it_was_asked_for(client: Any, db: None) -> None:
    text = page(client, "/login/?next=/notes/new/")
    assert {"href": "/login/?next=/notes/new/"} in text.named("a")
    assert {"type": "hidden", "name": "next", "value": "/notes/new/"} in text.named("input")


def test_a_person_sees_name_logout_and_new_entry(alice_client: Any, note: Note) -> None:
    assert "alice · logout · new entry" in page(alice_client, "/").all


def test_only_staff_see_admin(staff_client: Any, alice_client: Any, client: Any) -> None:
    seen = [
        "/admin/" in str(page(reader, "/").named("a"))
        for reader in (staff_client, alice_client, client)
    ]
    assert seen == [True, False, False]


def test_the_form_filters_by_address_alone(client: Any, note: Note, secret: Note) -> None:
    text = page(client, "/?tags=quoc&sort=modified&type=")
    assert [box["name"] for box in text.named("input")] == ["q", "text", "tags", "type", "sort"]
    assert {"text:", "tags:", "type:"} <= set(text.nodes)
    assert "1 note with tags “quoc”." in text.all
    assert "Canary" not in text.all


def test_nothing_found_says_so_and_offers_to_clear(client: Any, note: Note) -> None:
    text = page(client, "/?text=nowhere&sort=modified")
    assert "Nothing here is like that." in text.all
    assert {"href": "?sort=modified"} in text.named("a")


def test_an_empty_notebook_says_what_to_do(client: Any, alice_client: Any) -> None:
    assert "There is nothing to read here yet." in page(client, "/").all
    text = page(alice_client, "/")
    assert "Write the first note" in text.all
    assert "import_notes" in text.all


def test_an_order_is_marked_and_pressed_again_reversed(client: Any, note: Note) -> None:
    orders = {
        address: [a for a in page(client, address).named("a") if a.get("class") == "sort"]
        for address in ("/", "/?sort=modified&page=1", "/?sort=modified&order=asc")
    }
    assert [a["href"] for a in orders["/"]] == ["?sort=modified", "?sort=chronology&order=asc"]
    pressed, other = orders["/?sort=modified&page=1"]
    assert pressed == {"class": "sort", "href": "?sort=modified&order=asc", "aria-current": "true"}
    assert "aria-current" not in other
    assert orders["/?sort=modified&order=asc"][0]["href"] == "?sort=modified"


def test_who_may_not_edit_sees_no_edit_link(client: Any, alice_client: Any, note: Note) -> None:
    assert f"{{{note.pid}}} hide / / print" in page(client, "/").all
    assert f"{{{note.pid}}} hide / edit[0] / print" in page(alice_client, "/").all


@pytest.mark.parametrize("address", ["/", "/tags/attention/", "/notes/{pid}/"])
def test_hiding_folds_the_text_and_keeps_the_header(client: Any, note: Note, address: str) -> None:
    address = address.format(pid=note.pid)
    pid = note.pid

    def link(text: Text) -> tuple[str | None, str | None]:
        found = next(attrs for attrs in text.named("a") if attrs.get("data-hide") == str(pid))
        return found["href"], found["aria-expanded"]

    shown, hidden = page(client, address), page(client, f"{address}?hide=999,{pid}")
    assert "Queries meet keys." in shown.all
    assert link(shown) == (f"?hide={pid}#n{pid}", "true")
    assert "Queries meet keys." not in hidden.all
    assert "Attention" in hidden.all
    assert link(hidden) == (f"?hide=999#n{pid}", "false")
    assert link(page(client, f"{address}?hide={pid}")) == (f"?#n{pid}", "false")


def test_the_header_line_reads_as_the_seed_does(client: Any, note: Note, fields: Any) -> None:
    when = datetime(2022, 5, 17, 20, 25, tzinfo=UTC)
    note = saved_times(note, 2, fields)
    Note.objects.filter(pid=note.pid).update(modified=when)
    assert (
        "ref: Vaswani-2017.12 tags: attention Quoc_Le date: 05-17-2022 20:25 gmt"
        " revision:2 [1] [0] [head]"
    ) in page(client, "/").all


def test_a_ref_leads_to_the_notes_of_that_ref(
    client: Any, alice: Any, note: Note, fields: Any
) -> None:
    Note.objects.write(fields(title="Another", ref="-0"), owner=alice)
    assert {"href": "/?ref=-0"} in page(client, "/").named("a")
    text = page(client, "/?ref=-0")
    assert "Another" in text.all
    assert f"{{{note.pid}}}" not in text.all


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (0, "revision:0 [head]"),
        (19, "revision:19 " + " ".join(f"[{n}]" for n in range(18, -1, -1)) + " [head]"),
        (20, "revision:20 [19] [18] [17] [16] [15] … [0] [head]"),
    ],
)
def test_a_long_line_of_revisions_is_shortened(head: int, line: str) -> None:
    note = Note(pid=5, head=Revision(number=head))
    html = render_to_string("wiki/_revisions.html", tags.revision_links(note))
    assert Text(html).all == line


def test_a_private_note_is_marked(alice_client: Any, note: Note, secret: Note) -> None:
    marks = [
        attrs for attrs in page(alice_client, "/").named("span") if attrs.get("class") == "private"
    ]
    assert len(marks) == 1


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/?text={hostile}&tags={hostile}&type={hostile}&ref={hostile}&hide={hostile}",
        "/print/",
        "/tags/",
        "/tags/{hostile}/",
        "/notes/{pid}/",
        "/notes/{pid}/edit/",
        "/notes/{pid}/history/",
        "/notes/{pid}/r/0/",
        "/notes/{pid}/diff/0/1/",
        "/notes/{pid}/restore/0/",
        "/notes/{pid}/delete/",
        "/notes/{pid}/print/",
        "/notes/new/?title={hostile}&tags={hostile}",
        "/trash/",
    ],
)
def test_no_text_of_a_person_becomes_markup(
    alice: Any, alice_client: Any, fields: Any, address: str
) -> None:
    said = dict.fromkeys(("title", "body", "ref"), SCRIPT) | {"tags": (SCRIPT,)}
    note = Note.objects.write(fields(**said), owner=alice, summary=SCRIPT)
    said["body"] = f"{SCRIPT}\n[x](javascript:alert(1))\n"
    note.save_revision(fields(**said), base=0, author=alice, summary=SCRIPT)
    gone = Note.objects.write(fields(**said), owner=alice)
    gone.move_to_trash(alice)
    text = page(alice_client, address.format(pid=note.pid, hostile=SCRIPT))
    assert all(script["src"].startswith("/static/") for script in text.named("script"))
    assert SCRIPT in text.all + str(text.elements)
    assert not [attrs for _, attrs in text.elements if {"style", "onclick"} & set(attrs)]


def test_the_frame_of_a_page_renders_without_a_reader() -> None:
    assert "You are not authenticated, login." in Text(render_to_string("wiki/base.html")).all


def test_letters_of_the_index_file_accents_with_their_letter() -> None:
    names = ["Éa", "1st", "eb", "σ"]
    groups = tags.lettered(SimpleNamespace(name=name) for name in names)
    assert [(letter, [tag.name for tag in group]) for letter, group in groups] == [
        ("&", ["1st"]),
        ("E", ["Éa", "eb"]),
        ("Σ", ["σ"]),
    ]


def test_pages_keep_the_filter(client: Any, alice: Any, fields: Any) -> None:
    for number in range(21):
        Note.objects.write(fields(title=f"Note {number}"), owner=alice)
    text = page(client, "/?tags=attention")
    assert "1 to 20 of 21" in text.all
    assert {"rel": "next", "href": "?tags=attention&page=2"} in text.named("a")


def test_paper_has_the_address_and_no_controls(client: Any, note: Note) -> None:
    text = page(client, f"/notes/{note.pid}/print/")
    assert f"http://testserver/notes/{note.pid}/" in text.all
    assert not text.named("form") + text.named("nav") + text.named("button")


def test_paper_has_a_way_back(client: Any, note: Note) -> None:
    (back, *_) = page(client, f"/notes/{note.pid}/print/?hide=3").links()
    assert back == ({"href": f"/notes/{note.pid}/?hide=3"}, f"← back to {{{note.pid}}}")
    (back, *_) = page(client, "/print/?text=nothing&sort=modified").links()
    assert back == ({"href": "/?text=nothing&sort=modified"}, "← back to the list")


def test_a_first_revision_changes_nothing_so_nobody_is_asked_what(alice_client: Any) -> None:
    text = page(alice_client, "/notes/new/")
    assert not [field for field in text.named("input") if field.get("name") == "summary"]
    assert "Write a note" in text.nodes and "how to write it" in text.nodes
    form = {"title": "A", "type": "note", "visibility": "private", "summary": "from a script"}
    alice_client.post("/notes/new/", form)
    assert Note.objects.get().head.summary == "from a script"


def test_writing_begins_where_nothing_stands_yet(alice_client: Any, note: Note) -> None:
    def focused(url: str) -> list[str | None]:
        elements = page(alice_client, url).elements
        return [attrs["name"] for _, attrs in elements if "autofocus" in attrs]

    assert focused("/notes/new/") == ["title"]
    assert focused("/notes/new/?title=Given") == ["body"]
    assert focused(f"/notes/{note.pid}/edit/") == []


def test_where_nothing_fits_the_page_tells_how_to_ask(client: Any, note: Note) -> None:
    text = page(client, "/?text=zzzz&tags=foo")
    assert "No note with text “zzzz” and tags “foo”." in text.all
    assert "=word" in text.nodes and "-word" in text.nodes
    assert ({"href": "/?type=paper"}, "paper") in text.links()


def test_a_placeholder_says_that_its_text_is_not_known(
    client: Any, note: Note, fields: Any
) -> None:
    note = saved_times(note, 1, fields)
    Revision.objects.filter(note=note, number=0).update(body=None, source="import")
    for address in ("history/", "r/0/", "diff/0/1/"):
        assert "not in the import" in page(client, f"/notes/{note.pid}/{address}").all


def test_templates_ask_the_database_nothing_by_themselves(
    client: Any, alice: Any, fields: Any, django_assert_num_queries: Any
) -> None:
    Note.objects.write(fields(title="One"), owner=alice)
    client.get("/")
    with django_assert_num_queries(3):  # count, notes with HTML, tags
        client.get("/")
    for number in range(9):
        Note.objects.write(fields(title=f"Note {number}"), owner=alice)
    with django_assert_num_queries(3):
        client.get("/")


def test_no_style_or_script_stands_in_a_template() -> None:
    for path in sorted((settings.ROOT / "templates").rglob("*.html")):
        found = re.search(UNWANTED, path.read_text())
        assert found is None, f"{path.name}: {found}"


def test_login_link_works_without_a_request() -> None:
    assert tags.login_url(Context()) == "/login/"


@pytest.mark.parametrize("module", [tags, spans, search_results])
def test_the_examples_in_the_docstrings_hold(module: Any) -> None:
    tried = doctest.testmod(module)
    assert tried.failed == 0
    assert tried.attempted
