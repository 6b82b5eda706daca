"""A whole file: read, surveyed, written batch by batch, counted, reported.

The report has one JSON object per line and item:
{"path", "outcome", "pid", "notices": [{"code", "message"}]}; the codes are item.Code. What is
no item, such as a file that no note uses, has the outcome null and stands at the end.
"""

import io
from collections.abc import Iterable, Sequence, Sized
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from wiki.importers import FORMATS, Format
from wiki.importers.archived_files import unpack
from wiki.importers.archives.archive import opened
from wiki.importers.attachments import attach
from wiki.importers.faults import notice_of
from wiki.importers.item import Code, Item, Options, Unreadable
from wiki.importers.outcome import Result
from wiki.importers.owners import People
from wiki.importers.report import Progress, Report
from wiki.importers.surveys import surveyed
from wiki.importers.writer import Writer
from wiki.private_files import create, make_folder
from wiki.rendering.survey import Survey

# Called with how many items are done, and how many there are; 0 where nobody knows yet.


def import_path(
    path: Path,
    name: str,
    *,
    owner: User,
    visibility: str,
    dry_run: bool,
    report: Path,
    options: Options | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[str, Any]:
    """Import a file of format `name` for owner; returns the counts for --json.

    Writes one line per item to report, which must not exist. A zip is unpacked where nobody
    else reads. Raises Unreadable, and OSError if the report cannot be written.
    """
    kind, people = FORMATS[name], People(owner)
    options = options or Options()
    make_folder(report.parent)
    try:
        with (
            opened(path) as place,
            # A name that is no text is told with another sign in its place.
            io.TextIOWrapper(create(report), encoding="utf-8", errors="replace") as lines,
        ):
            # A stranger's archive is no place to ask programs about.
            options = replace(options, has_history=options.has_history and place == path)
            writer = Writer(
                people,
                visibility=visibility,
                last_pid=kind.last_pid(place),
                dry_run=dry_run,
                keeps_numbers=options.keeps_numbers,
            )
            written = Report(lines, progress)
            _import(kind, place, options, writer, written)
    except Unreadable:
        report.unlink(missing_ok=True)
        raise
    return written.tally.summary(owner, dry_run=dry_run)


def _import(kind: Format, place: Path, options: Options, writer: Writer, report: Report) -> None:
    """Write all items of a source, finish it as its format does, and report what is no item."""
    source = kind.read(place, options)
    _write(source, writer, writer.people, report)
    with transaction.atomic():
        report.add_failures(kind, place, writer.people)
        transaction.set_rollback(writer.dry_run)
    report.add_remarks(kind, source)


def _write(source: Iterable[Item], writer: Writer, people: People, said: Report) -> None:
    total = len(source) if isinstance(source, Sized) else 0
    for items, surveys in surveyed(source):
        results = writer.write(items, surveys)
        results = _with_files(items, surveys, results, people, writer)
        said.add(items, results, surveys)
        said.progress(said.tally.outcomes.total(), total)


def _with_files(
    items: Sequence[Item],
    surveys: Sequence[Survey],
    results: list[Result],
    people: People,
    writer: Writer,
) -> list[Result]:
    """Bring the files of a batch; where that fails, of each note by itself, and tell it."""
    try:
        attached = attach(items, surveys, list(results), people.importer, writer)
        return unpack(items, attached, people, dry_run=writer.dry_run)
    except Exception as error:
        if len(items) == 1:
            told = replace(notice_of(error), code=Code.ATTACHMENT_REFUSED)
            return [replace(results[0], notices=(*results[0].notices, told))]
    return [
        _with_files([item], [survey], [result], people, writer)[0]
        for item, survey, result in zip(items, surveys, results, strict=True)
    ]
