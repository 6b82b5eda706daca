"""verify_integrity and readyz about the index: silent where all is well, each fault by its name."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from mlhooks import jobs
from mlhooks.embeddings import loaded, registry
from mlhooks.jobs.claims import Claim
from mlhooks.models import Job, Passage, SplitNote
from mlhooks.passages import split
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki import integrity

FOOTER = "This note is part of a series about kitchens; write to the author for the whole of it."
CODE = "```\nfor loaf in oven:\n    loaf.bake(minutes=40)\n```\n"


def save(note, body):
    note.refresh_from_db()
    fields = replace(note.current_fields(), body=body)
    note.save_revision(fields, base=note.head.number, author=note.owner)


@pytest.fixture
def lived_in(db, small, write, work):
    """Notes that were edited, renamed and deleted, some with the same footer."""
    gates = write("Gates", f"{GATES}\n# Code\n\n{CODE}\n")
    for number in range(5):
        write(f"Kitchen {number}", f"# Part {number}\n\n{BREAD} Day {number}.\n\n{FOOTER}\n")
    gone = write("Gone", BREAD)
    write("A title alone", "")
    work()
    save(gates, f"Something new before it all.\n\n{GATES}\n# Code\n\n{CODE}\n")
    gone.move_to_trash(gone.owner)
    work()
    gates.refresh_from_db()
    return gates


def faults(pid: int | None = None) -> dict[str, str]:
    """What verify_integrity says about passages, by check."""
    return {
        found.check: found.message
        for found in integrity.verify().problems
        if pid is None or found.pid == pid
    }


def plant(statement: str, note=None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(table=active().table, last="(SELECT max(id) FROM mlhooks_passage)"),
            {"note": note and note.pid},
        )


def test_where_all_is_well_it_only_counts(lived_in):
    report = integrity.verify()
    assert report.problems == []
    assert report.checked["passages"] == Passage.objects.count() > 8


CORRUPTIONS = {
    "a vector is missing": (
        "passage_unread",
        "DELETE FROM {table} WHERE passage ="
        " (SELECT min(passage) FROM {table} WHERE note = %(note)s)",
    ),
    "a vector of no passage": (
        "vector_of_no_passage",
        "INSERT INTO {table} SELECT 0, note, vector, sentences FROM {table}"
        " WHERE note = %(note)s LIMIT 1",
    ),
    "a passage beyond the end": (
        "passage_place",
        'UPDATE mlhooks_passage SET "end" = 100000 WHERE note = %(note)s AND start = '
        "(SELECT max(start) FROM mlhooks_passage WHERE note = %(note)s)",
    ),
    "two passages of one place": (
        "passage_place",
        "UPDATE mlhooks_passage SET start = 1 WHERE note = %(note)s AND start = "
        "(SELECT max(start) FROM mlhooks_passage WHERE note = %(note)s)",
    ),
    "a passage of another text": (
        "passage_text",
        "UPDATE mlhooks_passage SET sha256 = 'x' WHERE note = %(note)s AND start = 0",
    ),
    "a place that moved": (
        "passage_text",
        'UPDATE mlhooks_passage SET "end" = "end" - 1 WHERE note = %(note)s AND start = 0',
    ),
    "a wrong heading": (
        "passage_text",
        "UPDATE mlhooks_passage SET heading = 'x' WHERE note = %(note)s AND start = 0",
    ),
}


@pytest.mark.parametrize("what", CORRUPTIONS)
def test_each_fault_is_found(lived_in, what):
    check, statement = CORRUPTIONS[what]
    plant(statement, lived_in)
    assert list(faults()) == [check]
    assert f"ote {lived_in.pid}" in faults(lived_in.pid)[check]


def test_passages_of_a_note_that_is_gone_are_found(lived_in):
    Passage.objects.create(note=999_999, start=0, end=1, is_code=False, sha256="")
    assert faults() == {
        "passage_of_no_note": "Note 999999 is gone, and passages of it are not: 1 of them."
    }


def test_what_is_still_to_be_read_is_no_fault(lived_in):
    save(lived_in, "Another text, which nobody has read yet.")
    Job.objects.filter(key=str(lived_in.pid)).delete()
    assert faults() == {}
    SplitNote.objects.update(splitter=split.SPLITTER_VERSION - 1)
    Passage.objects.update(sha256="made in another way")
    assert faults() == {}


def test_a_note_whose_job_waits_is_left_for_later(lived_in):
    plant("UPDATE mlhooks_passage SET sha256 = 'x' WHERE note = %(note)s", lived_in)
    job = jobs.request("embed_note", key=str(lived_in.pid), payload={"pid": lived_in.pid})
    assert faults() == {}
    job.cancel()
    assert list(faults()) == ["passage_text"]


def test_without_the_tokenizer_it_says_so(lived_in, monkeypatch):
    def missing(name):
        raise registry.NoSuchModel("The package is not installed.")

    loaded.splitter.cache_clear()
    monkeypatch.setattr(registry, "locate", missing)
    assert faults() == {
        "passages": "Passages cannot be compared with the texts: The package is not installed."
    }


def test_readyz_tells_how_much_is_indexed_and_for_how_long_work_waits(
    staff_client, small, write, work, django_assert_max_num_queries
):
    write("Gates", GATES)
    work()
    assert staff_client.get("/readyz").json()["index"] == {"coverage": 1.0}
    assert staff_client.get("/readyz").json()["backlog"] == {"oldest_s": 0.0}
    for number in range(2):
        write(f"Bread {number}", BREAD)
    Job.objects.filter(state="waiting").update(run_after=Now() - timedelta(seconds=90))
    jobs.request("later", run_after=timezone.now() + timedelta(days=1))
    Claim.take(Job.objects.filter(state="waiting").first().pk, "somebody")
    with django_assert_max_num_queries(10):
        told = staff_client.get("/readyz").json()
    assert told["index"] == {"coverage": 0.3333}
    assert 90 <= told["backlog"]["oldest_s"] < 100
    assert {"ok", "database", "processes"} <= set(told)
