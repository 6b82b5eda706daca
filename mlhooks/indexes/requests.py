"""Asking for notes to be read: a job for each."""

from collections.abc import Collection

from mlhooks import jobs

# kind of the job that brings one note up to date; its key is the note's number
EMBED_NOTE = "embed_note"


def request(pids: Collection[int]) -> None:
    """Ask for notes to be brought up to date, in the caller's transaction."""
    if pids:
        jobs.request_many(EMBED_NOTE, {str(pid): {"pid": pid} for pid in pids})
