"""How often pages ask the database: never more for more rows, and never often."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import pages_of_the_site as site
from tests.conftest import person, signed_in
from wiki import extensions
from wiki.fields import Fields
from wiki.models import Note

pytestmark = pytest.mark.django_db

# Pages that show one row per note, tag or revision.
LISTS = ["/", "/?sort=modified&text=meet&tags=many", "/print/", "/tags/", "/tags/many/"]
LISTS += ["/changes/", "/feed.atom", "/trash/", "/notes/{pid}/", "/notes/{pid}/history/"]
LISTS += ["/links/", "/links/orphans/"]
LISTS += ["/search/?q=meet+tag:many", "/search/"]
MAX_QUERIES = 12
# Words that no note has are looked for in three ways, and then there is a second search.
MORE = {"corrected results": 16, "no result": 16, "no result because of an operator": 16}
# Each list of jobs, each worker, and how far the index is; for staff alone.
MORE |= {"jobs": 17}


def queries(client: Client, path: str) -> list[str]:
    # Whatever an earlier page left there would be asked less often now.
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured]


def grow(first: Note, count: int, fields: Callable[..., Fields]) -> None:
    """Write notes until there are so many, as many in the trash, and revisions of the first."""
    for i in range(Note.objects.count(), count * 2):
        body = f"Queries meet [[First]], [[Note {i}]], [[No note {i}]] and $x_{{{i}}}$.\n"
        said = fields(title=f"Note {i}", tags=("many", f"tag_{i}"), body=body)
        note = Note.objects.write(said, owner=first.owner)
        if i % 2:
            note.move_to_trash(first.owner)
    for i in range(first.revisions.count(), count):
        said = fields(title="First", tags=("many",), body=f"Take {i}.\n")
        first.save_revision(said, base=i - 1, author=first.owner)


def test_lists_ask_as_often_for_20_rows_as_for_2(alice, alice_client, fields) -> None:
    first = Note.objects.write(fields(title="First", tags=("many",)), owner=alice)
    counts = []
    for count in (2, 20):
        grow(first, count, fields)
        paths = [path.format(pid=first.pid) for path in LISTS]
        counts.append({path: len(queries(alice_client, path)) for path in paths})
    assert counts[0] == counts[1]


def test_no_page_asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    # What stands at the end of the top line is remembered: one page in many asks for it.
    monkeypatch.setattr(extensions, "top_line", [])
    people = {name: person(name, is_staff=True, is_superuser=True) for name in (site.OWNER,)}
    people[site.READER] = person(site.READER)
    numbers = site.make_site(people[site.OWNER])
    for kind in site.KINDS:
        for reader in kind.readers:
            client = signed_in(people[reader]) if reader in people else Client()
            if kind.form is None and kind.status == 200:
                asked = queries(client, kind.path.format(**numbers))
                most = MORE.get(kind.name, MAX_QUERIES)
                assert len(asked) <= most, f"{kind.name}: {len(asked)}\n" + "\n".join(asked)
