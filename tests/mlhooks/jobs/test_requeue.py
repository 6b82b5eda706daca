"""A long job lets others go first, and goes on where it was."""

import pytest

from mlhooks import jobs
from mlhooks.jobs import Requeue
from mlhooks.jobs.claims import Claim, LostClaim
from mlhooks.models import Job
from mlhooks.models.job import ATTEMPTS
from tests.mlhooks.conftest import NAME, run


@pytest.fixture
def count(db, kinds):
    """A job that counts to three, one at a time."""

    def one_more(payload, progress):
        done = payload.get("done", 0) + 1
        progress(done / 3, f"{done} of 3")
        if done < 3:
            raise Requeue({"done": done}, after_s=payload.get("after_s", 0))
        return done

    kinds["count"] = one_more
    return jobs.request("count")


def test_it_waits_behind_the_others_with_all_its_attempts(count):
    other = jobs.request("echo")
    run(count)
    assert (count.state, count.payload, count.attempts_left) == ("waiting", {"done": 1}, ATTEMPTS)
    assert count.progress_text == "1 of 3"
    assert [job.pk for job in Job.objects.publishable(10)] == [other.pk, count.pk]


def test_it_comes_to_its_end(count):
    for _ in range(3):
        run(count)
    assert (count.state, count.result, count.attempt) == ("done", 3, 3)


def test_what_was_asked_for_meanwhile_counts_more(count):
    claim = Claim.take(count.pk, NAME)
    jobs.request("count", payload={"done": 2})
    claim.requeue({"done": 1}, 0)
    count.refresh_from_db()
    assert (count.payload, count.again) == ({"done": 2}, False)


def test_it_may_rest_for_a_while(db, kinds, count):
    claim = Claim.take(count.pk, NAME)
    claim.requeue({"done": 1}, 60)
    assert Claim.take(count.pk, NAME) is None


def test_cancelled_it_does_not_wait_again(count):
    claim = Claim.take(count.pk, NAME)
    count.cancel()
    with pytest.raises(LostClaim):
        claim.requeue({"done": 1}, 0)
    count.refresh_from_db()
    assert count.state == "cancelled"
