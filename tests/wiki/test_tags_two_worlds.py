"""Whatever bob asks or does about tags is answered as if alice had no private tags at all.

The same requests are made twice: in a notebook where alice has private notes, tags in spellings
of her own and other words for them, and in one where she has none.
"""

import re
from difflib import ndiff
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client

from tests.conftest import signed_in
from tests.wiki.world import number_from
from wiki.fields import Fields
from wiki.models import Note, Tag, TagChange, TagDifference

pytestmark = pytest.mark.django_db

# What differs from one request to the next, and numbers that count up whoever asks.
CHANGING = re.compile(
    r'(?:csrfmiddlewaretoken|submission)" value="[\w-]+"|<updated>[^<]*<|<published>[^<]*<'
    r"|\d\d-\d\d-\d{4} \d\d:\d\d(?: gmt)?|\d{4}-\d\d-\d\dT[\d:]+Z|/wiki/tag/\d+/"
    r'|/(?:tags|readers)/\d+/undo/|sha256 \w{12}|_selected_action" value="\d+"'
)
UNDO = re.compile(r'action="(/tidying/\w+/\d+/undo/)"')

# alice's tags, which bob must not hear of, and other words of hers for them, PX and hidden.
WORDS = ["GMLP", "secret_tag", "gmlps", "PX", "hidden"]
QUERIES = [f"{sign}{word}" for word in WORDS for sign in ("", "=", "-")]

READ = [
    "/",
    "/tags/",
    "/tidying/",
    "/changes/",
    "/feed.atom",
    "/print/",
    "/notes/new/?tags=px+GMLP",
    *(f"/tags/{word}/" for word in WORDS),
    *(f"/?tags={query}" for query in QUERIES),
    *(f"/tidying/tag/?tag={word}" for word in WORDS),
    *(f"/suggest/?q={word}" for word in (*WORDS, "se", "gm")),
    *(f"/search/?q=tag:{word}" for word in WORDS),
    *(f"/search/?format=json&q=-tag:{word}" for word in WORDS),
    *(f"/feed.atom?tags={word}" for word in WORDS),
    "/print/?tags=PX",
    "/index.pl?ptags=PX",
    "/notes/50001/",
    "/notes/50002/edit/",
    "/notes/50002/history/",
]
# Read again after each act.
AFTER = ["/tags/", "/tidying/", "/notes/50002/edit/", "/tags/px/"]


def tidy(tag: str, action: str, to: str = "", **said: str) -> tuple[str, dict[str, str]]:
    return "/tidying/tag/", {"tag": tag, "action": action, "to": to, **said}


def write(tags: str, **said: str) -> tuple[str, dict[str, str]]:
    start = {"title": "Typed", "body": "typed", "type": "note", "visibility": "public"}
    return "/notes/new/", {**start, "tags": tags, **said}


def save(tags: str, **said: str) -> tuple[str, dict[str, str]]:
    return "/notes/50002/edit/", write(tags, **{"base": "0", **said})[1]


def differ(one: str, other: str) -> tuple[str, dict[str, str]]:
    return "/tidying/differ/", {"one": one, "other": other}


# What bob does: the steps of a line one after the other; then he looks, then undoes the last.
ACTS = [
    [tidy("gmlp", "rename", "secret_tag"), tidy("secret_tag", "rename", "SECRET_TAG")],
    [tidy("gmlp", "rename", "GMLP"), tidy("GMLP", "rename", "GMLP"), tidy("GMLP", "delete")],
    [tidy("gmlp", "rename", "gMLP"), tidy("gmlp", "rename", "px")],
    [tidy("gmlp", "rename", "Other"), tidy("gmlp", "rename", "other", sure="1")],
    [tidy("gmlp", "alias", "Secret_Tag"), tidy("gmlp", "alias", "px"), write("PX Hidden")],
    [tidy("gmlp", "alias", "hidden"), tidy("other", "alias", "hidden")],
    [tidy("secret_tag", "rename", "mine"), tidy("px", "alias", "y"), differ("gmlp", "secret_tag")],
    [write("px hidden Secret_Tag GMLP GMLPS"), differ("gmlp", "gmlps")],
    [save("px GMLP hidden SECRET_TAG"), save("gMLP", base="1"), save("GMLP hidden", body="else")],
    [save("GMLP other", title="Bobs"), ("/notes/50002/restore/0/", {}), write("px", preview="1")],
    [("/notes/change/", {"pid": "50002", "add": "px GMLP", "remove": "hidden other"})],
    [
        ("/notes/change/?tags=px", {"every": "1", "add": "x"}),
        ("/notes/change/?tags=-secret_tag", {"every": "1", "add": "PX"}),
        ("/notes/change/", {"pid": "50003", "readers": "public", "sure": "1"}),
    ],
]


