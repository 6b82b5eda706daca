"""Pages, as seen by three people and by a visitor without an account."""

import re
import uuid
from html import unescape
from urllib.parse import urljoin

import pytest
from django.test import Client

from wiki.models import Note

pytestmark = pytest.mark.django_db

TAGS = ["C++", "a/b", "ünï_σ", "50%", "a?b", "#1", "..", ".", "a/../b", "/a", "a//", "a;b&c=d"]
TAGS += ["<x>'\"", "日本", "ü" * 100]


def text(reply):
    return reply.content.decode()


def form(fields, **said):
    start = {
        "title": fields.title,
        "body": fields.body,
        "ref": fields.ref,
        "tags": " ".join(fields.tags),
        "type": fields.type,
        "visibility": fields.visibility,
    }
    return {**start, **said}


def test_nobody_reads_public_notes_and_a_login_link(client, note, secret):
    page = text(client.get("/"))
    assert re.sub("<[^>]*>", "", page).find("You are not authenticated, login.") > 0
    assert "Queries meet keys." in page and "canary" not in page.lower()
    assert "edit[" not in page


def test_every_page_leads_home_once(alice_client, note, fields, alice):
    trashed = Note.objects.write(fields(title="Gone"), owner=alice)
    trashed.move_to_trash(alice)
    for pid in (note.pid, trashed.pid, 999_999):
        page = text(alice_client.get(f"/notes/{pid}/"))
        assert page.count('href="/">Commonplace</a>') == 1
    assert text(alice_client.get("/tags/")).count('href="/">Commonplace</a>') == 1


def without_address(reply, pid):
    page = re.sub(r'(name="csrfmiddlewaretoken" value=)"\w+"', r"\1", text(reply))
    return page.replace(f"/notes/{pid}/", "/notes/")


@pytest.mark.parametrize("path", ["", "print/", "raw/", "history/", "r/0/", "diff/0/0/"])
def test_a_private_note_is_missing_for_others(client, bob_client, alice_client, secret, path):
    hidden, missing = secret.pid, 999_999
    for other in (client, bob_client):
        replies = [(other.get(f"/notes/{pid}/{path}"), pid) for pid in (hidden, missing)]
        assert [reply.status_code for reply, _ in replies] == [404, 404]
        assert without_address(*replies[0]) == without_address(*replies[1])
    assert alice_client.get(f"/notes/{hidden}/{path}").status_code == 200


@pytest.mark.parametrize("path", ["edit/", "delete/", "restore/0/"])
def test_writing_needs_a_sign_in_and_the_owner(client, bob_client, note, path):
    url = f"/notes/{note.pid}/{path}"
    assert client.get(url).url == f"/login/?next={url}"
    assert client.post(url, {"body": "typed"}).status_code == 403
    assert bob_client.get(url).status_code == 403
    assert bob_client.post(url, {"body": "typed"}).status_code == 403
    note.refresh_from_db()
    assert note.deleted is None and note.revisions.count() == 1


def test_write_edit_and_read_a_note(alice_client, fields):
    reply = alice_client.post("/notes/new/", form(fields(), submission=uuid.uuid4()))
    note = Note.objects.get()
    assert reply.url == f"/notes/{note.pid}/" and note.owner.username == "alice"
    reply = alice_client.post(
        f"/notes/{note.pid}/edit/", form(fields(), body="a\r\nb $x_1$", base=0, summary="why")
    )
    assert reply.status_code == 302
    head = Note.objects.get().head
    assert (head.number, head.body, head.summary) == (1, "a\nb $x_1$", "why")
    page = text(alice_client.get(reply.url))
    assert "edit[1]" in page and "[head]" in page and "<msub><mi>x</mi><mn>1</mn></msub>" in page


def test_a_script_that_saves_is_told_where_the_note_is_and_sent_no_page(alice_client, fields):
    wish = {"Prefer": "return=minimal"}
    made = alice_client.post("/notes/new/", form(fields()), headers=wish)
    page = Note.objects.get().get_absolute_url()
    said = form(fields(body="more"), base=0)
    edited = alice_client.post(f"{page}edit/", said, headers=wish)
    for reply in (made, edited):
        assert (reply.status_code, reply["Location"], reply.content) == (204, page, b"")
    refused = alice_client.post("/notes/new/", form(fields(), title=" "), headers=wish)
    assert refused.status_code == 422 and "Give the note a title." in text(refused)


def test_a_new_note_is_private_by_default(alice_client):
    page = text(alice_client.get("/notes/new/"))
    assert re.search(r'value="private"[^>]* (selected|checked)', page)


def test_preview_saves_nothing_and_keeps_everything(alice_client, fields, note):
    said = form(fields(body="*now*"), base=0, preview="preview")
    page = text(alice_client.post(f"/notes/{note.pid}/edit/", said))
    assert "<em>now</em>" in page and "*now*</textarea>" in page
    assert note.revisions.count() == 1
    assert "<em>x</em>" in text(alice_client.post("/notes/preview/", {"body": "*x*"}))


