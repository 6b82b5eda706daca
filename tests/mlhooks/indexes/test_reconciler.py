"""Looking after the active index: what it lacks for whatever reason, and WIKI_ENCODER."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from mlhooks import gateway, jobs, tasks
from mlhooks.embeddings import loaded
from mlhooks.embeddings.encoder import Encoder
from mlhooks.indexes import active_index, index_build, reconciler
from mlhooks.jobs.kinds import RECONCILE_INDEX
from mlhooks.models import ActiveIndex, EncoderIndex, IndexedNote, Job, Passage, UnreadNote
from mlhooks.passages import split
from tests import encoders
from tests.mlhooks.indexes.conftest import BREAD, GATES, active


@pytest.fixture
def shelf(db, small, write, work):
    written = [write("Gates", GATES), write("Loaves", BREAD)]
    work()
    return written


def builds():
    return list(Job.objects.filter(kind="build_index").values_list("key", "state"))


def new_process():
    """Forget what this process has loaded."""
    loaded._loaded.clear()
    loaded._fingerprints.clear()


def test_an_empty_notebook_needs_no_index(db, small):
    assert reconciler.reconcile() == {"requested": 0, "gone": 0}
    assert not EncoderIndex.objects.exists()


def test_a_notebook_that_was_just_begun_is_looked_after_again_soon(db, small, write, work):
    write("Gates", GATES)
    job = jobs.request(RECONCILE_INDEX)
    tasks.run_job.apply([job.pk], throw=True)
    job.refresh_from_db()
    assert job.state == "waiting"
    assert 5 < (job.run_after - job.created_at).total_seconds() < 60
    work()
    job.refresh_from_db()
    assert job.state == "done" and active().closeness["least"] > 0


def test_what_nobody_asked_for_is_asked_for(shelf, work):
    IndexedNote.objects.all().delete()
    assert reconciler.reconcile()["requested"] == 2
    assert reconciler.reconcile()["requested"] == 0, "their jobs wait"
    work()
    assert gateway.count_current(active()) == 2


def test_notes_that_an_older_splitter_cut_are_read_anew(shelf, monkeypatch, work):
    cut = set(Passage.objects.values_list("sha256", flat=True))
    monkeypatch.setattr(split, "SPLITTER_VERSION", split.SPLITTER_VERSION + 1)
    assert reconciler.reconcile()["requested"] == 2
    work()
    assert cut.isdisjoint(Passage.objects.values_list("sha256", flat=True))
    assert reconciler.reconcile()["requested"] == 0 and not Job.objects.unfinished().exists()


def test_a_note_that_could_not_be_read_is_tried_again_after_an_hour(shelf, monkeypatch, write):
    monkeypatch.setattr(Encoder, "read", lambda *asked: 1 / 0)
    note = write("New", BREAD)
    Job.objects.filter(state="waiting").delete()
    with pytest.raises(ZeroDivisionError):
        index_build.read_note(note.pid)
    assert reconciler.reconcile()["requested"] == 0
    UnreadNote.objects.update(failed_at=Now() - timedelta(minutes=61))
    assert reconciler.reconcile()["requested"] == 1


def test_an_encoder_that_cannot_be_loaded_fails_one_job_and_not_one_for_each_note(
    shelf, settings, tmp_path, write, work
):
    folder = encoders.make_tiny(tmp_path / "mine")
    settings.WIKI_ENCODER = str(folder)
    reconciler.reconcile()
    work()
    assert active().encoder == str(folder)
    IndexedNote.objects.all().delete()
    hidden = folder.rename(tmp_path / "hidden")
    new_process()
    with pytest.raises(loaded.NoSuchModel, match="There is no folder"):
        reconciler.reconcile()
    assert not Job.objects.filter(state="waiting").exists()
    hidden.rename(folder)
    assert reconciler.reconcile()["requested"] == 2


def test_notes_whose_jobs_failed_for_want_of_the_encoder_are_asked_for_at_once(shelf, work):
    IndexedNote.objects.all().delete()
    Job.objects.filter(kind="embed_note").update(
        state="failed", attempts_left=4, finished_at=Now(), error="There is no folder."
    )
    assert reconciler.reconcile()["requested"] == 2


def test_notes_that_ended_every_worker_are_let_be_for_an_hour(shelf):
    IndexedNote.objects.all().delete()
    Job.objects.filter(kind="embed_note").update(state="failed", attempts_left=0, finished_at=Now())
    assert reconciler.reconcile()["requested"] == 0


def test_another_wiki_encoder_is_built_and_answers(shelf, settings, other, small, work):
    settings.WIKI_ENCODER = other
    reconciler.reconcile()
    assert builds() == [(other, "waiting")] and active().encoder == small
    reconciler.reconcile()
    work()
    assert builds() == [(other, "done")] and active().encoder == other
    settings.WIKI_ENCODER = small
    reconciler.reconcile()
    work()
    assert active().encoder == small


def test_what_people_cancel_or_choose_stays_so(shelf, settings, other, small, work):
    settings.WIKI_ENCODER = other
    reconciler.reconcile()
    active_index.cancel(other)
    reconciler.reconcile()
    assert builds() == [(other, "cancelled")]
    index_build.request(other)
    work()
    active_index.go_back()
    work()
    reconciler.reconcile()
    assert not Job.objects.unfinished().filter(kind="build_index").exists()
    assert active().encoder == small


def test_an_encoder_chosen_by_people_stays_though_the_setting_is_another(shelf, other, work):
    index_build.request(other)
    work()
    reconciler.reconcile()
    assert active().encoder == other and not Job.objects.unfinished().exists()


def test_a_wiki_encoder_that_is_not_there_changes_nothing_and_is_told(shelf, settings, work, small):
    settings.WIKI_ENCODER = "/nowhere/at/all"
    reconciler.reconcile()
    work()
    (job,) = Job.objects.filter(kind="build_index")
    assert job.state == "failed" and job.error.startswith("There is no folder /nowhere/at/all.")
    assert active().encoder == small
    assert reconciler.reconcile()["requested"] == 0 and len(builds()) == 1


def test_it_is_built_once_it_is_there(shelf, settings, tmp_path, work):
    settings.WIKI_ENCODER = str(tmp_path / "late")
    reconciler.reconcile()
    work()
    encoders.make_tiny(tmp_path / "late")
    reconciler.reconcile()
    work()
    assert active().encoder == str(tmp_path / "late")


def test_other_weights_under_the_same_name_are_read_with(db, settings, tmp_path, write, work):
    folder = encoders.make_tiny(tmp_path / "mine")
    settings.WIKI_ENCODER = str(folder)
    write("Loaves", BREAD)
    work()
    before = active()
    encoders.make_weights(folder, seed=9)
    reconciler.reconcile()
    assert builds() == [], "this process still has the old ones"
    new_process()
    reconciler.reconcile()
    work()
    assert active().encoder == before.encoder and active() != before
    assert not Job.objects.filter(state="failed").exists()


def test_a_table_without_an_index_is_dropped(shelf):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE passage_vector_987 (passage bigint)")
        reconciler.reconcile()
        cursor.execute(
            "SELECT to_regclass('passage_vector_987'), to_regclass(%s)", [active().table]
        )
        assert cursor.fetchone() == (None, active().table)


def test_notes_deleted_without_the_workshop_are_forgotten(shelf, alice, monkeypatch):
    monkeypatch.setattr("mlhooks.indexes.store.forget", lambda pid: None)
    shelf[0].move_to_trash(alice)
    monkeypatch.undo()
    assert reconciler.reconcile()["gone"] == 1
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT note FROM {active().table}")
        assert cursor.fetchall() == [(shelf[1].pid,)]


def test_the_first_index_remembers_the_setting(shelf, small):
    row = ActiveIndex.objects.get()
    assert (row.configured, row.configured_sha256) == (small, active().weights_sha256)


def test_a_setting_that_names_what_answers_already_asks_for_nothing(shelf, settings, other, work):
    index_build.request(other)
    work()
    settings.WIKI_ENCODER = other
    before = len(builds())
    reconciler.reconcile()
    assert len(builds()) == before and ActiveIndex.objects.get().configured == other
