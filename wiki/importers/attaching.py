"""The files that imported texts name: found in their source, kept with their note, or told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from wiki.files import store
from wiki.importers.item import Attached, Code, Item, Notice
from wiki.importers.outcome import Outcome, Result
from wiki.markup.survey import Survey
from wiki.models import Attachment, Note

HERE = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)


def attach(
    items: Sequence[Item], surveys: Sequence[Survey], results: list[Result], *, dry_run: bool
) -> list[Result]:
    """Bring the files of a batch; returns its results with what is told of them.

    A file that is here already is not written again. Two queries for the batch, and a few
    for each file that is new.
    """
    keys = {
        place: survey.rendered().attachment_keys() | set(survey.hidden_files)
        for place, (item, survey) in enumerate(zip(items, surveys, strict=True))
        if item.find_file is not None and results[place].outcome in HERE
    }
    pids = {results[place].pid or 0: named for place, named in keys.items()}
    have = Attachment.objects.named_in(pids) if any(pids.values()) and not dry_run else {}
    notes = Note.objects.in_bulk([pid for pid, named in pids.items() if named and not dry_run])
    for place, named in keys.items():
        find, note = items[place].find_file, notes.get(results[place].pid or 0)
        assert find is not None
        for key in sorted(named):
            row = have.get((results[place].pid or 0, key))
            results[place] = _told(results[place], *_brought(note, key, find, row))
    return [_with_archived(*both, dry_run=dry_run) for both in zip(items, results, strict=True)]


def _with_archived(item: Item, result: Result, *, dry_run: bool) -> Result:
    """Bring the files that an archive keeps with the note; those that are here stay."""
    if item.record is None or not item.record.attachments or result.outcome not in HERE:
        return result
    note = None if dry_run else Note.objects.filter(pid=result.pid or 0).first()
    have = set(note.attachments.values_list("key", flat=True)) if note else set()
    for file in item.record.attachments:
        told = (Outcome.UNCHANGED, None) if file.key in have else _unpacked(note, file)
        result = _told(result, *told)
    return result


def _unpacked(note: Note | None, file: Attached) -> tuple[Outcome, Notice | None]:
    try:
        if store.sha256_of(file.path) != file.sha256:
            message = f"The file {file.key} is not the one that was exported: its sha256 differs."
            return Outcome.UNCHANGED, Notice(Code.BAD_HASH, message)
        if note is not None:
            Attachment.objects.add(
                note,
                key=file.key,
                name=file.name,
                content=file.path,
                number=file.number,
                created=file.created,
            )
    except FileNotFoundError:
        message = f"The file {file.key} is not in the archive."
        return Outcome.UNCHANGED, Notice(Code.ATTACHMENT_MISSING, message)
    except (store.FileRefused, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return Outcome.UNCHANGED, Notice(Code.ATTACHMENT_REFUSED, f"{file.key}: {said}")
    return Outcome.UPDATED, None


def _brought(
    note: Note | None, key: str, find: Callable[[str], Path | None], row: Attachment | None
) -> tuple[Outcome, Notice | None]:
    """Give the note its file; tells whether that changed anything, and why it has none.

    note: None in a dry run, which only looks. row: what the note has under this key.
    """
    path = find(key)
    if path is None:
        message = f"The text names the file {key}, which is not there."
        return Outcome.UNCHANGED, None if row else Notice(Code.ATTACHMENT_MISSING, message)
    if note is None:
        return Outcome.UNCHANGED, None
    try:
        new = Attachment.objects.add(note, key=key, name=path.name, content=path)
    except (store.FileRefused, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return Outcome.UNCHANGED, Notice(Code.ATTACHMENT_REFUSED, f"{key}: {said}")
    is_same = row is not None and row.sha256 == new.sha256
    return Outcome.UNCHANGED if is_same else Outcome.UPDATED, None


def _told(result: Result, outcome: Outcome, notice: Notice | None) -> Result:
    if notice is not None:
        return replace(result, notices=(*result.notices, notice))
    is_new = outcome == Outcome.UPDATED and result.outcome == Outcome.UNCHANGED
    outcome = outcome if is_new else result.outcome
    return replace(result, outcome=outcome, attachments=result.attachments + 1)