def test_bad_input_is_refused_with_the_text_kept(alice_client, fields):
    reply = alice_client.post("/notes/new/", form(fields(body="kept"), title=" "))
    assert reply.status_code == 422
    assert "kept</textarea>" in text(reply) and "Give the note a title." in text(reply)
    long = alice_client.post("/notes/new/", form(fields(body="x" * (1024 * 1024 + 1))))
    assert long.status_code == 422 and "1,048,576" in text(long) and text(long).count("x" * 1000)
    assert alice_client.post("/notes/new/", form(fields(), tags="a" * 101)).status_code == 422
    assert alice_client.post("/notes/new/", form(fields(body="nul\0"))).status_code == 422
    assert not Note.objects.exists()


def test_stale_base_is_a_conflict_with_both_texts(alice_client, fields, note, alice):
    note.save_revision(fields(body="theirs wins\n"), base=0, author=alice)
    reply = alice_client.post(f"/notes/{note.pid}/edit/", form(fields(body="mine wins\n"), base=0))
    assert reply.status_code == 409 and note.revisions.count() == 2
    assert "mine wins" in text(reply) and "theirs wins" in text(reply)
    assert re.search(r'name="base"[^>]*value="1"', text(reply))
    said = form(fields(body="both\n"), base=1)
    assert alice_client.post(f"/notes/{note.pid}/edit/", said).status_code == 302
    assert Note.objects.get().head.body == "both\n"


def test_a_merge_on_saving_is_said_and_shown(alice_client, fields, note, alice):
    edit = f"/notes/{note.pid}/edit/"
    body = "One.\n\nTwo.\n\nThree.\n"
    alice_client.post(edit, form(fields(body=body), base=0))
    note.save_revision(fields(body=body.replace("One", "Their one")), base=1, author=alice)
    mine = form(fields(body=body.replace("Three", "My three")), base=1)
    page = text(alice_client.post(edit, mine, follow=True))
    assert "revision 3 holds" in page and f"/notes/{note.pid}/diff/1/3/" in page
    assert note.revisions.get(number=3).body == "Their one.\n\nTwo.\n\nMy three.\n"
    unchanged = form(note.revisions.get(number=3).fields, base=3)
    assert "Others saved" not in text(alice_client.post(edit, unchanged, follow=True))


def test_a_form_sent_after_the_session_ended_comes_back_after_login(alice, fields, note):
    client = Client()
    url = f"/notes/{note.pid}/edit/"
    page = text(client.post(url, form(fields(body="typed for an hour"), base=0)))
    assert "typed for an hour" in page and 'type="password"' in page
    said = form(fields(body="typed for an hour"), base=0)
    again = client.post(
        "/login/",
        {**said, "username": "alice", "password": "correct horse battery", "send_to": url},
    )
    assert "typed for an hour" in text(again) and f'action="{url}"' in text(again)
    assert "correct horse" not in text(again)
    assert client.post(url, said).status_code == 302
    assert Note.objects.get().head.body == "typed for an hour"


@pytest.mark.parametrize(
    ("origin", "button"),
    [("http://testserver", True), ("https://evil.example", False), ("null", False), (None, False)],
)
def test_a_stale_csrf_token_keeps_the_text(alice, note, origin, button):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    said = {"body": "typed", "password": "hidden1"}
    headers = {"origin": origin} if origin else {}
    reply = client.post(f"/notes/{note.pid}/edit/", said, headers=headers)
    assert reply.status_code == 403 and "typed" in text(reply) and "hidden1" not in text(reply)
    offered = f'action="/notes/{note.pid}/edit/"' in text(reply)
    assert offered == button, "a form that another site filled in is not offered to be sent"


@pytest.mark.parametrize(
    "url", ["//evil.example", "https://evil.example/", "/\\evil", "javascript:1"]
)
def test_login_never_leaves_the_site(client, alice, url):
    said = {"username": "alice", "password": "correct horse battery", "next": url}
    assert client.post("/login/", said).url == "/"


def test_history_diff_and_restore(alice_client, client, note, fields, alice):
    note.save_revision(fields(body="Values meet keys.\n", tags=("b",)), base=0, author=alice)
    assert "alice" in text(client.get(f"/notes/{note.pid}/history/"))
    diff = text(client.get(f"/notes/{note.pid}/diff/0/1/"))
    assert "Queries" in diff and "Values" in diff and "Quoc_Le" in diff
    assert "Queries meet keys." in text(client.get(f"/notes/{note.pid}/r/0/"))
    restored = alice_client.post(f"/notes/{note.pid}/restore/0/")
    assert restored.status_code == 302
    assert Note.objects.get().head.body == "Queries meet keys.\n"
    assert client.get(f"/notes/{note.pid}/r/9/").status_code == 404


def test_a_once_private_revision_is_hidden_from_others(client, alice_client, secret, fields, alice):
    secret.save_revision(fields(title="Open", body="open", tags=()), base=0, author=alice)
    for path in ("r/0/", "diff/0/1/"):
        assert client.get(f"/notes/{secret.pid}/{path}").status_code == 404
        assert alice_client.get(f"/notes/{secret.pid}/{path}").status_code == 200
    assert "canary" not in text(client.get(f"/notes/{secret.pid}/history/")).lower()
    asks = text(alice_client.get(f"/notes/{secret.pid}/restore/0/"))
    assert "private" in asks


