"""Jobs requested while something is broken, and whether each was done exactly once."""

import threading
import time
from types import TracebackType
from typing import Any, Self

import psycopg

from mlhooks.jobs.requests import REQUEST
from mlhooks.models.job import ATTEMPTS, REQUESTED, Queue
from tests.drills.rig import Site, wait_until

DRAIN_LIMIT_S = 120.0
# A worker goes to a broker that came back within half a minute; once, on a machine that ran the
# other tests as well, it took more than one.
FLOW_LIMIT_S = 120.0
# The real work among many short jobs: every so many-th is a verify_integrity.
REAL_ONE_IN = 10


class Requests(threading.Thread):
    """Requests jobs at a steady pace, as a view of the site would, while the block runs."""

    def __init__(self, site: Site, pause_s: float = 0.1) -> None:
        super().__init__(name="requests", daemon=True)
        self.requested: list[int] = []
        self._site, self._pause_s = site, pause_s
        self._is_told_to_end = threading.Event()
        self._made = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_told_to_end.set()
        self.join()

    def run(self) -> None:
        """Request until told to end."""
        with psycopg.connect(self._site.cluster.url(), autocommit=True) as connection:
            while not self._is_told_to_end.wait(self._pause_s):
                self.request(connection)

    def request(self, connection: "psycopg.Connection[Any]") -> None:
        """Request the next job, by the statement that mlhooks.jobs.request runs."""
        self._made += 1
        real = self._made % REAL_ONE_IN == 0
        values = {
            "kind": "verify_integrity" if real else "benchmark_pause",
            "key": f"drill {id(self)} {self._made}",
            "payload": "{}",
            "queue": Queue.BACKGROUND.value,
            "run_after": None,
            "user": None,
            "attempts": ATTEMPTS,
            "first": Queue.INTERACTIVE.value,
            "channel": REQUESTED,
        }
        row = connection.execute(REQUEST, values).fetchone()
        assert row is not None
        self.requested.append(int(row[0]))

    def flow_s(self) -> float:
        """Wait until a job requested from now on is done; return the seconds."""
        already = len(self.requested)
        done = "SELECT 1 FROM mlhooks_job WHERE id = ANY(%s) AND state = 'done' LIMIT 1"
        return wait_until(
            lambda: bool(self._site.query(done, [self.requested[already:]])),
            FLOW_LIMIT_S,
            "a new job is done",
        )

    def wait_for_a_running_one(self) -> None:
        """Wait until a worker is in the middle of one of these jobs."""
        running = "SELECT 1 FROM mlhooks_job WHERE id = ANY(%s) AND state = 'running'"
        begun = time.monotonic()
        while not self._site.query(running, [self.requested]):
            assert time.monotonic() - begun < FLOW_LIMIT_S, "no job runs"

    def drain_s(self) -> float:
        """Wait until every requested job has ended; return the seconds."""
        left = "SELECT count(*) FROM mlhooks_job WHERE id = ANY(%s) AND finished_at IS NULL"
        return wait_until(
            lambda: self._site.query(left, [self.requested])[0][0] == 0,
            DRAIN_LIMIT_S,
            "every job has ended",
        )

    def audit(self, most_attempts: int) -> str:
        """Check that each job was done once, in so many attempts; return the figures."""
        rows = self._site.query(
            "SELECT state, attempt, result IS NOT NULL FROM mlhooks_job WHERE id = ANY(%s)",
            [self.requested],
        )
        assert len(set(self.requested)) == len(rows) == len(self.requested)
        wrong = [row for row in rows if row[0] != "done" or not row[2]]
        assert not wrong, wrong
        attempts = [attempt for _, attempt, _ in rows]
        assert max(attempts) <= most_attempts, max(attempts)
        again = sum(attempt > 1 for attempt in attempts)
        return f"jobs {len(rows)}, done {len(rows)}, begun again {again}"
