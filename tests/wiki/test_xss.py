"""No text can run a script: 7,226 of them that try, in every place where a text is shown.

tests/browser/test_xss.py asks a real browser the same.
"""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.conftest import signed_in
from tests.hostile_markup import CONTEXTS, dangers, packed, page_dangers, tags_of, vectors
from wiki.markup import as_read, render
from wiki.models import Note, NoteTag, Revision, Tag
from wiki.models.tag import tag_key

ALL = vectors()
# In every context: what was written against this parser, and some of the rest.
SOME = vectors("markdown_latex_own") + ALL[::40]
ATOM = "{http://www.w3.org/2005/Atom}"


def test_all_groups_are_there() -> None:
    assert len(ALL) == 7226


def test_no_vector_survives_as_a_text() -> None:
    assert not dangers("\n".join(str(render(vector)) for vector in ALL))


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_vector_gets_out_of_its_context(context: str) -> None:
    html = [str(render(CONTEXTS[context](vector))) for vector in SOME]
    assert not dangers("\n".join(html))


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        "<p onclick=1>",
        "<p style='color:red'>",
        "<a href=javascript:1>",
        "<a href=' java\nscript:1'>",
        "<a href=data:text/html,x>",
        "<img src=//evil.example/x>",
        "<img src='/\\evil.example'>",
        "<svg><a xlink:href=javascript:1>",
        "<math><mtext><img src=x onerror=1>",
        "<math href=javascript:1>",
        "<math><annotation-xml encoding=text/html><script>1</script>",
        "<iframe>",
        "<form>",
        "<input name=x>",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh>",
        "<p hx-get=/>",
        "<h1 id=editor>",
        "<!-- x -->",
    ],
)
def test_the_look_finds_what_is_dangerous(html: str) -> None:
    assert dangers(html)