def test_trash_and_undelete(alice_client, bob_client, client, note):
    assert alice_client.post(f"/notes/{note.pid}/delete/").url == "/trash/"
    assert client.get(note.get_absolute_url()).status_code == 404
    own = alice_client.get(note.get_absolute_url())
    assert own.status_code == 404 and f'action="/notes/{note.pid}/undelete/"' in text(own)
    assert "undelete" not in text(bob_client.get(note.get_absolute_url()))
    assert "Attention" in text(alice_client.get("/trash/"))
    assert "Attention" not in text(bob_client.get("/trash/"))
    assert bob_client.post(f"/notes/{note.pid}/undelete/").status_code == 404
    assert alice_client.post(f"/notes/{note.pid}/undelete/").status_code == 302
    assert client.get(note.get_absolute_url()).status_code == 200


def test_tags_count_only_what_the_reader_may_read(client, alice_client, note, secret):
    assert "canary" not in text(client.get("/tags/")).lower()
    assert "canary_tag" in text(alice_client.get("/tags/"))
    assert client.get("/tags/canary_tag/").status_code == 404
    assert client.get("/tags/QUOC_LE/").status_code == 200


@pytest.mark.parametrize("name", TAGS)
def test_any_tag_has_a_page(client, alice, fields, name):
    Note.objects.write(fields(tags=(name,)), owner=alice)
    index = text(client.get("/tags/")).partition('class="index')[2]
    (shown,) = re.findall(r'<li><a href="([^"]*)"', index)
    # What a browser makes of the address.
    path, _, query = urljoin("http://testserver/", unescape(shown)).partition("?")
    assert ">Attention<" in text(client.get(f"{path}?{query}"))


def test_wikilinks_follow_the_reader(client, alice_client, alice, fields, secret):
    note = Note.objects.write(fields(body="See [[Canary]] and [[Attention]]."), owner=alice)
    own, other = (
        text(alice_client.get(note.get_absolute_url())),
        text(client.get(note.get_absolute_url())),
    )
    assert secret.get_absolute_url() in own
    assert secret.get_absolute_url() not in other and 'class="missing"' in other
    assert f'href="{note.get_absolute_url()}"' in other
    note.move_to_trash(alice)
    Note.objects.write(fields(body="See [[Attention]]."), owner=alice)
    assert note.get_absolute_url() not in text(client.get("/"))


def test_list_filters_and_orders(client, alice, fields):
    for title, body, tags in [("A", "odot", "x"), ("B", r"\odot W", "x y"), ("C", "c", "y")]:
        Note.objects.write(fields(title=title, body=body, tags=tuple(tags.split())), owner=alice)
    first = Note.objects.get(title="A")
    first.save_revision(fields(title="A", body="odot two", tags=("x",)), base=0, author=alice)

    def titles(**asked):
        return re.findall(r'id="t\d+"[^>]*><a[^>]*>(\w)</a>', text(client.get("/", asked)))

    assert titles() == ["C", "B", "A"]
    assert titles(order="asc") == ["A", "B", "C"]
    assert titles(sort="modified") == ["A", "C", "B"]
    assert titles(text="ODOT") == ["B", "A"]
    assert titles(tags="y -x") == ["C"]
    assert titles(type="demo") == [] and titles(type="PAPER") == ["C", "B", "A"]
    assert titles(sort="nonsense", page="x", order="'", hide="a,,1") == ["C", "B", "A"]


def test_the_list_needs_the_same_queries_for_2_and_20_notes(
    client, alice, fields, django_assert_num_queries
):
    def ask(count):
        while Note.objects.count() < count:
            body = f"[[Note {Note.objects.count()}]] and [[nowhere]]"
            title = f"Note {Note.objects.count()}"
            Note.objects.write(fields(title=title, body=body), owner=alice)
        with django_assert_num_queries(4):
            client.get("/")

    ask(2)
    ask(20)


def test_deactivated_people_are_out_at_once(alice, alice_client, secret):
    alice.is_active = False
    alice.save()
    assert alice_client.get(secret.get_absolute_url()).status_code == 404


def test_health(client):
    assert client.get("/healthz").json()["ok"] is True


def test_admin_is_for_staff(client, bob_client, staff_client, note):
    assert client.get("/admin/").status_code == 302
    assert bob_client.get("/admin/").status_code == 302
    for page in (
        "",
        "wiki/note/",
        "wiki/revision/",
        "wiki/tag/",
        "wiki/tagchange/",
        f"wiki/note/{note.pid}/change/",
    ):
        assert staff_client.get(f"/admin/{page}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/notes/{pid}/", "/login/", "/feed.atom", "/healthz"])
def test_who_asks_only_for_the_head_of_a_page_gets_it(client, note, path):
    reply = client.head(path.format(pid=note.pid))
    assert reply.status_code == 200 and reply.content == b""
