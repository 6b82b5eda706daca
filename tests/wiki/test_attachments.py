"""Files in a text: what they are called, and how a page shows them."""

import re
import time
from typing import Any

import pytest
from django.test import Client

from tests.wiki.attachments import attach
from tests.wiki.page_text import Text
from tests.wiki.pictures import picture
from wiki.fields import Fields
from wiki.markup import render
from wiki.models import Note

FORMS = [
    ("![[x.png]]", "x.png", "x.png", True, 0),
    ("![[x.PNG|a plot]]", "x.PNG", "a plot", True, 0),
    ("![[img/x y.png|300]]", "img/x y.png", "img/x y.png", True, 300),
    ("![[x.png|a plot|300x200]]", "x.png", "a plot", True, 300),
    ("![[x.pdf#page=3]]", "x.pdf", "x.pdf", True, 0),
    ("[[x.pdf]]", "x.pdf", "x.pdf", False, 0),
    ("[[x.pdf|the paper]]", "x.pdf", "the paper", False, 0),
    ("![a *plot* of $x$](./img/x%20y.png)", "img/x y.png", "a plot of x", True, 0),
    ("![](../assets/%C3%BC.png 'words')", "../assets/ü.png", "", True, 0),
    ("![in 1999](x.png)", "x.png", "in 1999", True, 0),
    ("![a plot|300](<a b.png>)", "a b.png", "a plot", True, 300),
    ("![](/images/x)", "/images/x", "", True, 0),
    ("![](x.png?raw=true#top)", "x.png", "", True, 0),
    ("![](img\\x.png)", "img/x.png", "", True, 0),
    ("![a][1]\n\n[1]: x.png", "x.png", "a", True, 0),
    ("[the *paper*](a/b.pdf)", "a/b.pdf", "the paper", False, 0),
    ("[data](data.csv)", "data.csv", "data", False, 0),
]


@pytest.mark.parametrize(("text", "key", "words", "embed", "width"), FORMS)
def test_a_file_is_known_by_what_the_text_calls_it(
    text: str, key: str, words: str, embed: bool, width: int
) -> None:
    rendered = render(text)
    (slot,) = rendered.slots
    said = slot.payload
    assert slot.kind == "attachment" and rendered.attachment_keys() == {key}
    assert (said["key"], said["text"], said["embed"]) == (key, words, embed)
    assert said.get("width", 0) == width


@pytest.mark.parametrize(
    "text",
    [
        "[[Node.js]]",
        "[[v1.2]]",
        "[a](b.md)",
        "[a](b)",
        "[a](#b.png)",
        "[a](?b.png)",
        "[a](https://a.example/b.png)",
        "[a](//a.example/b.png)",
        "[a](mailto:b.png)",
        "![a](https://a.example/b.png)",
        "![a](//a.example/b.png)",
        "![a](///a.example/b.png)",
        "![a](/files/7_1.png)",
        "![a](<>)",
        "![a](%00.png)",
        "![a](javascript:b.png)",
        "`![[x.png]]`",
        r"\![\[x.png]]",
    ],
)
def test_what_leads_elsewhere_is_no_file(text: str) -> None:
    assert render(text).attachment_keys() == set()


def test_a_whole_note_that_is_shown_elsewhere_becomes_a_link() -> None:
    (slot,) = render("see ![[Other note|its words]]").slots
    assert (slot.kind, slot.payload["key"]) == ("wikilink", "other note")


@pytest.mark.parametrize("text", ["![[Other]]", "![[x.png]]", "![[x.png|a]]", "[[x.pdf|a]]"])
def test_unresolved_they_stand_as_typed(text: str) -> None:
    assert str(render(text)) == f"<p>{text}</p>\n"


def test_unresolved_a_plain_picture_is_what_commonmark_says() -> None:
    assert str(render('![a](x.png "t")')) == '<p><img src="x.png" alt="a" title="t"></p>\n'
    assert str(render("[a](x.pdf)")) == '<p><a href="x.pdf">a</a></p>\n'


def test_a_picture_in_a_link_to_a_file_leads_there() -> None:
    rendered = render("[![small](s.png) and *words*](l.png)")
    assert rendered.attachment_keys() == {"s.png", "l.png"}
    assert [slot.payload["embed"] for slot in rendered.slots] == [True, False]
    assert rendered.slots[0].payload["link"] == "l.png"


def test_files_in_headings_tables_and_footnotes_are_found() -> None:
    text = "# ![h](1.png)\n\n| ![[2.png]] |\n|---|\n| [a](3.pdf) |\n\nx[^1]\n\n[^1]: ![f](4.png)\n"
    assert render(text).attachment_keys() == {"1.png", "2.png", "3.pdf", "4.png"}
    assert render(text).outline[0].text == "h"


@pytest.mark.parametrize(
    "text", ["![[", "![[x.png]]", "[![](x.png)", "[" + "![](x.png)" * 20, "![a](b.png"]
)
def test_reading_files_takes_linear_time(text: str) -> None:
    started = time.process_time()
    render(text * 2_000)
    once = time.process_time() - started
    started = time.process_time()
    render(text * 4_000)
    assert time.process_time() - started < 3.5 * once + 2


# On a page.


def written(alice: Any, body: str, **files: bytes) -> Note:
    fields = Fields("Pictures", body, "", "note", (), "public")
    note = Note.objects.write(fields, owner=alice)
    for key, content in files.items():
        name = key.replace("__", "/").replace("_", ".")
        attach(note, name, content)
    return note


def shown(client: Client, path: str) -> Text:
    html = client.get(path).content.decode()
    return Text(re.search(r'<div class="prose[^>]*>.*?</div>', html, re.DOTALL)[0])  # type: ignore[index]


