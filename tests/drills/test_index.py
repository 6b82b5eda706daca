"""The index while everything is killed, and searching while the worker is away.

Nobody helps: whatever was killed is started again by `up`, and that is all.
"""

import json
import random
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg

from mlhooks import jobs, registry
from mlhooks.embeddings import building
from mlhooks.models.job import ATTEMPTS, REQUESTED, Queue
from tests.drills import tiny_encoder
from tests.drills.indexed import ACTIVE, audit_index, audit_jobs, covered_s
from tests.drills.owner import Owner
from tests.drills.rig import Site, children_of, wait_until
from wiki.benchmarks.corpus import Corpus

Tell = Callable[[str], None]
NOTES_PER_ROUND = 200
# Between two kills; some are met while they are being started again.
SHORTEST_S, LONGEST_S = 0.5, 5.0
AT_ONCE_S = 30.0
# Six beats of a worker until its job is taken back, a minute until the index is looked after,
# the longest wait before a job is tried again, and the notes.
COVERED_LIMIT_S, PER_NOTE_S = 480.0, 0.3
SERIES = 6
FOOTER = "This note belongs to a series about kitchens; its author is glad of every letter."


def worker(site: Site) -> psutil.Process:
    return site.child("background")


def worker_child(site: Site) -> psutil.Process:
    return site.child_of("background")


def dispatcher(site: Site) -> psutil.Process:
    return site.child("dispatcher")


def valkey(site: Site) -> psutil.Process:
    return site.child("valkey")


def postgres(site: Site) -> psutil.Process:
    return site.child("postgres")


def session(site: Site) -> psutil.Process:
    """Somebody's session: once it is killed PostgreSQL ends all others and recovers."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        for one in children_of(site.child("postgres").pid):
            if any(name in " ".join(one.cmdline()) for name in ("[local]", "127.0.0.1")):
                found.append(one)
        return bool(found)

    wait_until(is_there, AT_ONCE_S, "PostgreSQL has a session")
    return found[0]


VICTIMS = (worker, worker_child, dispatcher, valkey, postgres, session)


def kill(site: Site, victim: Callable[[Site], psutil.Process]) -> None:
    """Kill it; one that has just ended by itself is looked for again."""
    while True:
        try:
            victim(site).kill()
            return
        except psutil.NoSuchProcess:
            continue


def write_notes(site: Site, count: int, seed: int) -> None:
    """Import so many short notes, a few of a series, as files."""
    folder = site.folder / "notes"
    folder.mkdir()
    for number, fields in enumerate(Corpus(seed).notes(count)):
        body = "\n\n".join(fields.body.split("\n\n")[:2])
        if number % (count // SERIES) == 0:
            body += f"\n\n{FOOTER}"
        text = f"---\ntitle: {json.dumps(fields.title)}\n---\n\n{body}\n"
        (folder / f"{number}.md").write_text(text)
    report = site.command("import_notes", str(folder), "--visibility", "public")
    assert report["created"] == count, report


def ask_for_encoder(site: Site, encoder: str) -> None:
    """Let another encoder read the notes, by the statement that mlhooks.jobs.request runs."""
    values = {
        "kind": building.BUILD_INDEX,
        "key": encoder,
        "payload": json.dumps({"encoder": encoder}),
        "queue": Queue.BACKGROUND.value,
        "run_after": None,
        "user": None,
        "attempts": ATTEMPTS,
        "first": Queue.INTERACTIVE.value,
        "channel": REQUESTED,
    }

    def is_asked() -> bool:
        try:
            return bool(site.query(jobs.REQUEST, values))
        except psycopg.OperationalError:
            return False

    wait_until(is_asked, AT_ONCE_S, "PostgreSQL answers")


def is_active(site: Site, encoder: str) -> bool:
    """Tell whether this encoder's index answers searches."""
    try:
        return encoder in [name for _, name in site.query(ACTIVE)]
    except psycopg.OperationalError:
        return False


def empty_broker(site: Site) -> None:
    """Let Valkey forget everything, once it answers."""

    def is_emptied() -> bool:
        try:
            site.tell_broker("FLUSHALL")
        except OSError:
            return False
        return True

    wait_until(is_emptied, AT_ONCE_S, "Valkey is emptied")


def moments(seed: int, rounds: int) -> Iterator[Callable[[Site], psutil.Process]]:
    """Yield a victim at each random moment, each of them once a round."""
    chance = random.Random(seed)
    victims = [*VICTIMS] * rounds
    chance.shuffle(victims)
    for victim in victims:
        time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
        yield victim


def test_index_survives_everything(site: Site, rounds: int, tell: Tell) -> None:
    seed, notes = int(time.time()), NOTES_PER_ROUND * rounds
    print(f"seed {seed}")
    tiny = site.folder / "tiny"
    tiny_encoder.make(tiny)
    begun = time.monotonic()
    write_notes(site, notes, seed)
    owner = Owner(site, seed)
    for action in ("edit", "delete"):
        for moment in ("queued", "running"):
            owner.act(action, moment, surely=True)
    with owner:
        kills, encoder = break_everything(site, seed, rounds, str(tiny))
    broken_s = time.monotonic() - begun
    limit_s = COVERED_LIMIT_S + PER_NOTE_S * notes
    seconds = 0.0
    if encoder != registry.DEFAULT:
        seconds += covered_s(site, encoder, limit_s)
        ask_for_encoder(site, registry.DEFAULT)
    seconds += covered_s(site, registry.DEFAULT, limit_s)
    owner.audit()
    tell(
        f"{notes} notes, {kills} kills in {broken_s:.0f} s, 1 FLUSHALL, 2 changes of the encoder, {owner.figures}; "
        f"coverage 100 % {seconds:.0f} s after the last kill; {audit_index(site)}; "
        f"{audit_jobs(site)}; seed {seed}"
    )


def break_everything(site: Site, seed: int, rounds: int, other: str) -> tuple[int, str]:
    """Kill everything at random moments; return how often, and the encoder asked for last.

    On the way the broker is emptied, and the notes are read by another encoder and then, if
    that has come to an end, by the first one again.
    """
    total, asked = len(VICTIMS) * rounds, registry.DEFAULT
    for kills, victim in enumerate(moments(seed, rounds)):
        kill(site, victim)
        if kills == total // 3:
            ask_for_encoder(site, other)
            asked = other
        elif kills == total // 2:
            empty_broker(site)
        elif kills >= total * 2 // 3 and asked == other and is_active(site, other):
            ask_for_encoder(site, registry.DEFAULT)
            asked = registry.DEFAULT
    return total, asked
