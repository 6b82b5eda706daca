"""Building another index while one answers: cancelled, killed, twice at once, with edits."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, connections
from django.utils import timezone

from mlhooks import gateway, tasks
from mlhooks.embeddings import loaded
from mlhooks.embeddings.encoder import Encoder
from mlhooks.indexes import active_index, embedder, index_build, ranking, requests
from mlhooks.jobs.claims import Claim, LostClaim
from mlhooks.models import (
    ActiveIndex,
    EncoderIndex,
    IndexedNote,
    Job,
    NoteBlocks,
    Passage,
    UnreadNote,
)
from mlhooks.models.job import ATTEMPTS
from tests import encoders
from tests.mlhooks.indexes.conftest import BREAD, GATES, active
from wiki.models import Note
from wiki.search.query import parse

NOTES = 6


class Stopped:
    """Progress that is told everything, and stops the work, or does something, at one moment."""

    def __init__(self, at: int = -1, act: Callable[[], None] | None = None) -> None:
        self.told: list[str] = []
        self._at, self._act = at, act

    def __call__(self, share: float, sentence: str) -> None:
        assert 0 <= share <= 1
        self.told.append(sentence)
        if len(self.told) == self._at:
            if self._act is None:
                raise LostClaim("cancelled")
            self._act()


def build(name: str, progress: Any = None) -> dict[str, Any]:
    return index_build.build({"encoder": name}, progress or Stopped())


def index_of(name: str) -> EncoderIndex:
    return EncoderIndex.objects.get(encoder=name)


def vectors(index: EncoderIndex) -> dict[int, list[float]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT passage, vector::text FROM {index.table}")
        return {pk: [float(x) for x in text[1:-1].split(",")] for pk, text in cursor.fetchall()}


def edit(note: Note, body: str) -> None:
    note.refresh_from_db()
    fields = replace(note.current_fields(), body=body)
    note.save_revision(fields, base=note.head.number, author=note.owner)


def rank(text: str) -> list[Any]:
    query = parse(text)
    return ranking.rank(query, query.narrow(Note.objects.visible_to(AnonymousUser())), 10)


@pytest.fixture
def singly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One note at a time, so that tests can stop between two."""
    monkeypatch.setattr(index_build, "NOTES_AT_A_TIME", 1)


@pytest.fixture
def shelf(db: None, small: str, write: Any, work: Any) -> list[Note]:
    """Notes that the small encoder has read."""
    written = [write(f"Note {n}", f"{GATES}\nNumber {n}.\n") for n in range(NOTES - 1)]
    written.append(write("Loaves", BREAD))
    work()
    assert active().encoder == small and len(vectors(active())) == Passage.objects.count()
    return written


def test_the_old_index_answers_until_the_new_one_is_whole(shelf, other, singly, asked):
    asked("bread")
    old, seen = active(), []

    def look() -> None:
        seen.append((active().pk, [hit.pid for hit in rank("bread")]))

    before = [hit.pid for hit in rank("bread")]
    result = build(other, Stopped(at=NOTES, act=look))
    assert seen == [(old.pk, before)]
    new = active()
    assert (new.encoder, new.dimensions, new.state) == (other, 64, "ready")
    assert result["index"] == new.pk and result["state"] == "ready"
    assert result["notes"] == {"total": NOTES, "current": NOTES, "failed": 0}
    assert result["passages"]["embedded"] == result["passages"]["total"] == len(vectors(new))
    # The vector of the query, too, is one of the new encoder's.
    EncoderIndex.objects.remembered_active()
    asked("bread")
    assert {hit.pid for hit in rank("bread")} == {note.pid for note in shelf}


def test_a_search_uses_vector_and_table_of_one_index(shelf, other, asked):
    """Also in a process that has not noticed the change yet."""
    asked("bread")
    remembered = EncoderIndex.objects.remembered_active()
    before = [(hit.pid, round(hit.score, 4)) for hit in rank("bread")]
    index = EncoderIndex.objects.make(other, loaded.encoder(other)[1], 64)
    ActiveIndex.objects.update(index=index)
    assert active() != remembered
    assert [(hit.pid, round(hit.score, 4)) for hit in rank("bread")] == before


def test_cancelled_and_asked_for_again_it_reads_the_rest(shelf, other, singly):
    with pytest.raises(LostClaim):
        build(other, Stopped(at=8))
    read = len(vectors(index_of(other)))
    assert 0 < read < Passage.objects.count() and active().encoder != other
    passages = build(other)["passages"]
    assert passages["reused"] == read
    assert passages["embedded"] == passages["total"] - read > 0
    assert active().encoder == other


def test_a_cancelled_build_never_answers(shelf, other, monkeypatch):
    """Cancelled between the last note and the change."""
    job = index_build.request(other)
    claim = Claim.take(job.pk, "somebody")
    monkeypatch.setattr(index_build.calibration, "calibrate", lambda *index: job.cancel())
    with pytest.raises(LostClaim):
        tasks.run(claim)
    assert active().encoder != other and index_of(other).state == "building"


