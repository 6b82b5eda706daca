"""The files that an archive keeps with its notes, and which of their revisions shows which."""

from collections.abc import Mapping, Sequence

from wiki.files import store
from wiki.files.sanitizer import proven_kind
from wiki.importers.attachments import HERE, told
from wiki.importers.item import Attached, Code, Item, Notice, State
from wiki.importers.outcome import Outcome, Result
from wiki.importers.owners import People
from wiki.models import Attachment, Note, RevisionFile
from wiki.rendering import sandbox


def unpack(
    items: Sequence[Item], results: Sequence[Result], people: People, *, dry_run: bool
) -> list[Result]:
    """Bring the files of a batch from an archive; those that are here stay."""
    return [
        _unpacked(item, result, people, dry_run=dry_run)
        for item, result in zip(items, results, strict=True)
    ]


def _unpacked(item: Item, result: Result, people: People, *, dry_run: bool) -> Result:
    if item.record is None or not item.record.attachments or result.outcome not in HERE:
        return result
    note = None if dry_run else Note.objects.filter(pid=result.pid or 0).first()
    have = {_name(row): row for row in note.attachments.all()} if note else {}
    rows: dict[int, Attachment] = {}
    for file in item.record.attachments:
        row = have.get((file.key, file.sha256, file.removed is not None))
        outcome, notice = Outcome.UNCHANGED, None
        if row is None:
            row, notice = _brought(note, file, people)
            outcome = Outcome.UNCHANGED if notice else Outcome.UPDATED
        if row is not None:
            rows[file.number] = row
        result = told(result, outcome, notice)
    if note is not None:
        _show(note, item, rows)
    return result


def _name(row: Attachment) -> tuple[str, str, bool]:
    return row.key, row.sha256, row.removed is not None


def _brought(
    note: Note | None, file: Attached, people: People
) -> tuple[Attachment | None, Notice | None]:
    """Give the note a file of its archive; returns it, or why it has none."""
    if file.removed is not None:
        return (Attachment.objects.add_removed(note, file.columns()) if note else None), None
    try:
        if store.sha256_of(file.path) != file.sha256:
            message = f"The file {file.key} is not the one that was exported: its sha256 differs."
            return None, Notice(Code.BAD_HASH, message)
        if note is None:
            return None, None
        return Attachment.objects.add(
            note,
            key=file.key,
            name=file.name,
            content=file.path,
            kind=proven_kind(file.path),
            number=file.number,
            created=file.created,
            uploader=people.named(file.uploader),
        ), None
    except FileNotFoundError:
        message = f"The file {file.key} is not in the archive."
        return None, Notice(Code.ATTACHMENT_MISSING, message)
    except (store.FileRefused, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return None, Notice(Code.ATTACHMENT_REFUSED, f"{file.key}: {said}")


def _show(note: Note, item: Item, rows: Mapping[int, Attachment]) -> None:
    """Let each revision show the files it showed where the archive was made."""
    shown = [_files_of(state, rows) for state in item.states]
    if all(state.files is None for state in item.states):
        shown = _named(item.states, rows)
    revisions = {revision.number: revision for revision in note.revisions.defer("body")}
    for state, files in zip(item.states, shown, strict=True):
        if files and state.number in revisions:
            RevisionFile.objects.record(revisions[state.number], files)


def _files_of(state: State, rows: Mapping[int, Attachment]) -> dict[str, Attachment]:
    files = (state.files or {}).items()
    return {key: rows[number] for key, number in files if number in rows}


def _named(states: Sequence[State], rows: Mapping[int, Attachment]) -> list[dict[str, Attachment]]:
    """Return what each revision shows by an archive that does not say: what its text names."""
    by_key = {row.key: row for row in rows.values()}
    surveys = sandbox.survey([(state.title, state.body or "") for state in states])
    named = [survey.rendered().attachment_keys() for survey in surveys]
    return [{key: by_key[key] for key in sorted(keys) if key in by_key} for keys in named]
