"""The same form sent twice at the same time is one revision."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.drills.rig import Site
from tests.drills.visitor import Reply, Visitor

FORMS_PER_ROUND = 10


def send_twice(visitor: Visitor, path: str, fields: dict[str, str]) -> list[Reply]:
    """Send a form as a double click does: two requests of one session at once."""
    pair = [visitor.twin(), visitor.twin()]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: one.send(path, fields), pair))


def test_edits_sent_twice_are_saved_once(
    site: Site, rounds: int, tell: Callable[[str], None]
) -> None:
    (visitor,) = site.visitors(1)
    pid = visitor.write_note("Sent twice", "Revision 0.\n")
    doubles = rounds * FORMS_PER_ROUND
    for number in range(1, doubles + 1):
        fields = visitor.get(f"/notes/{pid}/edit/").form()
        replies = send_twice(visitor, f"/notes/{pid}/edit/", {**fields, "body": f"{number}\n"})
        assert [reply.status for reply in replies] == [302, 302], replies
    rows = site.query("SELECT body FROM wiki_revision WHERE note_id = %s ORDER BY number", [pid])
    assert rows[1:] == [(f"{number}\n",) for number in range(1, doubles + 1)]
    tell(f"{doubles} edits sent twice at once, {len(rows) - 1} revisions")


def test_new_notes_sent_twice_are_written_once(
    site: Site, rounds: int, tell: Callable[[str], None]
) -> None:
    (visitor,) = site.visitors(1)
    titles = [f"Double {number}" for number in range(rounds * FORMS_PER_ROUND)]
    for title in titles:
        fields = visitor.get("/notes/new/").form()
        replies = send_twice(visitor, "/notes/new/", {**fields, "title": title, "body": title})
        assert [reply.status for reply in replies] == [302, 302], replies
        assert replies[0].location == replies[1].location
    rows = site.query("SELECT title FROM wiki_note WHERE title LIKE 'Double %%' ORDER BY pid", ())
    assert rows == [(title,) for title in titles]
    assert site.command("verify_integrity")["ok"]
    tell(f"{len(titles)} new notes sent twice at once, {len(rows)} notes")
