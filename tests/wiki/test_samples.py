"""The sample notes: sound in themselves, added once, removed by one click."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wiki import integrity, signals
from wiki.accounts import sign_in_links
from wiki.importers import sample
from wiki.importers.item import Unreadable
from wiki.importers.outcome import Outcome
from wiki.importers.owners import People
from wiki.importers.validation import complaint
from wiki.importers.writer import Writer
from wiki.management.commands.up import Command
from wiki.markup import link_key, render
from wiki.markup.equations import Formula
from wiki.markup.markdown import parse
from wiki.markup.math import set_formula
from wiki.models import Note
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey

ITEMS = list(sample.read())
STATES = [state for item in ITEMS for state in item.states]
# Named on purpose although nobody has written them.
RED = {"grid cells", "toeplitz matrices"}
FENCES = {"transformer", "encoder-attention", "gmlp", "sequence", "commonsense", "concept"}
REF = re.compile(r"[A-Z][A-Za-z]+-(?:19|20)\d\d\.(?:0[1-9]|1[0-2])|dAscoli-2022\.01")


rendered_once = cache(sandbox.render)


@pytest.fixture(autouse=True)
def quick_rendering(monkeypatch):
    """The same texts, many times: most of the run."""
    monkeypatch.setattr(sandbox, "render", rendered_once)


def text(reply):
    return reply.content.decode()


@pytest.fixture
def samples(staff):
    """The sample notes, owned by the superuser `staff`."""
    assert sample.add_to_empty(lambda: staff) == len(ITEMS)
    return Note.objects.samples()


@pytest.fixture
def bells():
    """The pids each bell was rung for, by bell."""
    heard = {signals.note_removed: [], signals.revision_saved: []}
    hear = {
        bell: lambda note, pids=pids, **_: pids.append(note.pid) for bell, pids in heard.items()
    }
    for bell, listener in hear.items():
        bell.connect(listener)
    yield heard
    for bell, listener in hear.items():
        bell.disconnect(listener)


def edit(note, author):
    fields = replace(note.head.fields, body="Mine now.\n")
    return note.save_revision(fields, base=note.head.number, author=author)


def test_each_file_is_a_note_with_an_honest_history():
    assert 14 <= len(ITEMS) <= 16
    for item in ITEMS:
        assert complaint(item) is None and not item.notices
        assert [state.number for state in item.states] == list(range(len(item.states)))
        dates = [state.created for state in item.states]
        assert dates == sorted(set(dates)) and dates[-1] < datetime.now(UTC)
        assert len({state.body for state in item.states}) == len(item.states)
        assert all(state.summary for state in item.states[1:]), item.path
    assert max(len(item.states) for item in ITEMS) == 6
    by_creation = sorted(ITEMS, key=lambda item: item.created)
    assert by_creation != sorted(ITEMS, key=lambda item: item.head.created)


def test_they_show_what_a_notebook_can_hold():
    heads = [item.head for item in ITEMS]
    assert {head.type for head in heads} == {"paper", "note", "demo"}
    assert [head.visibility for head in heads].count("private") == 1
    slots = [slot.kind for head in heads for slot in render(head.body, FENCES).slots]
    assert set(slots) >= FENCES
    html = "".join(str(render(head.body)) for head in heads)
    for element in ("<table", "footnotes", 'type="checkbox"', "<dl>", "language-python", "<math"):
        assert element in html, element


def test_refs_are_author_year_and_month():
    refs = {state.ref for state in STATES if state.ref}
    assert len(refs) >= 6 and all(REF.fullmatch(ref) for ref in refs)
    assert all(state.ref for state in STATES if state.type == "paper")


def test_each_link_leads_to_a_sample_but_the_two_that_are_missing_on_purpose():
    titles = {link_key(item.head.title) for item in ITEMS}
    named = set().union(*(render(state.body).link_keys() for state in STATES))
    assert named - titles == RED
    private = {link_key(item.head.title) for item in ITEMS if item.head.visibility == "private"}
    assert not named & private


def test_each_formula_is_set():
    found = [piece for state in STATES for piece in parse(state.body).pieces]
    formulas = [piece for piece in found if isinstance(piece, Formula)]
    assert len(formulas) > 300
    unset = [one.tex for one in formulas if set_formula(one.tex, display=one.display).failure]
    assert not unset


def test_their_code_does_what_they_say():
    body = next(item.head.body for item in ITEMS if item.path.endswith("recurrences-worth-knowing"))
    (code,) = re.findall(r"```python\n(.*?)```", body, re.DOTALL)
    said, names = [], {"print": lambda value: said.append(value)}
    exec(code, names)
    assert said == [3, -4]


@pytest.mark.parametrize(
    ("file", "complains"),
    [
        ("title: T\ndate: 2020-01-01 10:00\ncolour: red\n\nx", "colour"),
        ("title: T\n\nx", "lacks date"),
        ("title: T\ntitle: T\ndate: 2020-01-01 10:00\n\nx", "title: T"),
    ],
)
def test_a_file_that_is_no_note_is_named(file, complains, tmp_path, monkeypatch):
    (tmp_path / "01-bad").mkdir()
    (tmp_path / "01-bad" / "0.md").write_text(file)
    monkeypatch.setattr(sample, "NOTES", tmp_path)
    with pytest.raises(Unreadable, match=complains):
        list(sample.read())


def test_they_come_with_their_history_and_belong_to_the_owner(samples, staff):
    assert {note.owner for note in samples} == {staff}
    note = samples.get(title="Attention is all you need")
    assert (
        list(note.revisions.order_by("number").values_list("source", "author_name"))
        == [("import", "staff")] * 6
    )
    assert (note.created.year, note.modified.year, note.head.number) == (2018, 2024, 5)
    assert integrity.verify().ok


def test_importing_them_again_changes_nothing(samples, staff):
    writer = Writer(People(staff), visibility="public", last_pid=0, dry_run=False)
    results = writer.write(ITEMS, [Survey()] * len(ITEMS))
    assert {result.outcome for result in results} == {Outcome.UNCHANGED}
    assert samples.count() == len(ITEMS)


def test_they_come_only_into_a_notebook_that_never_had_a_note(note, alice):
    assert sample.add_to_empty(lambda: alice) == 0
    note.move_to_trash(alice)
    assert sample.add_to_empty(lambda: alice) == 0
    assert not Note.objects.samples().exists()


def test_all_come_or_none(staff, monkeypatch):
    bad = replace(ITEMS[-1], states=(replace(ITEMS[-1].head, type="poem"),))
    monkeypatch.setattr(sample, "read", lambda: iter([*ITEMS[:3], bad]))
    with pytest.raises(Unreadable, match=r"^16-deep-symbolic-regression: .*poem"):
        sample.add_to_empty(lambda: staff)
    assert not Note.objects.exists()


def up(*, no_sample):
    command = Command(stdout=io.StringIO())
    command._wants_samples = not no_sample
    command._add_samples(None, None)
    return command.stdout.getvalue()


@pytest.mark.django_db
def test_up_adds_them_once_and_says_so():
    assert up(no_sample=True) == "" and not Note.objects.exists()
    assert up(no_sample=False).startswith("Added 16 sample notes; ")
    assert Note.objects.first().owner == sign_in_links.default_owner()
    assert up(no_sample=False) == ""
    Note.objects.change_each(lambda note: note.move_to_trash(sign_in_links.default_owner()))
    assert up(no_sample=False) == "" and Note.objects.count() == 16


def test_the_list_offers_to_remove_them_to_whom_they_belong(
    samples, staff_client, bob_client, client
):
    assert "16 notes here are samples" in text(staff_client.get("/"))
    for other in (bob_client, client):
        assert "are samples" not in text(other.get("/"))
    assert "are samples" not in text(staff_client.get("/?tags=attention"))


def test_the_offer_costs_one_query_and_visitors_none(samples, staff_client, client):
    for reader, expected in ((staff_client, 1), (client, 0)):
        with CaptureQueriesContext(connection) as seen:
            reader.get("/")
        assert sum('"import_key"::text LIKE' in query["sql"] for query in seen) == expected


def test_the_question_is_answered_from_an_index(samples, staff, fields):
    for _ in range(100):
        Note.objects.write(fields(), owner=staff)
    asked = Note.objects.editable_by(staff).samples().as_imported()
    with connection.cursor() as cursor:
        # What the planner knows of the tables is of these notes, not of an earlier test's.
        cursor.execute("ANALYZE wiki_note, wiki_revision")
        cursor.execute("SET LOCAL enable_seqscan = off")
    # Either begins with the samples.
    assert re.search("note_sample|note_imported_once", asked.explain())


def test_one_click_removes_them_all_and_one_more_brings_them_back(
    samples, staff, staff_client, fields, bells
):
    own = Note.objects.write(fields(), owner=staff)
    gone, back = bells[signals.note_removed], bells[signals.revision_saved]
    back.clear()
    reply = staff_client.post("/samples/remove/", follow=True)
    assert reply.redirect_chain == [("/trash/", 302)]
    assert "16 sample notes are in the trash." in text(reply)
    assert sorted(gone) == sorted(samples.values_list("pid", flat=True))
    assert [note.pid for note in Note.objects.visible_to(staff)] == [own.pid]
    assert integrity.verify().ok and sample.add_to_empty(lambda: staff) == 0
    assert "are samples" not in text(staff_client.get("/"))
    assert staff_client.post("/samples/undelete/").url == "/"
    assert sorted(back) == sorted(gone) and Note.objects.visible_to(staff).count() == 17
    assert integrity.verify().ok


def test_an_edited_sample_is_kept_and_named(samples, staff, staff_client):
    edited = samples.get(title="Softmax")
    edit(edited, staff)
    asked = text(staff_client.get("/samples/remove/"))
    assert "15 sample notes disappear" in asked and "Softmax</a>." in asked
    assert Note.objects.filter(deleted=None).count() == 16
    page = text(staff_client.post("/samples/remove/", follow=True))
    assert "15 sample notes are in the trash. Kept, because they were edited here:" in page
    assert f"{{{edited.pid}}} Softmax." in page
    assert list(Note.objects.filter(deleted=None)) == [edited]
    assert "are samples" not in text(staff_client.get("/"))


def test_clicking_twice_is_no_error(samples, staff_client):
    staff_client.post("/samples/remove/")
    assert "No sample note was left to remove." in text(
        staff_client.post("/samples/remove/", follow=True)
    )


@pytest.mark.parametrize("path", ["/samples/remove/", "/samples/undelete/"])
def test_for_others_there_is_nothing_to_remove(samples, charlie_client, client, path):
    assert charlie_client.post(path).status_code == 404
    assert charlie_client.get("/samples/remove/").status_code == 404
    assert client.get(path).url == f"/login/?next={path}"
    assert client.post(path).status_code == 403
    assert samples.filter(deleted=None).count() == 16