def widen(*columns: str) -> None:
    """Let columns hold any length until the test ends: a vector is tried whole, all at once."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX note_by_ref, note_by_title")
        cursor.execute("ALTER TABLE auth_user DROP CONSTRAINT auth_user_username_key CASCADE")
        cursor.execute("DROP INDEX IF EXISTS auth_user_username_6821ab7c_like")
        for column in columns:
            table, _, name = column.partition(".")
            cursor.execute(f"ALTER TABLE {table} ALTER {name} TYPE text")


@pytest.fixture
def notes(alice: Any, fields: Any) -> list[Note]:
    """Twenty notes with two revisions each: a page of the list."""
    made = [Note.objects.write(fields(), owner=alice, summary="said") for _ in range(20)]
    for note in made:
        changed = fields(title="Other", ref="Other", body="Other.\n", tags=("other",))
        note.save_revision(changed, base=0, author=alice, summary="said")
    made.pop().move_to_trash(alice)
    return made


ADDRESSES = [
    "/",
    "/?sort=modified",
    "/print/",
    "/changes/",
    "/tags/",
    "/tags/other/",
    "/trash/",
    "/account/",
    "/notes/new/",
    *(
        f"/notes/{{pid}}/{path}"
        for path in (
            *("", "print/", "history/", "r/0/", "r/1/", "diff/0/1/", "diff/1/0/"),
            *("edit/", "restore/0/", "delete/"),
        )
    ),
    "/admin/wiki/note/",
    "/admin/wiki/revision/",
    "/admin/wiki/tag/",
    "/admin/wiki/note/{pid}/change/",
    "/admin/wiki/revision/{revision}/change/",
    "/admin/auth/user/",
    "/admin/auth/user/{owner}/change/",
    "/admin/wiki/note/{pid}/history/",
]


def pages_of(client: Client, note: Note) -> dict[str, str]:
    numbers = {"pid": note.pid, "revision": note.head_id, "owner": note.owner_id}
    pages = {}
    for address in ADDRESSES:
        reply = client.get(address.format(**numbers))
        assert reply.status_code == 200, address
        pages[address] = reply.content.decode()
    return pages


def test_no_column_is_shown_as_markup(notes: list[Note], alice: Any, staff: Any) -> None:
    """Titles, refs, summaries, names of people: every vector, on every page, for who sees all."""
    client = signed_in(staff)
    harmless = pages_of(client, notes[0])
    widen(
        *("wiki_note.ref", "wiki_revision.ref", "wiki_revision.summary"),
        *("wiki_revision.author_name", "auth_user.username"),
    )
    share = packed(ALL, 2 * sum(map(len, ALL)) // len(notes))
    for note, said in zip(notes, share, strict=False):
        columns = {"title": said, "ref": said}
        Note.objects.filter(pid=note.pid).update(**columns)
        Revision.objects.filter(note=note).update(**columns, summary=said, author_name=said)
    Note.objects.filter(deleted__isnull=False).update(title=share[0])
    alice.username = staff.username = share[-1]
    alice.save()
    staff.save()
    for address, page in pages_of(client, notes[0]).items():
        assert tags_of(page) <= tags_of(harmless[address]) | {"<br>"}, address
        assert "alert(" in page or address in ("/tags/", "/admin/wiki/tag/"), address


def test_no_tag_is_shown_as_markup(notes: list[Note], staff: Any) -> None:
    client = signed_in(staff)
    # Two that look like one, of which the list of tags speaks.
    for place, tag in enumerate(Tag.objects.called(["planet", "planets"])):
        said = {"tag": tag, "name": tag.slug, "position": 90 + place}
        NoteTag.objects.create(content_object=notes[0], **said)
    harmless = pages_of(client, notes[0])
    words = {tag_key(word): word for vector in ALL for word in vector.split() if "\0" not in word}
    Tag.objects.bulk_create([Tag(slug=key[:100]) for key in words], ignore_conflicts=True)
    # No more than the admin shows on one page.
    shown = Tag.objects.exclude(slug="other")[::20]
    NoteTag.objects.bulk_create(
        NoteTag(
            content_object=notes[place % len(notes)],
            tag=tag,
            name=words.get(tag.slug, tag.slug)[:100],
            position=place,
        )
        for place, tag in enumerate(shown)
    )
    for address, page in pages_of(client, notes[0]).items():
        # With more than a page of them, the admin offers to select all.
        more = {"<a role href>", "<a role href title>"} if "/admin/" in address else set()
        assert tags_of(page) <= tags_of(harmless[address]) | more, address
    index = client.get("/tags/").content.decode()
    assert index.count("alert(") > 50
    for link in re.findall(r'href="(/tags/[^"]+)"', index)[::40]:
        assert tags_of(client.get(link).content.decode()) <= tags_of(harmless["/tags/other/"])


BODY_ADDRESSES = ["/", "/print/", "/notes/{pid}/", "/notes/{pid}/print/", "/notes/{pid}/r/{head}/"]


def test_no_body_gets_out_of_its_page(notes: list[Note], alice: Any, fields: Any) -> None:
    """Rendered in the bounded child, cached, filled with links, put into whole pages."""
    client = signed_in(alice)
    note = notes[0]

    def pages(head: int) -> dict[str, str]:
        addresses = {a: a.format(pid=note.pid, head=head) for a in BODY_ADDRESSES}
        return {a: client.get(address).content.decode() for a, address in addresses.items()}

    def preview(body: str) -> str:
        return client.post("/notes/preview/", {"body": body}).content.decode()

    # With a comment, of which the preview tells its writer.
    harmless, harmless_preview = pages(1), preview("harmless %%hidden%%")
    for number, some in enumerate(packed(SOME, 4000), start=1):
        body = some.replace(" <", "\n\n<")
        note.save_revision(fields(body=body, title="Other"), base=number, author=alice)
        for address, page in pages(number + 1).items():
            assert not page_dangers(page, harmless[address]), address
        assert not page_dangers(preview(body), harmless_preview), "preview"


def test_no_text_is_markup_in_a_comparison(notes: list[Note], alice: Any, fields: Any) -> None:
    client = signed_in(alice)
    note = notes[0]
    harmless = client.get(f"/notes/{note.pid}/diff/0/1/").content.decode()
    half = len(ALL) // 2
    for number, some in enumerate((ALL[:half], ALL[half:]), start=1):
        body = "\n".join(some).replace("\0", "").replace("\r", "")
        note.save_revision(fields(body=body), base=number, author=alice)
    for address in ("diff/1/2/", "diff/2/3/", "diff/3/2/"):
        page = client.get(f"/notes/{note.pid}/{address}").content.decode()
        paging = {"<a rel href>"}
        assert tags_of(page) <= tags_of(harmless) | paging
        assert page.count("alert(") > 1000


def test_raw_text_is_text(note: Note, alice: Any, fields: Any, client: Client) -> None:
    body = "\n".join(SOME).replace("\0", "").replace("\r", "\n")
    note.save_revision(fields(body=body), base=0, author=alice)
    for reader, seen in ((signed_in(alice), body), (client, as_read(body))):
        reply = reader.get(f"/notes/{note.pid}/raw/")
        assert reply["Content-Type"] == "text/plain; charset=utf-8"
        assert reply["X-Content-Type-Options"] == "nosniff"
        assert reply.content.decode() == seen


def test_the_feed_holds_nothing_that_runs(
    alice: Any, fields: Any, client: Client, monkeypatch: Any
) -> None:
    values = packed(SOME, 4000)[:30]
    for value in values:
        title = value[:500].replace("\0", "")
        Note.objects.write(fields(title=title, body=value, tags=(value.split()[0],)), owner=alice)
    reply = client.get("/feed.atom")
    assert reply["Content-Type"].startswith("application/atom+xml")
    entries = ElementTree.fromstring(reply.content).findall(f"{ATOM}entry")
    assert len(entries) == len(values)
    for entry in entries:
        assert not dangers(entry.findtext(f"{ATOM}content") or "")
        assert not list(entry.find(f"{ATOM}title") or ())


@pytest.mark.parametrize("vector", vectors("owasp_filter_evasion")[::10])
def test_what_is_asked_for_comes_back_as_text(
    client: Client, note: Note, alice_client: Client, vector: str
) -> None:
    """Filters, orders, numbers of pages and prefilled forms say again what the address says."""
    names = ("text", "tags", "type", "ref", "sort", "order", "page", "hide", "next", "title")
    for address in ("/", "/print/", "/tags/attention/", "/login/", "/changes/", "/feed.atom"):
        harmless = client.get(address, dict.fromkeys(names, "x"))
        page = client.get(address, dict.fromkeys(names, vector))
        assert tags_of(page.content.decode()) <= tags_of(harmless.content.decode()), address
    new = [alice_client.get("/notes/new/", dict.fromkeys(names, v)) for v in ("x", vector)]
    assert tags_of(new[1].content.decode()) <= tags_of(new[0].content.decode())
    missing = [client.get(f"/tags/{v}/") for v in ("x", vector)]
    assert tags_of(missing[1].content.decode()) <= tags_of(missing[0].content.decode())
    typed = [client.post(reverse("new"), dict.fromkeys(names, v)) for v in ("x", vector)]
    assert tags_of(typed[1].content.decode()) <= tags_of(typed[0].content.decode())
