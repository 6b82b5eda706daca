"""From a save to the index: what is embedded, what is reused, what is forgotten."""

from dataclasses import replace

import pytest
from django.db import connection, transaction

from mlhooks import gateway
from mlhooks.indexes import boilerplate, embedder, index_build, store
from mlhooks.jobs.claims import Claim
from mlhooks.models import EncoderIndex, IndexedNote, Job, NoteBlocks, Passage, SplitNote
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki import signals
from wiki.fields import Fields
from wiki.measuring.benchmarks.population import write_many
from wiki.models import Note

FOOTER = "This note is part of a series about kitchens; write to the author for the whole of it."


def vectors(note: Note) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT passage FROM {active().table} WHERE note = %s", [note.pid])
        return {passage for (passage,) in cursor.fetchall()}


def passages(note: Note) -> list[Passage]:
    return list(Passage.objects.filter(note=note.pid).order_by("start"))


def embedded(note: Note) -> list[str]:
    """The texts that were embedded, by their hashes."""
    (cut,) = embedder.split_notes(active(), list(gateway.heads([note.pid]).values()))
    assert {p.sha256 for p in cut.passages} == {p.sha256 for p in passages(note)}
    return [p.text for p in cut.passages]


def edit(note: Note, body: str, **changes: str) -> None:
    fields = replace(note.current_fields(), body=body, **changes)
    note.save_revision(fields, base=note.head.number, author=note.owner)
    note.refresh_from_db()


def test_a_save_asks_for_its_note_in_its_own_transaction(db, write):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        write("Gates", GATES)
        raise ZeroDivisionError
    assert not Job.objects.exists()
    note = write("Gates", GATES)
    job = Job.objects.get()
    assert (job.kind, job.key) == ("embed_note", str(note.pid))


def test_every_passage_of_a_note_gets_a_vector(db, write, work):
    note = write("Gates", GATES)
    (job,) = work()
    assert job.state == "done"
    first, second = passages(note)
    assert GATES[first.start : first.end].startswith("The gate begins")
    assert second.heading == "Why it works"
    assert vectors(note) == {first.pk, second.pk}
    indexed = IndexedNote.objects.get()
    assert (indexed.note, indexed.revision, indexed.index) == (note.pid, 0, active())


def test_only_a_changed_passage_is_embedded(db, write, work):
    note = write("Gates", GATES)
    work()
    before = passages(note)
    edit(note, GATES.replace("near zero", "close to zero"))
    (job,) = work()
    assert job.result["embedded"] == 1 and job.result["reused"] == 1
    after = passages(note)
    assert [p.sha256 for p in after] != [p.sha256 for p in before]
    # The second moved by four characters and is the same row still.
    assert after[1].pk == before[1].pk and after[1].start == before[1].start + 4
    assert vectors(note) == {p.pk for p in after}
    assert IndexedNote.objects.get().revision == 1


def test_what_does_not_change_the_text_embeds_nothing(db, write, work):
    note = write("Gates", GATES)
    work()
    edit(note, GATES, ref="Liu-2021")
    (job,) = work()
    assert job.result["embedded"] == 0
    assert IndexedNote.objects.get().revision == 1


def test_a_new_title_is_read_with_every_passage(db, write, work):
    note = write("Gates", GATES)
    work()
    edit(note, GATES, title="Gating units")
    (job,) = work()
    assert job.result["embedded"] == 2


def test_a_note_without_text_is_found_by_its_title(db, write, work):
    note = write("Gates", "")
    work()
    assert len(vectors(note)) == 1


def test_the_same_paragraph_twice_is_read_once_and_kept_twice(db, write, work):
    note = write("Bread", f"# Loaves\n\n{BREAD}\n\n# Loaves\n\n{BREAD}\n")
    work()
    found = passages(note)
    assert vectors(note) == {p.pk for p in found}
    assert len({p.start for p in found}) == len(found)


def test_a_deleted_note_leaves_in_the_same_transaction(db, write, work, alice):
    note = write("Gates", GATES)
    work()
    note.move_to_trash(alice)
    assert not passages(note) and not vectors(note)
    assert not IndexedNote.objects.exists() and not SplitNote.objects.exists()
    note.refresh_from_db()
    note.undelete()
    work()
    assert len(vectors(note)) == 2


def test_a_note_that_is_gone_when_its_job_runs_is_no_failure(db, write, work, alice):
    note = write("Gates", GATES)
    note.move_to_trash(alice)
    (job,) = work()
    assert job.state == "done" and job.result["gone"] == 1
    assert not Passage.objects.exists()


