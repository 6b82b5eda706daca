"""`manage.py reembed`: let an encoder read the notes, all or what is missing."""

import os
import socket
import time
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection

from mlhooks import gateway, tasks
from mlhooks.embeddings import loaded, registry
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.indexes import active_index, index_build
from mlhooks.indexes.progress import progress_of
from mlhooks.jobs.claims import Claim, LostClaim
from mlhooks.models import EncoderIndex, Job, Queue, Worker
from wiki.management.base import HouseCommand, Refused

LOOK_S = 0.5
# A state in which the command may return without a problem.
WELL = ("queued", "building", "ready")


class Command(HouseCommand):
    help = "Let an encoder read the notes: the one that answers, what it lacks; or another, all."
    _was_interrupted = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--encoder", help="read all notes with this one, which then answers: a name or a folder"
        )
        parser.add_argument("--wait", action="store_true", help="return when it is done")
        parser.add_argument(
            "--rollback", action="store_true", help="let the index answer that did before"
        )

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        if options["rollback"]:
            return self._go_back(options)
        answering = EncoderIndex.objects.active()
        chosen = options["encoder"]
        if chosen is not None:
            name = registry.full_name(chosen)
        else:
            name = loaded.configured() if answering is None else answering.encoder
        try:
            registry.check(name)
            registry.locate(name)
        except NoSuchModel as error:
            raise Refused(str(error)) from error
        job = index_build.request(name, answers=chosen is not None)
        if options["wait"]:
            return self._wait(job)
        where = f"/jobs/{job.pk}/ shows how far it is."
        if not _somebody_works():
            where = "No worker runs now: `make run` starts them, and --wait does it here."
        return _now(job), f"{name} reads the notes in the background. {where}"

    def has_problems(self, result: dict[str, Any]) -> bool:
        is_well = result["state"] in WELL and not result["notes"]["failed"]
        return self._was_interrupted or not is_well

    def _go_back(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        if options["encoder"] or options["wait"]:
            raise Refused("--rollback goes alone: it is done at once, and reads nothing.")
        try:
            index = active_index.go_back()
        except active_index.NotNow as error:
            raise Refused(str(error)) from error
        return progress_of(index).as_json(0, 0.0), f"{index} answers searches again."

    def _wait(self, job: Job) -> tuple[dict[str, Any], str]:
        """Wait until the job is finished; do it here while nobody else can."""
        told = _Telling(self)
        try:
            while True:
                job.refresh_from_db()
                if job.is_finished:
                    break
                told.tell(job.progress_text)
                if not _somebody_works() and _do_here(job, told):
                    continue
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            self._was_interrupted = True
            job.refresh_from_db()
            return _now(job), _goes_on(job)
        if job.state == Job.State.DONE:
            done: dict[str, Any] = job.result or {}
            index = EncoderIndex.objects.get(pk=done["index"])
            result = progress_of(index).as_json(done["passages"]["embedded"], done["seconds"])
            read, passages = result["notes"], result["passages"]
            return result, (
                f"{read['current']:,} of {read['total']:,} notes are read by {job.key}; "
                f"{passages['embedded']:,} passages were embedded, {passages['reused']:,} reused."
            )
        if job.state == Job.State.FAILED:
            return _now(job), job.error
        return _now(job), "The work was cancelled. What was read is kept."


class _Telling:
    """Sentences on standard error, each once."""

    def __init__(self, command: Command) -> None:
        self._stream = command.stderr
        self._told = {""}

    def tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._stream.write(sentence, style_func=str)
            self._told.add(sentence)


def _somebody_works() -> bool:
    """Tell whether a dispatcher hands out work, and a worker does it."""
    has_dispatcher = Worker.objects.alive().filter(queues=[]).exists()
    return has_dispatcher and Worker.objects.serving(Queue.BACKGROUND).exists()


def _do_here(job: Job, told: _Telling) -> bool:
    """Do one turn of the job in this process; False if it is not to be had."""
    # Nobody else takes back what a worker left behind.
    Job.objects.rescue_orphans()
    claim = Claim.take(job.pk, f"reembed@{socket.gethostname()}:{os.getpid()}")
    if claim is None:
        return False
    told.tell("No worker runs, so the notes are read in this process.")
    report = tasks.reporter(claim)

    def progress(share: float, sentence: str) -> None:
        report(share, sentence)
        told.tell(sentence)

    with suppress(LostClaim):
        try:
            with tasks.heartbeats(claim):
                tasks.run(claim, progress)
        except KeyboardInterrupt:
            # Something may have been said to the database by half.
            connection.close_if_unusable_or_obsolete()
            claim.requeue(claim.payload, 0)
            raise
    return True


def _goes_on(job: Job) -> str:
    if _somebody_works():
        return f"The work goes on in the background; /jobs/{job.pk}/ shows how far it is."
    return "What was read is kept; it goes on once a worker runs, or with this command again."


def _now(job: Job) -> dict[str, Any]:
    """Return how far the job is, in the shape of its result."""
    index = EncoderIndex.objects.filter(encoder=job.key).order_by("-pk").first()
    if index is not None:
        so_far = job.payload
        result = progress_of(index).as_json(so_far.get("embedded", 0), so_far.get("seconds", 0.0))
    else:
        result = {
            **{"index": None, "encoder": job.key, "dimensions": None, "state": "queued"},
            "notes": {"total": gateway.count(), "current": 0, "failed": 0},
            "passages": {"total": 0, "embedded": 0, "reused": 0, "failed": 0},
            "seconds": 0.0,
        }
    return {**result, "state": job.state} if job.is_finished else result