def test_read_at_once_or_one_by_one_the_vectors_are_the_same(shelf, other, work):
    build(other)
    index = active()
    at_once = vectors(index)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {index.table}")
    IndexedNote.objects.filter(index=index).delete()
    for note in shelf:
        requests.request([note.pid])
    work()
    one_by_one = vectors(index)
    assert at_once.keys() == one_by_one.keys() == set(Passage.objects.values_list("pk", flat=True))
    for pk, vector in at_once.items():
        assert sum(a * b for a, b in zip(vector, one_by_one[pk], strict=True)) > 0.999


def test_notes_saved_meanwhile_are_read_before_it_answers(shelf, other, singly, write):
    def save() -> None:
        edit(shelf[0], BREAD)
        write("New", BREAD)

    result = build(other, Stopped(at=8, act=save))
    assert result["notes"] == {"total": NOTES + 1, "current": NOTES + 1, "failed": 0}


def test_a_note_saved_while_it_is_read_is_read_again(shelf, other):
    progress = Stopped(at=3, act=lambda: edit(shelf[0], BREAD))
    result = build(other, progress)
    assert result["notes"]["current"] == NOTES
    indexed = IndexedNote.objects.get(index=active(), note=shelf[0].pid)
    assert indexed.revision == 1


def test_a_note_deleted_while_it_is_read_does_not_come_back(shelf, other, alice, work):
    bread = shelf[-1]
    build(other, Stopped(at=3, act=lambda: bread.move_to_trash(alice)))
    for model in (Passage, IndexedNote):
        assert not model.objects.filter(note=bread.pid).exists()
    work()
    assert not NoteBlocks.objects.filter(note=bread.pid).exists()
    kept = set(Passage.objects.values_list("pk", flat=True))
    assert all(set(vectors(index)) == kept for index in EncoderIndex.objects.all())


def test_what_one_index_cuts_anew_the_other_lacks(shelf, other, write, work):
    """Boilerplate changes passages of notes that nobody edited."""
    footer = "This note is part of a series about kitchens; write to its author for all of it."
    written = [write(f"Kitchen {n}", f"{BREAD} Number {n}.\n\n{footer}\n") for n in range(3)]
    work()
    build(other)
    old = index_of(ActiveIndex.objects.get().before.encoder)
    write("Kitchen 3", f"# Other\n\nSomething else.\n\n{footer}\n")
    work()
    missing = set(gateway.not_current(old).values_list("pid", flat=True))
    assert {note.pid for note in written} < missing
    active_index.let_answer(old)
    work()
    kept = set(Passage.objects.values_list("pk", flat=True))
    assert set(vectors(old)) == kept


def test_a_note_that_cannot_be_read_stops_nothing_and_says_why(shelf, other, monkeypatch, work):
    read = Encoder.read

    def refusing(self, texts, places):
        if any("Flour" in text for text in texts):
            raise ValueError("no flour, please")
        return read(self, texts, places)

    monkeypatch.setattr(Encoder, "read", refusing)
    result = build(other)
    bread = shelf[-1]
    assert result["notes"] == {"total": NOTES, "current": NOTES - 1, "failed": 1}
    assert result["passages"]["failed"] == 1 and active().encoder == other
    unread = UnreadNote.objects.get()
    assert (unread.note, unread.reason) == (bread.pid, "ValueError: no flour, please")
    monkeypatch.undo()
    index_build.request(other)
    work()
    assert not UnreadNote.objects.exists() and len(vectors(active())) == Passage.objects.count()


def test_a_job_of_a_note_that_cannot_be_read_keeps_why_too(shelf, monkeypatch):
    monkeypatch.setattr(Encoder, "read", lambda *asked: 1 / 0)
    edit(shelf[0], BREAD)
    with pytest.raises(ZeroDivisionError):
        index_build.read_note(shelf[0].pid)
    assert UnreadNote.objects.get(index=active()).reason.startswith("ZeroDivisionError")


def test_progress_says_how_far_and_how_long(shelf, other, singly, monkeypatch):
    monkeypatch.setattr(index_build, "KNOWN_AFTER_S", 0)
    progress = Stopped()
    build(other, progress)
    assert progress.told[0] == f"Loading {other}."
    said = f"3 of {NOTES} notes read, note {{{shelf[3].pid}}}; less than a minute left."
    assert f"{said} It reads at most 128 tokens of a passage." in progress.told
    assert progress.told[-1] == "Every note is read; this index answers now."


def test_an_encoder_that_reads_whole_passages_says_nothing_of_it(shelf, small, static):
    for name in (small, static):
        progress = Stopped()
        IndexedNote.objects.all().delete()
        build(name, progress)
        assert not any("tokens" in sentence for sentence in progress.told)


def test_an_encoder_without_sentences_is_an_encoder(shelf, static, asked):
    build(static)
    asked("bread")
    hits = rank("bread")
    assert len(hits) == NOTES
    assert ranking.explain(parse("bread"), hits) == {}