def test_a_picture_is_shown_with_its_size(alice: Any, client: Client) -> None:
    note = written(alice, "![a plot](./x.png)", x_png=picture(300, 200))
    page = shown(client, note.get_absolute_url())
    assert page.named("img") == [
        {
            "src": f"/files/{note.pid}_1.png",
            "alt": "a plot",
            "width": "300",
            "height": "200",
            "loading": "lazy",
        }
    ]
    assert page.named("a") == []


def test_a_large_picture_is_shown_small_and_leads_to_itself(alice: Any, client: Client) -> None:
    note = written(alice, "![[x.gif]]", x_gif=picture(960, 500, "GIF"))
    page = shown(client, note.get_absolute_url())
    (image,), (link,) = page.named("img"), page.named("a")
    assert image["src"] == f"/files/{note.pid}_1_thumb.png"
    assert (image["width"], image["height"], image["alt"]) == ("480", "250", "x.gif")
    assert link == {"class": "picture", "href": f"/files/{note.pid}_1.gif"}


@pytest.mark.parametrize(
    ("width", "source", "size"),
    [(300, "1_thumb.png", ("300", "150")), (700, "1.png", ("700", "350"))],
)
def test_a_text_says_how_wide_a_picture_is(
    alice: Any, client: Client, width: int, source: str, size: tuple[str, str]
) -> None:
    note = written(alice, f"![[x.png|{width}]]", x_png=picture(1000, 500))
    (image,) = shown(client, note.get_absolute_url()).named("img")
    assert image["src"] == f"/files/{note.pid}_{source}"
    assert (image["width"], image["height"]) == size


def test_what_is_no_picture_is_a_link(alice: Any, client: Client) -> None:
    body = "![[a.pdf]] [the *drawing*](b.svg) ![](c.png)"
    note = written(alice, body, a_pdf=b"%PDF-1", b_svg=b"<svg/>", c_png=b"no picture")
    page = shown(client, note.get_absolute_url())
    assert page.named("img") == []
    assert [(link["href"], words) for link, words in page.links()] == [
        (f"/files/{note.pid}_1.pdf", "a.pdf"),
        (f"/files/{note.pid}_2.bin", "the drawing"),
        (f"/files/{note.pid}_3.bin", "c.png"),
    ]


def test_a_missing_file_is_said_to_be_missing(alice: Any, client: Client) -> None:
    note = written(alice, "![a plot](img/x.png) ![[y.png]] [paper](z.pdf)")
    page = shown(client, note.get_absolute_url())
    assert page.named("img") == page.named("a") == []
    assert page.all == (
        "a plot: the file img/x.png is missing the file y.png is missing "
        "paper: the file z.pdf is missing"
    )


def test_a_note_never_shows_the_files_of_another(alice: Any, client: Client) -> None:
    written(alice, "mine", x_png=picture(3, 3))
    other = written(alice, "![[x.png]]", y_png=picture(3, 3))
    assert shown(client, other.get_absolute_url()).named("img") == []


def test_a_picture_in_a_link_is_no_link_of_its_own(alice: Any, client: Client) -> None:
    body = "[![a](x.png)](https://a.example) [![b](x.png)](y.pdf)"
    note = written(alice, body, x_png=picture(900, 9), y_pdf=b"%PDF-")
    page = shown(client, note.get_absolute_url())
    assert len(page.named("img")) == 2
    targets = [link["href"] for link in page.named("a")]
    assert targets == ["https://a.example", f"/files/{note.pid}_2.pdf"]


def test_all_files_of_a_page_cost_one_query(
    alice: Any, client: Client, django_assert_num_queries: Any
) -> None:
    for count in (1, 5):
        for i in range(count):
            written(alice, "![[x.png]] ![[y.png]]", x_png=picture(i + 3, 3))
        client.get("/")
        with django_assert_num_queries(4):
            assert client.get("/").content.count(b"<img src") == (1 if count == 1 else 6)


def test_old_revisions_previews_and_print_show_them_too(
    alice: Any, alice_client: Client, bob_client: Client
) -> None:
    note = written(alice, "![[x.png]]", x_png=picture(3, 3))
    fields = {"title": "t", "body": "![[x.png]]", "type": "note", "visibility": "public"}
    for reply in (
        alice_client.get(f"{note.get_absolute_url()}r/0/"),
        alice_client.get(f"{note.get_absolute_url()}print/"),
        alice_client.post("/notes/preview/", {**fields, "note": note.pid}),
        alice_client.post(
            f"{note.get_absolute_url()}edit/", {**fields, "base": "0", "preview": "1"}
        ),
    ):
        assert f'src="/files/{note.pid}_1.png"' in reply.content.decode()
    Note.objects.filter(pid=note.pid).update(visibility="private")
    for pid in (note.pid, "", "x", "9" * 30, -1):
        reply = bob_client.post("/notes/preview/", {**fields, "note": pid})
        assert reply.status_code == 200 and b"the file x.png is missing" in reply.content


def test_a_name_cannot_leave_its_attribute(alice: Any, client: Client) -> None:
    name = '"><script>alert(1)</script>.png'
    note = written(alice, f"![[{name}]] ![x](<{name}>)")
    attach(note, name, picture(3, 3))
    html = client.get(note.get_absolute_url()).content.decode()
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)" in html


def test_the_feed_leads_to_pictures_from_anywhere(alice: Any, client: Client) -> None:
    note = written(alice, "![[x.png]]", x_png=picture(3, 3))
    assert f"http://testserver/files/{note.pid}_1.png" in client.get("/feed.atom").content.decode()
