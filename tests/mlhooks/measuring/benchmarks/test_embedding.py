"""`bench embed`: a real worker works off a few notes, and what it used is counted."""

import subprocess
import sys
import time

import pytest

from mlhooks import jobs
from mlhooks.measuring.benchmarks import embedding, process_tree, save_latency
from mlhooks.measuring.benchmarks.site_processes import NotMeasured
from mlhooks.models import Job
from wiki.measuring.benchmarks.machine import Machine

QUIET = Machine(cores=2, model="a machine", load=0.5)
# Burns about 0.3 s of CPU time in a child that then ends, 0.3 s itself, and waits.
BURN = """
import subprocess, sys, time
def burn():
    while time.process_time() < 0.3: pass
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"])
    burn()
    print("burnt", flush=True)
    time.sleep(60)
burn()
"""


@pytest.mark.slow
def test_a_queue_is_measured_beside_the_encoder_by_itself(
    transactional_db, broker_address, child_env, monkeypatch
):
    for name, value in child_env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Machine, "now", lambda: QUIET)
    monkeypatch.setattr(save_latency, "PARTS", 4)
    monkeypatch.setattr(save_latency, "SAVES", 2)
    result = embedding.run({"notes": 5})
    assert result["notes"] == 5 and result["passages"] >= 4
    assert result["tokens"] > 20 * result["passages"]
    assert result["queue_tokens_per_cpu_s"] > 0 and result["raw_tokens_per_cpu_s"] > 0
    assert result["ratio"] > 0 and result["worker_pss_mb"] > 50
    assert result["edit"] == {"embedded": 1, "reused": 3, "unchanged": 0, "tagged": 0}
    assert 0 < result["save_to_hit_p50_ms"] <= result["save_to_hit_p95_ms"]
    assert result["saves_during_backlog"] >= 1 and result["save_p95_ms"] > 0
    assert Job.objects.filter(kind="tend_index", state="waiting").count() == 1, "held back"


def test_a_note_that_cannot_be_embedded_is_no_measurement(db):
    jobs.request("embed_note", key="1")
    Job.objects.update(state="failed", finished_at="2026-01-01T00:00Z", error="No weights.")
    with pytest.raises(NotMeasured, match="No weights"):
        embedding.worked_off()


def test_a_worker_that_stands_still_is_no_measurement(db, monkeypatch):
    monkeypatch.setattr(embedding, "STUCK_S", 0.1)
    jobs.request("embed_note", key="1")
    with pytest.raises(NotMeasured, match="1 notes are still not"):
        embedding.worked_off()
    embedding.hold_back("none")
    embedding.worked_off()
    embedding.release()
    with pytest.raises(NotMeasured):
        embedding.worked_off()


def test_time_and_memory_are_those_of_all_processes_dead_ones_too(tmp_path):
    program = tmp_path / "burn.py"
    program.write_text(BURN)
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            assert 0.5 < process_tree.cpu_s(process.pid) < 2
            time.sleep(0.1)
            memory = process_tree.pss_mb(process.pid)
            assert memory is None or 1 < memory < 200
        finally:
            process.kill()