def alices_private_notes(alice: Any) -> None:
    """Write what must not be seen, before and after the notes of others."""
    for i, tags in enumerate([("GMLP", "Secret_Tag"), ("Secret_Tag", "GMLPS"), ("old_secret",)]):
        said = Fields(f"Mine {i}", "text", "", "note", tags, "private")
        Note.objects.write(said, owner=alice)
    said = Fields("Gone", "text", "", "note", ("GMLP", "w/x", "SECRET_TAG"), "public")
    Note.objects.write(said, owner=alice).move_to_trash(alice)
    TagChange.objects.rename("old_secret", "Hidden_2", author=alice)
    secret = Tag.objects.named("secret_tag").get()
    for word in ("px", "Hidden", "gmlp", "other"):
        TagChange.objects.add_alias(word, secret, author=alice)
    TagDifference.remember(alice, "gmlp", "gmlps")


def everybodys_notes(bob: Any, charlie: Any) -> None:
    number_from(50_001)
    for owner, title, tags, visibility in (
        (charlie, "Charlies", ("gMLP", "gmlps", "shared"), "public"),
        (bob, "Bobs", ("gMLP", "other"), "public"),
        (bob, "Bobs own", ("gmlp", "private_of_bob"), "private"),
    ):
        said = Fields(title, f"text of {title}", "", "note", tags, visibility)
        Note.objects.write(said, owner=owner)


def answer(client: Client, method: str, address: str, said: Any = None) -> tuple[Any, ...]:
    reply = getattr(client, method)(address, said)
    page = CHANGING.sub("", reply.getvalue().decode()).splitlines()
    return method, address, said, reply.status_code, reply.get("Location"), page


def answers(bob: Any, charlie: Any) -> list[tuple[Any, ...]]:
    """Return all replies to bob, to nobody, and to staff who are no superusers."""
    found = []
    for client in (signed_in(bob), Client()):
        found += [answer(client, "get", address) for address in READ]
    admin = ["/admin/wiki/tag/", "/admin/wiki/tag/?q=secret", "/admin/wiki/tagchange/"]
    found += [answer(signed_in(charlie), "get", address) for address in admin]
    for act in ACTS:
        with transaction.atomic():
            client = signed_in(bob)
            found += [answer(client, "post", *step) for step in act]
            found += [answer(client, "get", address) for address in AFTER]
            undo = UNDO.search(client.get("/tidying/").content.decode())
            if undo is not None:
                found.append(answer(client, "post", undo[1])[3:])
                found += [answer(client, "get", address) for address in AFTER[:3]]
            transaction.set_rollback(True)
    return found


def test_bob_is_answered_the_same_with_and_without_private_tags_of_alice(
    alice: Any, bob: Any, charlie: Any
) -> None:
    charlie.is_staff = True
    charlie.save()
    charlie.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value + is_called::int FROM wiki_note_pid_seq")
        following = cursor.fetchone()[0]
    worlds = []
    for is_there in (True, False):
        with transaction.atomic():
            if is_there:
                number_from(90_001)
                alices_private_notes(alice)
            everybodys_notes(bob, charlie)
            worlds.append(answers(bob, charlie))
            transaction.set_rollback(True)
    number_from(following)
    different = [
        (*one[:-1], [line for line in ndiff(one[-1], other[-1]) if line[0] in "+-"])
        for one, other in zip(*worlds, strict=True)
        if one != other
    ]
    assert not different, "\n".join(map(str, different))
