"""Many editors saving at once: how long a save takes, and that none of them is lost.

Four scenes. On notes of their own, editors only share the machine: first ordinary notes, then
notes of 200 lines with a formula in each. On one note, each with lines of their own, their
changes are merged. On one line, they get conflicts and go on from
the text that the conflict shows them, as a person does.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from time import perf_counter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected

from wiki.fields import Fields
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.benchmarks.population import write_many
from wiki.measuring.subject import Options, Subject, add_notes
from wiki.models import EditConflict, Note, Revision

LINES = 200
OTHER_NOTES = 100


@dataclass(frozen=True)
class Scene:
    """Editors, how often each saves, and how they change a text: one of the corpus, or a long one.

    edit(lines, editor, word) writes word into the lines. kept(before, after, editor) tells
    whether after, saved by that editor, still says what all others wrote.
    """

    editors: int
    saves: int
    notes: int
    edit: Callable[[list[str], int, str], None]
    kept: Callable[[list[str], list[str], int], bool]
    is_ordinary: bool = False


@dataclass
class Outcome:
    """What one editor met; accepted holds (pid, number, word) of every save that returned."""

    accepted: list[tuple[int, int, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    conflicts: int = 0
    deadlocks: int = 0


def own_line(editor: int) -> int:
    """Return the line an editor keeps to; there is always another line between two."""
    return 4 * editor % LINES


def write_own_line(lines: list[str], editor: int, word: str) -> None:
    """Replace the editor's line."""
    lines[own_line(editor)] = f"Line {own_line(editor)} says {word} now."


def only_own_line_changed(before: list[str], after: list[str], editor: int) -> bool:
    """Tell whether every other line is as it was."""
    changed = [i for i, pair in enumerate(zip(before, after, strict=False)) if len(set(pair)) > 1]
    return len(before) == len(after) and changed in ([], [own_line(editor)])


def append_to_shared_line(lines: list[str], editor: int, word: str) -> None:
    """Write at the end of the line in the middle, where everybody writes."""
    lines[len(lines) // 2] += f" {word}"


def no_word_gone(before: list[str], after: list[str], editor: int) -> bool:
    """Tell whether every word is still there."""
    return set(" ".join(before).split()) <= set(" ".join(after).split())


SCENES = {
    "ordinary": Scene(8, 50, 8, append_to_shared_line, no_word_gone, is_ordinary=True),
    "different": Scene(8, 50, 8, write_own_line, only_own_line_changed),
    "one_note": Scene(50, 20, 1, write_own_line, only_own_line_changed),
    "one_line": Scene(8, 10, 1, append_to_shared_line, no_word_gone),
}


def run(options: Options) -> dict[str, Any]:
    """Play every scene; options["notes"] is how many other notes there are meanwhile.

    Returns per scene "p50_ms" "p95_ms" "accepted" "merges" "conflicts" and, which must all be
    0, "lost" "overwritten" "deadlocks"; "failed" is their sum.
    """
    machine = Machine.now()
    owner = get_user_model().objects.create_superuser("owner")
    write_many(Corpus().notes(options.get("notes") or OTHER_NOTES), owner)
    result: dict[str, Any] = {name: play(scene, machine) for name, scene in SCENES.items()}
    must_be_0 = ("lost", "overwritten", "deadlocks")
    failed = sum(figures[name] for figures in result.values() for name in must_be_0)
    return {**result, "failed": failed, **machine.as_json()}


def play(scene: Scene, machine: Machine) -> dict[str, Any]:
    """Let all editors of a scene save at once; then look at every revision they made."""
    people = [person(i) for i in range(scene.editors)]
    long_texts = (long_text(f"Note {i}") for i in range(scene.notes))
    texts = Corpus().notes(scene.notes) if scene.is_ordinary else long_texts
    notes = [Note.objects.write(fields, owner=people[0]) for fields in texts]
    start = Barrier(scene.editors)

    def sit_down(editor: int) -> Outcome:
        try:
            start.wait()
            return _edit(scene, notes[editor % scene.notes].pid, editor, people[editor])
        finally:
            connection.close()

    with ThreadPoolExecutor(scene.editors) as pool:
        outcomes = list(pool.map(sit_down, range(scene.editors)))
    seconds = [time_s for outcome in outcomes for time_s in outcome.seconds]
    made = Revision.objects.filter(note__in=notes)
    return {
        "editors": scene.editors,
        "p50_ms": machine.milliseconds(seconds, 0.50),
        "p95_ms": machine.milliseconds(seconds, 0.95),
        "accepted": len(seconds),
        "merges": made.filter(source=Revision.Source.MERGE).count(),
        "conflicts": sum(outcome.conflicts for outcome in outcomes),
        "lost": sum(_count_lost(outcome) for outcome in outcomes),
        "overwritten": sum(count_overwritten(scene, note) for note in notes),
        "deadlocks": sum(outcome.deadlocks for outcome in outcomes),
    }


def _edit(scene: Scene, pid: int, editor: int, author: User) -> Outcome:
    outcome = Outcome()
    for i in range(scene.saves):
        word = f"editor{editor}save{i}"
        note = Note.objects.select_related("head").get(pid=pid)
        seen = note.head
        while True:
            assert seen is not None
            begin = perf_counter()
            try:
                saved = note.save_revision(
                    written(seen.fields, scene, editor, word), base=seen.number, author=author
                )
            except EditConflict as conflict:
                outcome.conflicts += 1
                seen = conflict.head
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
                outcome.deadlocks += 1
            else:
                break
        outcome.seconds.append(perf_counter() - begin)
        outcome.accepted.append((pid, saved.number, word))
    return outcome


def written(fields: Fields, scene: Scene, editor: int, word: str) -> Fields:
    """Return what an editor makes of a text, to save a word."""
    lines = fields.body.split("\n")
    scene.edit(lines, editor, word)
    return replace(fields, body="\n".join(lines))


def _count_lost(outcome: Outcome) -> int:
    """Count the accepted saves whose word is not in the revision they were told."""
    return sum(
        word not in Revision.objects.get(note=pid, number=number).fields.body.split()
        for pid, number, word in outcome.accepted
    )


def count_overwritten(scene: Scene, note: Note) -> int:
    """Count the revisions that undid what somebody else had written before."""
    count, before = 0, None
    for revision in note.revisions.order_by("number"):
        after = revision.fields.body.split("\n")
        editor = int(revision.author_name.removeprefix("editor"))
        count += before is not None and not scene.kept(before, after, editor)
        before = after
    return count


def person(editor: int) -> Any:
    """Return the account of an editor."""
    return get_user_model().objects.get_or_create(username=f"editor{editor}")[0]


def long_text(title: str) -> Fields:
    """Return a note of LINES lines to start from."""
    body = "\n".join(f"Line {i} of a text, with $x_{{{i}}}$ in it." for i in range(LINES))
    return Fields(title, body, ref="", type="note", tags=("bench", "saves"), visibility="public")


SUBJECT = Subject(run, add_notes)