def test_what_was_read_of_an_older_revision_is_not_stored(db, write, work):
    note = write("Gates", GATES)
    index, encoder = index_build.active()
    cuts = embedder.split_notes(index, list(gateway.heads([note.pid]).values()))
    embedder.read(encoder, cuts)
    edit(note, BREAD)
    assert store.store(index, cuts).overtaken == 1
    assert not Passage.objects.exists()
    work()
    assert IndexedNote.objects.get().revision == 1


def test_what_was_read_of_a_note_that_is_deleted_meanwhile_is_not_stored(db, write, work, alice):
    note, other = write("Gates", GATES), write("Loaves", BREAD)
    index, encoder = index_build.active()
    cuts = embedder.split_notes(index, list(gateway.heads([note.pid, other.pid]).values()))
    embedder.read(encoder, cuts)
    note.move_to_trash(alice)
    done = store.store(index, cuts)
    assert (done.gone, done.current) == (1, 1)
    work()
    assert not passages(note) and not vectors(note)
    assert set(NoteBlocks.objects.values_list("note", flat=True)) == {other.pid}


def has_footer(note: Note) -> bool:
    return any(FOOTER in text for text in embedded(note))


@pytest.fixture
def series(db, write, work):
    """Notes that repeat a footer, one less than make it boilerplate."""
    written = [write(f"Note {n}", f"{BREAD} Number {n}.\n\n{FOOTER}\n") for n in range(3)]
    work()
    return written


def test_boilerplate_is_left_out_in_all_notes_once_many_have_it(series, write, work):
    assert all(has_footer(note) for note in series)
    fourth = write("Note 3", f"# Other\n\nSomething else.\n\n{FOOTER}\n")
    work()
    assert not any(has_footer(note) for note in (*series, fourth))


def test_boilerplate_that_few_notes_have_any_more_is_read_again(series, write, work, alice):
    fourth = write("Note 3", f"{BREAD}\n\n{FOOTER}\n")
    work()
    fourth.move_to_trash(alice)
    work()
    assert all(has_footer(note) for note in series)
    fourth.refresh_from_db()
    fourth.undelete()
    work()
    assert not any(has_footer(note) for note in (*series, fourth))
    edit(fourth, BREAD)
    work()
    assert all(has_footer(note) for note in series)


def test_two_notes_read_together_make_boilerplate_too(series, write, work):
    more = [write(f"Note {n}", f"{BREAD} Number {n}.\n\n{FOOTER}\n") for n in (3, 4)]
    embedder.index_notes(*index_build.active(), [note.pid for note in more])
    work()
    assert not any(has_footer(note) for note in (*series, *more))


def test_a_worker_that_dies_over_boilerplate_leaves_it_to_the_next(
    series, write, work, monkeypatch
):
    fourth = write("Note 3", f"{BREAD}\n\n{FOOTER}\n")
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(boilerplate, "request", lambda pid: 1 // 0)
        embedder.index_notes(*index_build.active(), [fourth.pid])
    work()
    assert not any(has_footer(note) for note in (*series, fourth))


def test_a_note_that_is_cut_anew_is_current_in_no_other_index(series, write, work):
    index, encoder = index_build.active()
    other = EncoderIndex.objects.make("another", "0" * 64, index.dimensions)
    embedder.index_notes(other, encoder, [note.pid for note in series])
    assert not gateway.not_current(other).exists()
    # The fourth makes the footer boilerplate: the others are cut again, without it.
    fourth = write("Note 3", f"{BREAD} Number 3.\n\n{FOOTER}\n")
    work()
    assert set(gateway.not_current(other)) == {*series, fourth}
    assert not gateway.not_current(index).exists()


def test_an_import_asks_for_all_its_notes(db, alice, work):
    pids = write_many(
        (Fields(f"T{n}", f"{BREAD} {n}", "", "note", (), "public") for n in range(3)), alice
    )
    work()
    assert set(IndexedNote.objects.values_list("note", flat=True)) == set(pids)


def test_many_bells_of_one_change_are_one_statement(db, alice, django_assert_num_queries):
    made = [Note(pid=number) for number in (3, 1, 2)]
    with django_assert_num_queries(2):
        for note in made:
            signals.revision_saved.send(Note, note=note, revision=None, more=note.pid != 2)
    jobs = Job.objects.order_by("pk")
    assert [job.key for job in jobs] == ["1", "2", "3"] and jobs[0].payload == {"pid": 1}
    assert jobs[0].attempts_left == 5 and jobs[0].queue == "background"
    Claim.take(jobs[0].pk, "somebody")
    signals.revision_saved.send(Note, note=made[1], revision=None)
    assert Job.objects.count() == 3 and Job.objects.get(key="1").again
