"""Request the embedding of notes: a job for each, whose key is the note's number."""

from collections.abc import Collection

from mlhooks import jobs
from mlhooks.jobs.kinds import EMBED_NOTE


def request(pids: Collection[int]) -> None:
    """Request that notes are brought up to date, in the caller's transaction."""
    if pids:
        jobs.request_many(EMBED_NOTE, {str(pid): {"pid": pid} for pid in pids})
