"""The table of job kinds: every function is there, and every kind that is requested is in it."""

import subprocess
import sys

import pytest

from mlhooks import jobs, tasks
from mlhooks.jobs import kinds
from mlhooks.jobs.kinds import KINDS
from mlhooks.models import Queue

NAMES = [value for name, value in vars(kinds).items() if name.isupper() and name != "KINDS"]


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_that_has_a_name_is_in_the_table_with_its_function(name):
    assert callable(tasks.function_of(name)) and KINDS[name].name == name


def test_a_kind_says_how_many_jobs_it_does_at_once():
    function, size = tasks.batch_of(kinds.EMBED_NOTE)
    assert callable(function) and size == 32
    assert tasks.batch_of(kinds.BUILD_INDEX) == (None, 1) == tasks.batch_of("never heard of")


def test_a_job_waits_in_the_queue_of_its_kind_unless_another_is_named(db):
    assert jobs.request(kinds.ENCODE_QUERY, key="1").queue == Queue.INTERACTIVE
    assert jobs.request(kinds.EMBED_NOTE, key="1").queue == Queue.BACKGROUND
    assert jobs.request(kinds.EMBED_NOTE, key="2", queue="interactive").queue == Queue.INTERACTIVE
    assert jobs.request("never heard of").queue == Queue.BACKGROUND


def test_the_table_loads_no_function():
    code = "import sys, django; django.setup(); import mlhooks.jobs; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mlhooks.jobs" in ran.stdout.split() and "mlhooks.tasks" not in ran.stdout.split()
