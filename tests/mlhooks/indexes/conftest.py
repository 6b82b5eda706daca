"""A notebook whose notes a real encoder reads, in this process."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from mlhooks import tasks
from mlhooks.indexes import index_build
from mlhooks.models import EncoderIndex, Job, QueryVector
from mlhooks.models.query_vector import query_digest
from tests import encoders
from wiki.fields import Fields
from wiki.models import Note

GATES = """The gate begins near zero, so that the first steps do not blow up.

# Why it works

A product of two halves lets every position look at every other one.
"""
BREAD = "Flour, water and salt rest over night; the loaf is baked in a hot pot with its lid on."


@pytest.fixture(autouse=True)
def one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine ten seconds may not be enough to build what a test wants whole."""
    monkeypatch.setattr(index_build, "TURN_S", index_build.MAX_TURN_S)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small encoder, which knows nothing but always says the same."""
    return str(encoders.make_tiny(tmp_path_factory.mktemp("encoders") / "tiny"))


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of another small encoder, with longer vectors, which reads 128 tokens."""
    folder = tmp_path_factory.mktemp("encoders") / "other"
    return str(encoders.make_tiny(folder, dimensions=64, longest=128, seed=2))


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of an encoder that tells nothing about sentences, and reads any length."""
    return str(encoders.make_static(tmp_path_factory.mktemp("encoders") / "static"))


@pytest.fixture
def small(settings: Any, tiny: str) -> str:
    """Let the small encoder read the notes of this test."""
    settings.WIKI_ENCODER = tiny
    return tiny


@pytest.fixture
def work() -> Callable[[], list[Job]]:
    """Do the jobs that wait, those they ask for too, oldest first; return them."""

    def done() -> list[Job]:
        finished = []
        while job := Job.objects.filter(state="waiting").order_by("pk").first():
            Job.objects.filter(pk=job.pk).update(run_after=F("created_at"))
            tasks.run_job.apply([job.pk], throw=True)
            job.refresh_from_db()
            finished.append(job)
        return finished

    return done


@pytest.fixture
def write(alice: Any) -> Callable[..., Note]:
    def written(title: str, body: str, visibility: str = "public", owner: Any = alice) -> Note:
        return Note.objects.write(Fields(title, body, "", "note", (), visibility), owner=owner)

    return written


@pytest.fixture
def asked() -> Callable[[str], None]:
    """Let the vector of a query be there already, as after an earlier search."""

    def keep(text: str) -> None:
        index, encoder = index_build.active()
        vector = encoder.encode_query(text).tolist()
        QueryVector.objects.keep(query_digest(index, text), vector)

    return keep


def active() -> EncoderIndex:
    found = EncoderIndex.objects.active()
    assert found is not None
    return found
