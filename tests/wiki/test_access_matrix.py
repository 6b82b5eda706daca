"""Who gets what from every address, in one table; what one may not read, one never sees.

A new address fails here until it has its rows. The texts and numbers that only alice and
superusers may see are in world.py, and all of them are recognised on sight.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, resolve

from tests.conftest import signed_in
from tests.wiki.world import SECRET, World, canaries
from tests.wiki.writes import rows_written

pytestmark = pytest.mark.django_db

# Nobody; bob, who owns something else; alice, who owns it; a superuser; alice after her
# account was switched off, with the session she had.
READERS = ("nobody", "other", "owner", "staff", "gone")

# Method, address, what each reader is answered, and who sees something that is alice's alone.
SITE = """
GET  /                             200 200 200 200 200  owner staff
POST /                             405 405 405 405 405
GET  /?text=canary                 200 200 200 200 200  owner staff
GET  /?tags=canary_bird            200 200 200 200 200  owner staff
GET  /?ref=Canary-1999.12          200 200 200 200 200  owner staff
GET  /notes/new/                   302 200 200 200 302
POST /notes/new/                   403 302 302 302 403
GET  /notes/change/                302 405 405 405 302
POST /notes/change/                403 422 422 422 403
GET  /?choose=1                    200 200 200 200 200  owner staff
GET  /notes/preview/               302 405 405 405 302
POST /notes/preview/               403 200 200 200 403
GET  /notes/{secret}/              404 404 200 200 404  owner staff
POST /notes/{secret}/              405 405 405 405 405
GET  /notes/{open}/                200 200 200 200 200  owner staff
GET  /notes/{secret}/edit/         302 404 200 200 302  owner staff
POST /notes/{secret}/edit/         403 404 302 302 403
GET  /notes/{open}/edit/           302 403 200 200 302
POST /notes/{open}/edit/           403 403 302 302 403
GET  /notes/{secret}/print/        404 404 200 200 404  owner staff
POST /notes/{secret}/print/        405 405 405 405 405
GET  /notes/{secret}/raw/          404 404 200 200 404  owner staff
POST /notes/{secret}/raw/          405 405 405 405 405
GET  /notes/{secret}/delete/       302 404 200 200 302  owner staff
POST /notes/{secret}/delete/       403 404 302 302 403
POST /notes/{open}/delete/         403 403 302 302 403
GET  /notes/{secret}/undelete/     302 405 405 405 302
POST /notes/{secret}/undelete/     403 404 404 404 403
POST /notes/{trashed}/undelete/    403 404 302 302 403
GET  /notes/{trashed}/             404 404 404 404 404  owner staff
GET  /notes/{trashed}/r/0/         404 404 404 404 404
GET  /notes/{secret}/history/      404 404 200 200 404  owner staff
POST /notes/{secret}/history/      405 405 405 405 405
GET  /notes/{published}/history/   200 200 200 200 200  owner staff
GET  /notes/{secret}/r/0/          404 404 200 200 404  owner staff
POST /notes/{secret}/r/0/          405 405 405 405 405
GET  /notes/{published}/r/0/       404 404 200 200 404  owner staff
GET  /notes/{secret}/diff/0/1/     404 404 200 200 404  owner staff
POST /notes/{secret}/diff/0/1/     405 405 405 405 405
GET  /notes/{published}/diff/0/1/  404 404 200 200 404  owner staff
GET  /notes/{published}/diff/1/0/  404 404 200 200 404  owner staff
GET  /notes/{secret}/restore/0/    302 404 200 200 302  owner staff
POST /notes/{secret}/restore/0/    403 404 302 302 403
GET  /notes/{published}/restore/0/ 302 403 200 200 302
POST /notes/{published}/restore/0/ 403 403 302 302 403
GET  /files/{open}_1.bin           200 200 200 200 200
POST /files/{open}_1.bin           405 405 405 405 405
GET  /files/{secret}_1.bin         404 404 200 200 404  owner staff
POST /files/{secret}_1.bin         405 405 405 405 405
GET  /files/{open}_2_thumb.png     200 200 200 200 200
POST /files/{open}_2_thumb.png     405 405 405 405 405
GET  /files/{secret}_2_thumb.png   404 404 200 200 404
POST /files/{secret}_2_thumb.png   405 405 405 405 405
GET  /files/{published}_1.bin      404 404 200 200 404  owner staff
GET  /files/{published}_2.png      404 404 200 200 404
GET  /files/{published}_2_thumb.png 404 404 200 200 404
GET  /files/{open}_3.bin           404 404 200 404 404  owner
GET  /files/{open}_4.bin           404 404 404 404 404
GET  /files/{token}.bin            404 404 200 404 404  owner
POST /files/{token}.bin            405 405 405 405 405
GET  /notes/new/files/             302 405 405 405 302
POST /notes/new/files/             403 400 400 400 403
GET  /notes/{open}/files/          302 403 200 200 302
POST /notes/{open}/files/          403 404 400 400 403
GET  /notes/{secret}/files/        302 404 200 200 302  owner staff
POST /notes/{secret}/files/        403 404 400 400 403
GET  /notes/{secret}/files/1/remove/ 302 404 200 200 302  owner staff
POST /notes/{secret}/files/1/remove/ 403 404 302 302 403
POST /notes/{secret}/files/9/remove/ 403 404 404 404 403
GET  /notes/{open}/files/3/remove/ 302 403 200 404 302
POST /notes/{open}/files/1/remove/ 403 403 302 302 403
GET  /import/                      302 200 200 200 302
POST /import/                      403 422 422 422 403
GET  /import/start/                302 405 405 405 302
POST /import/start/                403 404 404 404 403
GET  /import/cancel/               302 405 405 405 302
POST /import/cancel/               403 404 404 404 403
GET  /import/report/               302 404 404 404 302
POST /import/report/               403 405 405 405 403
GET  /print/                       200 200 200 200 200  owner staff
POST /print/                       405 405 405 405 405
GET  /print/?text=canary           200 200 200 200 200  owner staff
GET  /changes/                     200 200 200 200 200  owner staff
POST /changes/                     405 405 405 405 405
GET  /trash/                       302 200 200 200 302  owner staff
POST /trash/                       403 405 405 405 403
GET  /samples/remove/              302 404 200 200 302  owner staff
POST /samples/remove/              403 404 302 302 403
GET  /samples/undelete/            302 405 405 405 302
POST /samples/undelete/            403 404 302 302 403
GET  /tidying/                     302 200 200 200 302  owner staff
POST /tidying/                     403 405 405 405 403
GET  /tidying/tag/?tag=open        302 200 200 200 302
GET  /tidying/tag/?tag=canary_bird 302 404 200 200 302
POST /tidying/tag/                 403 404 404 404 403
GET  /tidying/tag/?tag=CANARY_Bird 302 404 200 200 302  owner staff
GET  /tidying/tag/?tag=birdie      302 404 404 404 302
POST /tidying/tag/?tag=canary_bird&action=rename&to=x   403 404 302 302 403
POST /tidying/tag/?tag=canary_bird&action=delete        403 404 302 302 403
POST /tidying/tag/?tag=canary_bird&action=alias&to=x    403 404 422 302 403
POST /tidying/tag/?tag=birdie&action=rename&to=x        403 404 404 404 403
POST /tidying/tag/?tag=open&action=rename&to=CANARY_Bird 403 302 200 200 403  owner staff
POST /tidying/tag/?tag=open&action=rename&to=birdie     403 302 302 302 403
POST /tidying/tag/?tag=open&action=alias&to=canary_bird 403 302 422 422 403
POST /tidying/tag/?tag=open&action=alias&to=birdie      403 302 422 422 403  owner staff
POST /tidying/tag/?tag=open&action=alias&to=OPENED      403 422 422 422 403
POST /tidying/differ/?one=canary_bird&other=open        403 404 302 302 403
POST /tidying/tags/{alias}/undo/   403 404 302 302 403
GET  /tidying/differ/              302 405 405 405 302
POST /tidying/differ/              403 404 404 404 403
GET  /tidying/tags/{change}/undo/  302 405 405 405 302
POST /tidying/tags/{change}/undo/  403 404 404 302 403
POST /tidying/readers/1/undo/      403 404 404 404 403
POST /tidying/nothing/1/undo/      403 404 404 404 403
GET  /search/                      200 200 200 200 200  owner staff
POST /search/                      405 405 405 405 405
GET  /search/?q=canary             200 200 200 200 200  owner staff
GET  /search/?q=canry              200 200 200 200 200  owner staff
GET  /search/?q=-open              200 200 200 200 200  owner staff
GET  /search/?typing=1&q=cana      200 200 200 200 200  owner staff
GET  /search/?format=json&q=cana   200 200 200 200 200  owner staff
GET  /tags/                        200 200 200 200 200  owner staff
POST /tags/                        405 405 405 405 405
GET  /tags/canary_bird/            404 404 200 200 404  owner staff
POST /tags/canary_bird/            405 405 405 405 405
GET  /tags/open/                   200 200 200 200 200  owner staff
GET  /tags/OPEN/                   200 200 200 200 200  owner staff
GET  /tags/Opened/                 302 302 302 302 302
GET  /tags/CANARY_bird/            404 404 200 200 404  owner staff
GET  /tags/canary_tag/             404 404 404 404 404
GET  /tags/birdie/                 404 404 302 302 404
GET  /?tags=birdie                 200 200 200 200 200  owner staff
GET  /?tags=-birdie                200 200 200 200 200  owner staff
GET  /print/?tags=%3Dbirdie        200 200 200 200 200  owner staff
GET  /search/?q=tag:birdie         200 200 200 200 200  owner staff
GET  /search/?format=json&q=-tag:birdie 200 200 200 200 200
GET  /feed.atom?tags=birdie        200 200 200 200 200
GET  /suggest/?q=birdie            200 200 200 200 200  owner staff
GET  /suggest/?q=opene             200 200 200 200 200
POST /notes/new/?tags=birdie       403 302 302 302 403
POST /notes/{open}/edit/?tags=birdie    403 403 302 302 403
POST /notes/change/?tags=birdie&every=1&add=x  403 422 302 302 403
GET  /suggest/?q=canary            200 200 200 200 200  owner staff
GET  /suggest/?q=open              200 200 200 200 200
POST /suggest/                     405 405 405 405 405
GET  /links/                       200 200 200 200 200  owner staff
POST /links/                       405 405 405 405 405
GET  /links/orphans/               200 200 200 200 200  owner staff
POST /links/orphans/               405 405 405 405 405
GET  /feed.atom 200 200 200 200 200
POST /feed.atom                    405 405 405 405 405
GET  /feed.atom?text=canary        200 200 200 200 200
GET  /index.pl                     302 302 302 302 302
POST /index.pl                     405 405 405 405 405
GET  /index.pl?pid={secret}        404 404 302 302 404
GET  /index.pl?pid={trashed}       404 404 404 404 404
GET  /healthz                      200 200 200 200 200
POST /healthz                      405 405 405 405 405
GET  /readyz                       503 503 503 503 503
POST /readyz                       405 405 405 405 405
GET  /favicon.ico                  302 302 302 302 302
POST /favicon.ico                  405 405 405 405 405
GET  /login/                       200 200 200 200 200
POST /login/                       422 422 422 422 422
GET  /logout/                      405 405 405 405 405
POST /logout/                      302 302 302 302 302
GET  /sign-in/{link}/              200 200 200 200 200
POST /sign-in/{link}/              302 302 302 302 302
GET  /account/                     302 200 200 200 302
POST /account/                     403 405 405 405 403
GET  /account/password/            302 405 405 405 302
POST /account/password/            403 422 422 422 403
GET  /account/sessions/            302 405 405 405 302
POST /account/sessions/            403 302 302 302 403
GET  /admin/login/                 302 404 404 302 302
POST /admin/login/                 405 405 405 405 405
GET  /admin/logout/                405 405 405 405 405
POST /admin/logout/                302 302 302 302 302
GET  /notes/{secret}/read/         302 405 405 405 302
POST /notes/{secret}/read/         403 404 302 302 403
POST /notes/{open}/read/           403 403 302 302 403
GET  /jobs/                        302 404 404 200 302  staff
POST /jobs/                        403 405 405 405 403
GET  /jobs/retry/                  302 405 405 405 302
POST /jobs/retry/                  403 404 404 302 403
GET  /jobs/{job}/                  302 404 404 200 302  staff
POST /jobs/{job}/                  403 405 405 405 403
GET  /jobs/{done}/retry/           302 405 405 405 302
POST /jobs/{done}/retry/           403 404 404 302 403
GET  /jobs/{job}/cancel/           302 405 405 405 302
POST /jobs/{job}/cancel/           403 404 404 302 403
"""

# The admin, for staff: address, answers to GET and to POST, and whether each shows something
# that is alice's. Everybody else is led to the login, or answered 403 with the login form.
ADMIN = """
/admin/                                    200 200 -     -
/admin/password_change/                    200 200 -     -
/admin/password_change/done/               200 405 -     -
/admin/autocomplete/                       403 405 -     -
/admin/jsi18n/                             200 405 -     -
/admin/r/{note_type}/{secret}/             302 302 -     -
/admin/auth/group/                         200 200 -     -
/admin/auth/group/add/                     200 200 -     -
/admin/auth/group/{group}/history/         200 200 -     -
/admin/auth/group/{group}/delete/          200 302 -     -
/admin/auth/group/{group}/change/          200 200 -     -
/admin/auth/group/{group}/                 302 302 -     -
/admin/auth/user/{user}/password/          200 200 -     -
/admin/auth/user/                          200 200 -     -
/admin/auth/user/add/                      200 200 -     -
/admin/auth/user/{user}/history/           200 200 -     -
/admin/auth/user/{user}/delete/            200 200 -     -
/admin/auth/user/{user}/change/            200 200 -     -
/admin/auth/user/{user}/                   302 302 -     -
/admin/wiki/note/                          200 200 staff staff
/admin/wiki/note/add/                      403 403 -     -
/admin/wiki/note/{secret}/history/         200 200 staff staff
/admin/wiki/note/{secret}/delete/          403 403 -     -
/admin/wiki/note/{secret}/change/          200 403 staff -
/admin/wiki/note/{secret}/                 302 302 -     -
/admin/wiki/revision/                      200 200 staff staff
/admin/wiki/revision/add/                  403 403 -     -
/admin/wiki/revision/{revision}/history/   200 200 staff staff
/admin/wiki/revision/{revision}/delete/    403 403 -     -
/admin/wiki/revision/{revision}/change/    200 403 staff -
/admin/wiki/revision/{revision}/           302 302 -     -
/admin/wiki/tag/                           200 200 staff staff
/admin/wiki/tag/add/                       403 403 -     -
/admin/wiki/tag/{tag}/history/             200 200 staff staff
/admin/wiki/tag/{tag}/delete/              403 403 -     -
/admin/wiki/tag/{tag}/change/              200 403 staff -
/admin/wiki/tag/{tag}/                     302 302 -     -
/admin/wiki/tagchange/                     200 200 staff staff
/admin/wiki/tagchange/add/                 403 403 -     -
/admin/wiki/tagchange/{change}/history/    200 200 staff staff
/admin/wiki/tagchange/{change}/delete/     403 403 -     -
/admin/wiki/tagchange/{change}/change/     200 403 staff -
/admin/wiki/tagchange/{change}/            302 302 -     -
/admin/mlhooks/job/                        200 200 staff staff
/admin/mlhooks/job/add/                    403 403 -     -
/admin/mlhooks/job/{job}/history/          200 200 staff staff
/admin/mlhooks/job/{job}/delete/           403 403 -     -
/admin/mlhooks/job/{job}/change/           200 403 staff -
/admin/mlhooks/job/{job}/                  302 302 -     -
/admin/mlhooks/encoderindex/               200 405 -     -
/admin/mlhooks/encoderindex/build/         405 422 -     -
/admin/mlhooks/encoderindex/cancel/        405 302 -     -
/admin/mlhooks/encoderindex/answer/        405 404 -     -
/admin/mlhooks/encoderindex/delete/        405 404 -     -
/admin/wiki/                               200 200 -     -
/admin/nowhere/                            404 404 -     -
"""

# Sent with every POST, by whoever it is, besides what the query of its address says.
FORM = {
    "title": "Typed",
    "body": "typed",
    "type": "note",
    "visibility": "private",
    "base": "1",
}


@dataclass(frozen=True)
class Row:
    """What one request is answered, for each reader; and which readers see a canary."""

    method: str
    address: str
    statuses: dict[str, int]
    seers: frozenset[str]


def table() -> Iterator[Row]:
    for line in SITE.strip().splitlines():
        method, address, *rest = line.split()
        statuses = dict(zip(READERS, map(int, rest[:5]), strict=True))
        yield Row(method, address, statuses, frozenset(rest[5:]))
    for line in ADMIN.strip().splitlines():
        address, *rest = line.split()
        for method, status, seer in (("GET", rest[0], rest[2]), ("POST", rest[1], rest[3])):
            away = 302 if method == "GET" else 403
            statuses = {"nobody": away, "other": 302, "owner": 302, "gone": away}
            seers = frozenset({seer} - {"-"})
            yield Row(method, address, {**statuses, "staff": int(status)}, seers)


TABLE = list(table())


def routes(resolver: Any, before: str = "") -> Iterator[str]:
    """Give the route of every address there is, the admin's and the ML app's too."""
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, route)
        else:
            yield route


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_has_a_row(method: str, world: World) -> None:
    rows = [row for row in TABLE if row.method == method]
    said = {resolve(row.address.format(**world.numbers).partition("?")[0]).route for row in rows}
    lacking = sorted(set(routes(get_resolver())) - said)
    assert not lacking, f"Say in this file who may {method} these new addresses: {lacking}"


@pytest.mark.parametrize("reader", READERS)
def test_who_gets_what(reader: str, world: World, alice: Any, bob: Any, staff: Any) -> None:
    people = {"other": bob, "owner": alice, "staff": staff, "gone": alice}
    cookies = signed_in(people[reader]).cookies if reader in people else SimpleCookie()
    if reader == "gone":
        alice.is_active = False
        alice.save()
    client = Client(raise_request_exception=False)
    wrong = []
    for row in TABLE:
        client.cookies = SimpleCookie(cookies.output(header="", sep=";"))
        with transaction.atomic():
            wrong += unexpected(row, reader, world, client)
            transaction.set_rollback(True)
    assert not wrong, "\n" + "\n".join(wrong)


def unexpected(row: Row, reader: str, world: World, client: Client) -> Iterator[str]:
    """Make one request; say what differs from its row."""
    address = row.address.format(**world.numbers)
    before = rows_written()
    sent = FORM | dict(parse_qsl(address.partition("?")[2])) if row.method == "POST" else None
    reply = getattr(client, row.method.lower())(address, sent)
    what = f"{row.method} {row.address} as {reader}"
    if reply.status_code != row.statuses[reader]:
        yield f"{what}: {reply.status_code} instead of {row.statuses[reader]}"
    content = reply.getvalue().decode(errors="replace")
    seen = sorted(set(canaries(without_asked(content, address))))
    if bool(seen) != (reader in row.seers):
        yield f"{what}: sees {seen or 'nothing'}"
    if seen and "private" not in reply["Cache-Control"]:
        yield f"{what}: may be kept by a cache"
    if row.method == "GET" or is_refused(reply):
        # A wrong password is counted, also where its form is refused.
        changed = set(rows_written() - before) - {"axes_accessattempt"}
        if changed:
            yield f"{what}: wrote rows of {sorted(changed)}"


def without_asked(page: str, address: str) -> str:
    """Leave out of a page what the reader already knew: the address, and what was looked for."""
    query = address.partition("?")[2]
    for known in (address, quote(address), *(value for _, value in parse_qsl(query))):
        page = page.replace(known or "\0", "")
    return page


def is_refused(reply: Any) -> bool:
    to_login = re.match("/(admin/)?login/", reply.get("Location", ""))
    return reply.status_code >= 400 or bool(to_login)


def test_the_table_would_notice(world: World, staff: Any) -> None:
    """Rows that claim too little are found wrong: the canaries are there to be seen."""
    blind = [Row(row.method, row.address, row.statuses, frozenset()) for row in TABLE]
    client = signed_in(staff)
    address = f"/notes/{world.secret.pid}/"
    rows = [row for row in blind if row.address.format(**world.numbers) == address]
    wrong = [line for row in rows for line in unexpected(row, "staff", world, client)]
    assert SECRET.title in world.secret.title and "'Canary'" in "".join(wrong)
