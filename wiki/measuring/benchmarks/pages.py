"""What a page costs: time, processor, database, by the whole way from URL to HTML.

Requests go through Django's handler and every middleware in this process, on a warm
connection and with the HTML of the notes that are shown cached.
Besides ordinary pages two heavy ones are asked for: a note of 30 kB with 100 formulas (to be
under 15 ms of processor time) and a list of 20 such notes (under 60 ms). Then come a note with
10,000 revisions, which is to cost what one with a single revision does, and saving the largest
text there may be, of which each word is another.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import cycle, islice
from random import Random
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from wiki.forms import MAX_BYTES, form_values
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import settle, write_many
from wiki.measuring.subject import Options, Subject, add_notes
from wiki.models import Note, Revision
from wiki.models.bulk_insert import Arrival

NOTES, REVISIONS = 1_000, 10_000
HEAVY_NOTES, HEAVY_SIZE, HEAVY_FORMULAS, HEAVY_TAG = 20, 30_000, 100, "heavy"
DIFFERENT, ROUNDS = 10, 50

# Makes a request ready; what it returns sends it.
Prepare = Callable[[], Callable[[], None]]


class Queries:
    """Counts queries and the time inside them, while it wraps a connection's."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    def __call__(self, execute: Any, *args: Any) -> Any:
        begin = perf_counter()
        try:
            return execute(*args)
        finally:
            self.count += 1
            self.seconds += perf_counter() - begin

    def watching(self) -> AbstractContextManager[None]:
        """Return the context in which every query counts."""
        return connection.execute_wrapper(self)


def run(options: Options) -> dict[str, Any]:
    """Build a corpus and measure every page; options["notes"] is how many notes there are.

    *_ms are medians but p95_ms; cpu_ms is this process's, so that of a save lacks what the
    child does that renders; queries are the most that a request made. seq_scans names, as
    "page: table", the tables with a row per note or more that were read whole
    (pg_stat_user_tables, before and after).
    """
    machine = Machine.now()
    count = options.get("notes") or NOTES
    begin = perf_counter()
    owner = get_user_model().objects.create_superuser("owner")
    pages = build(count, owner)
    build_s = round(perf_counter() - begin, 1)
    result, scanned = {}, []
    for name, requests in pages.items():
        before = whole_reads(count)
        result[name] = measure(requests, machine)
        after = whole_reads(count)
        scanned += [f"{name}: {table}" for table in after if after[table] != before[table]]
    return {
        "notes": count,
        "build_s": build_s,
        "pages": result,
        "seq_scans": scanned,
        **machine.as_json(),
    }


def build(count: int, owner: User) -> dict[str, list[Prepare]]:
    """Write the corpus; return by page the requests to measure, which take turns."""
    corpus = Corpus()
    # First the heavy ones, so that the newest notes, which the list shows, are ordinary.
    heavy = [
        Note.objects.write(fields, owner=owner)
        for fields in corpus.heavy(HEAVY_NOTES, HEAVY_SIZE, HEAVY_FORMULAS, HEAVY_TAG)
    ]
    pids = write_many(corpus.notes(count), owner)
    some = list(Note.objects.filter(pid__in=pids[:: max(1, count // DIFFERENT)]))
    reader, writer = Client(headers={"host": "localhost"}), Client(headers={"host": "localhost"})
    writer.force_login(owner)
    (fields,) = corpus.notes(1)
    largest = Note.objects.write(fields, owner=owner)
    texts = corpus.queries(DIFFERENT) + corpus.questions(DIFFERENT)
    saves = [saving(writer, note, corpus) for note in some]
    for save in saves:
        save()()
    settle()
    return {
        "list": [getting(reader, "/")],
        "tag": [getting(reader, note.shown_tags()[0].get_absolute_url()) for note in some],
        "note": [getting(reader, note.get_absolute_url()) for note in some],
        "search": [getting(reader, f"/search/?{urlencode({'q': text})}") for text in texts],
        "diff": [getting(reader, f"{note.get_absolute_url()}diff/0/1/") for note in some],
        "save": saves,
        "long_history": [getting(reader, with_revisions(corpus, owner).get_absolute_url())],
        "largest_save": [saving(writer, largest, corpus, different_words)],
        "heavy_note": [getting(reader, note.get_absolute_url()) for note in heavy],
        "heavy_list": [getting(reader, f"/?tags=%3D{HEAVY_TAG}")],
    }


def getting(client: Client, path: str) -> Prepare:
    """Return a request for a page."""

    def send() -> None:
        reply = client.get(path)
        assert reply.status_code == 200, f"{path} answered {reply.status_code}"

    return lambda: send


def with_revisions(corpus: Corpus, owner: User) -> Note:
    """Write a note with REVISIONS revisions."""
    (fields,) = corpus.notes(1)
    note, now = Note(owner=owner, created=timezone.now()), timezone.now()
    revisions = [
        Revision.of(note, number, fields, author=owner, created=now) for number in range(REVISIONS)
    ]
    Note.objects.import_batch([Arrival(note, revisions)])
    return note


def different_words(body: str) -> str:
    """Return as much text as a note may have, no word of which comes twice."""
    start = Random(body).randrange(10**9)
    words = (f"{start + i:x}" for i in range(MAX_BYTES // 5))
    return " ".join(words)[:MAX_BYTES]


def saving(
    client: Client, note: Note, corpus: Corpus, change: Callable[[str], str] | None = None
) -> Prepare:
    """Return a request that saves one more revision of a note, changed a little or by `change`."""
    change = change or corpus.changed

    def prepare() -> Callable[[], None]:
        head = Note.objects.cards().get(pid=note.pid)
        typed = form_values(head.current_fields())
        typed |= {"body": change(typed["body"]), "base": str(head.head_revision.number)}

        def send() -> None:
            reply = client.post(f"{note.get_absolute_url()}edit/", typed)
            assert reply.status_code == 302, f"saving answered {reply.status_code}"

        return send

    return prepare


def measure(requests: Sequence[Prepare], machine: Machine) -> dict[str, Any]:
    """Send ROUNDS requests, after each was sent once."""
    for prepare in requests:
        prepare()()
    wall_s, cpu_s, database_s, counts = [], [], [], []
    for prepare in islice(cycle(requests), ROUNDS):
        send, queries = prepare(), Queries()
        with queries.watching():
            begin, begin_cpu = perf_counter(), process_time()
            send()
            cpu_s.append(process_time() - begin_cpu)
            wall_s.append(perf_counter() - begin)
        database_s.append(queries.seconds)
        counts.append(queries.count)
    return {
        "p50_ms": machine.milliseconds(wall_s, 0.50),
        "p95_ms": machine.milliseconds(wall_s, 0.95),
        "cpu_ms": machine.milliseconds(cpu_s, 0.50),
        "database_ms": machine.milliseconds(database_s, 0.50),
        "queries": max(counts),
    }


def whole_reads(rows: int) -> dict[str, int]:
    """Return how often each table of at least so many rows was read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT s.relname, s.seq_scan FROM pg_stat_user_tables s"
            " JOIN pg_class c ON c.oid = s.relid WHERE c.reltuples >= %s ORDER BY 1",
            [rows],
        )
        return dict(cursor.fetchall())


SUBJECT = Subject(run, add_notes)
