"""Benchmarks count what is lost, and give no times that a busy machine would make up."""

import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from wiki import extensions
from wiki.management.own_database import OWN_FOLDER
from wiki.measuring.benchmarks import saves
from wiki.measuring.benchmarks.machine import Machine
from wiki.measuring.subject import Arguments, Subject, add_cache, add_notes
from wiki.models import Note, revision_save

QUIET = Machine(cores=2, model="a machine", load=0.5)


def small(name, **changes):
    return replace(saves.SCENES[name], **{"editors": 4, "saves": 3, **changes})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "notes"), [("ordinary", 4), ("different", 4), ("one_note", 1), ("one_line", 1)]
)
def test_editors_at_once_lose_nothing(name, notes):
    figures = saves.play(small(name, notes=notes), QUIET)
    assert figures["accepted"] == 12
    assert (figures["lost"], figures["overwritten"], figures["deadlocks"]) == (0, 0, 0)
    assert figures["p50_ms"] <= figures["p95_ms"]


@pytest.mark.django_db
def test_a_last_writer_who_wins_is_counted_as_overwriting(monkeypatch):
    monkeypatch.setattr(revision_save, "_merged", lambda note, head, mine, base: mine)
    for scene in saves.SCENES.values():
        start = saves.long_text("Note")
        note = Note.objects.write(start, owner=saves.person(0))
        for editor in (1, 2):
            typed = saves.written(start, scene, editor, f"word{editor}")
            note.save_revision(typed, base=0, author=saves.person(editor))
        assert saves.count_overwritten(scene, note) == 1


@pytest.mark.django_db(transaction=True)
def test_an_accepted_word_that_is_not_in_its_revision_is_counted_as_lost(monkeypatch):
    typed = revision_save._with_resolved_tags
    monkeypatch.setattr(
        revision_save,
        "_with_resolved_tags",
        lambda fields, *more: typed(
            replace(fields, body=fields.body.replace("save1", "save0")), *more
        ),
    )
    figures = saves.play(small("different", editors=2, notes=2), QUIET)
    assert figures["lost"] == 2


def test_times_are_ranked_and_rounded():
    times_s = [i / 1000 for i in range(1, 101)]
    assert [QUIET.milliseconds(times_s, part) for part in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert QUIET.milliseconds([0.01234], 0.5) == 12.3
    assert QUIET.milliseconds([], 0.5) is None


def test_a_busy_machine_gives_no_times():
    assert replace(QUIET, load=3.0).milliseconds([0.1], 0.5) == 100
    assert replace(QUIET, load=3.1).milliseconds([0.1], 0.5) is None


def test_the_machine_is_named():
    machine = Machine.now()
    assert machine.cores >= 1 and machine.model
    assert machine.as_json().keys() == {"load", "machine"}


def test_an_unknown_subject_is_refused_and_the_known_ones_are_named():
    with pytest.raises(CommandError, match="nothing called 'speed' to bench.*saves") as refused:
        call_command("bench", "speed")
    assert refused.value.returncode == 2


@pytest.mark.django_db
@pytest.mark.parametrize("failed", [0, 1])
def test_a_subject_is_measured_with_its_options(failed, monkeypatch, settings, capsys):
    monkeypatch.setenv(OWN_FOLDER, str(settings.WIKI_DATA_DIR))
    quick = Subject(lambda options: {"notes": options["notes"], "failed": failed})
    monkeypatch.setattr("wiki.measuring.benchmarks.machine.QUICK", quick, raising=False)
    monkeypatch.setitem(extensions.benchmarks, "quick", "wiki.measuring.benchmarks.machine.QUICK")
    try:
        call_command("bench", "quick", notes=5, json=True)
    except SystemExit as ended:
        assert ended.code == 1 == failed
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {"notes": 5, "failed": failed}


def test_one_option_of_two_subjects_is_declared_once():
    declared = []
    arguments = Arguments(lambda name, **details: declared.append(name))
    for add in (add_notes, add_cache, add_notes):
        add(arguments)
    assert declared == ["--notes", "--cache"] and list(arguments.declared) == ["notes", "cache"]
    with pytest.raises(ValueError, match="--notes in two ways"):
        arguments.add("notes", type=str)
