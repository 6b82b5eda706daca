"""What a save costs with the ML app: what is embedded again, how soon the note is found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.db import connection

from mlhooks.indexes import index_build
from mlhooks.jobs.kinds import EMBED_NOTE
from mlhooks.measuring.benchmarks.site_processes import NotMeasured
from mlhooks.measuring.evaluations.notebooks import keep_query
from mlhooks.measuring.evaluations.off_topic_queries import OFF_TOPIC
from mlhooks.models import EncoderIndex, Job
from wiki.fields import Fields
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.population import save_again, write_many, write_one
from wiki.measuring.evaluations.notebook import readable
from wiki.search.fusion import Mode
from wiki.search.query import parse
from wiki.search.retrieval import retrieve

PARTS, SENTENCES_OF_A_PART = 40, 6
SAVES = 20
POLL_S = 0.02
FOUND_LIMIT_S = 60.0
BACKLOG_PART = 4  # of the notes there are, one in so many
SAVES_DURING, PAUSE_S = 40, 0.05

Rows = set[tuple[int, str]]


def edit(corpus: Corpus, owner: User, worked_off: Callable[[], None]) -> dict[str, int]:
    """Change one word of a note of PARTS passages, then nothing, then its tags.

    embedded, reused: passages read again for the changed word, and left as they were.
    unchanged, tagged: passages read again for the two others.
    """
    parts = (" ".join(corpus.questions(SENTENCES_OF_A_PART)) for _ in range(PARTS))
    body = "\n\n".join(f"## Part {number}\n\n{part}" for number, part in enumerate(parts))
    pid = write_one(_fields("A long note", body), owner)
    words = body.split(" ")
    words[len(words) // 2] = "harpsichord"
    changes: tuple[Callable[[Fields], Fields], ...] = (
        lambda fields: replace(fields, body=" ".join(words)),
        lambda fields: fields,
        lambda fields: replace(fields, tags=("music",)),
    )
    worked_off()
    new: list[int] = []
    reused: list[int] = []
    before = _rows(pid)
    for change in changes:
        save_again(pid, change)
        worked_off()
        after = _rows(pid)
        new.append(len(after - before))
        reused.append(len(after & before))
        before = after
    return {"embedded": new[0], "reused": reused[0], "unchanged": new[1], "tagged": new[2]}


def save_to_hit(owner: User) -> list[float]:
    """Save new notes, one after the other; return the seconds until each is found by meaning.

    The vectors of the queries are kept beforehand. Raises NotMeasured.
    """
    index, encoder = index_build.active()
    times_s = []
    for text in OFF_TOPIC[:SAVES]:
        keep_query(index, encoder, parse(text).text)
        begin = time.perf_counter()
        pid = write_one(_fields(f"Note: {text}", f"{text.capitalize()}?"), owner)
        while not _is_found(text, pid):
            if time.perf_counter() - begin > FOUND_LIMIT_S:
                raise NotMeasured(f"Note {pid} is not found after {FOUND_LIMIT_S:.0f} s.")
            time.sleep(POLL_S)
        times_s.append(time.perf_counter() - begin)
    return times_s


def save_during_backlog(corpus: Corpus, owner: User, pids: Sequence[int]) -> list[float]:
    """Save notes while others wait to be embedded; return the seconds of each save."""
    backlog = corpus.notes(max(1, len(pids) // BACKLOG_PART))
    write_many((replace(fields, title=f"{fields.title} again") for fields in backlog), owner)
    times_s: list[float] = []
    for pid in pids[:SAVES_DURING]:
        if not Job.objects.unfinished().filter(kind=EMBED_NOTE).exists():
            break
        begin = time.perf_counter()
        save_again(pid, lambda fields: replace(fields, body=f"{fields.body}\n\nOne line more."))
        times_s.append(time.perf_counter() - begin)
        time.sleep(PAUSE_S)
    return times_s


def _fields(title: str, body: str) -> Fields:
    return Fields(title, body, ref="", type="note", tags=("bench",), visibility="public")


def _rows(pid: int) -> Rows:
    """Return the passages of a note that are embedded, each with the transaction that wrote it."""
    table = EncoderIndex.objects.get().table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT passage, xmin::text FROM {table} WHERE note = %s", [pid])
        return set(cursor.fetchall())


def _is_found(text: str, pid: int) -> bool:
    found = retrieve(parse(text), readable(), 1, Mode.SEMANTIC, with_weak=True)
    return [hit.pid for hit in found.hits] == [pid]