def test_others_go_first_and_it_goes_on_where_it_was(shelf, other, singly, monkeypatch, work):
    monkeypatch.setattr(index_build, "TURN_S", 0)
    monkeypatch.setattr(index_build, "WAITS_S", -60)
    edit(shelf[0], BREAD)
    job = index_build.request(other)
    tasks.run_job.apply([job.pk], throw=True)
    job.refresh_from_db()
    assert (job.state, job.attempts_left) == ("waiting", ATTEMPTS)
    embedded = job.payload["embedded"]
    assert 0 < embedded < Passage.objects.count()
    assert Job.objects.filter(kind="embed_note", state="waiting", run_after__lt=job.run_after)
    work()
    job.refresh_from_db()
    assert job.state == "done" and active().encoder == other
    assert job.result["passages"]["embedded"] >= embedded + NOTES - 1


def test_cancelled_while_others_go_first_it_stays_cancelled(shelf, other, singly, monkeypatch):
    monkeypatch.setattr(index_build, "TURN_S", 0)
    monkeypatch.setattr(index_build, "WAITS_S", -60)
    edit(shelf[0], BREAD)
    job = index_build.request(other)
    claim = Claim.take(job.pk, "somebody")
    assert active_index.cancel(other)
    with pytest.raises(LostClaim):
        tasks.run(claim, Stopped())
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_long_turns_have_an_end_too(shelf, other, singly, monkeypatch):
    """So that a build of hours has all its attempts again and again."""
    monkeypatch.setattr(index_build, "MAX_TURN_S", 0)
    with pytest.raises(index_build.Requeue):
        build(other)


def test_the_encoder_that_was_asked_for_last_is_built(shelf, other, static):
    first = index_build.request(other)
    index_build.request(static)
    first.refresh_from_db()
    assert first.state == "cancelled"
    last = Job.objects.unfinished().get(kind="build_index")
    assert last.key == static


def test_bringing_the_active_index_up_to_date_cancels_nothing(shelf, other, small):
    first = index_build.request(other)
    index_build.request(small, answers=False)
    first.refresh_from_db()
    assert first.state == "waiting"


def test_an_index_brought_up_to_date_does_not_answer_instead_of_another(shelf, other, small):
    build(other)
    index_build.build({"encoder": small, "answers": False}, Stopped())
    assert active().encoder == other


def test_portions_are_small_in_notes_and_in_text(shelf, write, monkeypatch):
    monkeypatch.setattr(embedder, "MAX_LETTERS", 1_000)
    long = write("Long", "word " * 1_000)
    portions = list(index_build._portions(Note.objects.all()))
    assert [pid for portion in portions for pid in portion] == [
        *(note.pid for note in shelf),
        long.pid,
    ]
    assert [long.pid] in portions and any(len(portion) > 1 for portion in portions)


def test_a_long_note_can_be_cancelled_in_its_middle(shelf, other, write):
    write("Long", "\n\n".join(f"{BREAD} {n}" for n in range(400)))
    told = Stopped()
    build(other, told)
    batches = sum("notes read" in sentence for sentence in told.told)
    assert batches > 5


def test_weights_of_another_shape_under_the_same_name_are_refused(shelf, other):
    build(other)
    EncoderIndex.objects.filter(encoder=other).update(dimensions=63)
    with pytest.raises(loaded.NoSuchModel, match="64 numbers now, and its index has 63"):
        build(other)


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_build_the_same_index_do_no_harm(small, other, write, work):
    for n in range(8):
        write(f"Note {n}", f"{GATES}\nNumber {n}.\n")
    work()
    errors: list[BaseException] = []
    both = threading.Barrier(2)

    def one() -> None:
        try:
            both.wait()
            build(other)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    index = index_of(other)
    assert set(vectors(index)) == set(Passage.objects.values_list("pk", flat=True))
    assert gateway.count_current(index) == 8 and active() == index


def test_the_job_says_what_the_command_prints(shelf, other, work):
    job = index_build.request(other)
    work()
    job.refresh_from_db()
    assert job.state == "done" and job.finished_at <= timezone.now()
    assert job.result["encoder"] == other and job.result["notes"]["current"] == NOTES


def test_people_s_worker_is_told_to_load_the_new_encoder(shelf, other):
    build(other)
    job = Job.objects.get(kind="encode_query")
    assert job.queue == "interactive" and job.payload["index"] == active().pk


def test_weights_that_changed_under_their_name_are_another_index(
    db, settings, tmp_path, write, work
):
    folder = encoders.make_tiny(tmp_path / "mine")
    settings.WIKI_ENCODER = str(folder)
    write("Loaves", BREAD)
    work()
    before = active()
    encoders.make_weights(folder, seed=9)
    loaded._loaded.clear()
    loaded._fingerprints.clear()
    with pytest.raises(loaded.OtherWeights, match="reembed --encoder"):
        index_build.active()
    index_build.request(str(folder))
    work()
    assert active().encoder == before.encoder
    assert active().weights_sha256 != before.weights_sha256
    assert len(vectors(active())) == len(vectors(before)) == 1
