"""The files that imported texts name: found in their source, kept with their note, or told.

A file that changed is one of its own, shown by a new revision; old revisions go on showing
what they showed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from django.contrib.auth.models import User

from wiki.files import store
from wiki.files.sanitizer import Clean, sanitised_svg
from wiki.importers.item import Code, Item, Notice
from wiki.importers.outcome import Outcome, Result
from wiki.importers.writer import Writer
from wiki.models import Attachment, Note, RevisionFile
from wiki.models.visibility import Visibility
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey

HERE = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)


class Named(NamedTuple):
    """The files that a text shows or links, and those that only its comments name."""

    shown: set[str]
    hidden: set[str]

    @classmethod
    def of(cls, survey: Survey) -> "Named":
        return cls(survey.rendered().attachment_keys(), set(survey.hidden_files))

    @property
    def all(self) -> set[str]:
        return self.shown | self.hidden


@dataclass
class Found:
    """What an item's files come to: those its head lacks, and those it shows others of.

    would_publish: the note is public, and the import is for its owner alone. head: what the
    head's text names, where that is known.
    """

    would_publish: bool
    head: "Named | None" = None
    new: dict[str, Attachment] = field(default_factory=dict)
    changed: dict[str, Attachment] = field(default_factory=dict)


def attach(
    items: Sequence[Item],
    surveys: Sequence[Survey],
    results: list[Result],
    importer: User,
    writer: Writer,
) -> list[Result]:
    """Bring the files of a batch that lie beside its texts; returns its results with what is told.

    A private import is no reason to show everybody a new file of a note that is public.

    A file that is here already is not written again. Two queries for the batch, and a few
    for each file that is new.
    """
    keys = {
        place: Named.of(survey)
        for place, (item, survey) in enumerate(zip(items, surveys, strict=True))
        if item.find_file is not None and results[place].outcome in HERE
    }
    pids = {results[place].pid or 0: named.all for place, named in keys.items() if named.all}
    loaded = Note.objects.none() if writer.dry_run else Note.objects.filter(pid__in=pids).cards()
    notes = {note.pid: note for note in loaded}
    shown = RevisionFile.objects.named_in(
        {note.head_id or 0: pids[pid] for pid, note in notes.items()}
    )
    for place, named in keys.items():
        find, note = items[place].find_file, notes.get(results[place].pid or 0)
        assert find is not None
        have = shown.get(note.head_id or 0, {}) if note else {}
        is_private = (items[place].head.visibility or writer.visibility) == Visibility.PRIVATE
        found = Found(would_publish=note is not None and note.is_public and is_private)
        if results[place].outcome == Outcome.CREATED:
            found.head = named
        for key in sorted(named.all):
            said = _brought(note, key, find, have.get(key), found)
            results[place] = told(results[place], *said)
        if note is not None:
            results[place] = _shown(note, found, results[place], importer)
    return results


def _brought(
    note: Note | None,
    key: str,
    find: Callable[[str], Path | None],
    shown: Attachment | None,
    found: Found,
) -> tuple[Outcome, Notice | None]:
    """Give the note its file; tells whether that changed anything, and why it has none.

    note: None in a dry run, which only looks. shown: what the head shows under this key. What
    was removed here for good does not come back before it is another file.
    """
    path = find(key)
    if path is None:
        message = f"The text names the file {key}, which is not there."
        return Outcome.UNCHANGED, None if shown else Notice(Code.ATTACHMENT_MISSING, message)
    try:
        with sanitised_svg(path) as clean:
            notice = Notice(Code.ATTACHMENT_ALTERED, f"{key}: {clean.told}") if clean.told else None
            if note is None:
                return Outcome.UNCHANGED, notice
            outcome, refused = _kept(note, key, path.name, clean, shown, found)
    except (store.FileRefused, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return Outcome.UNCHANGED, Notice(Code.ATTACHMENT_REFUSED, f"{key}: {said}")
    return outcome, notice if outcome == Outcome.UPDATED else refused


def _kept(
    note: Note, key: str, name: str, clean: Clean, shown: Attachment | None, found: Found
) -> tuple[Outcome, Notice | None]:
    if shown is not None and _is_still(shown, store.sha256_of(clean.content)):
        return Outcome.UNCHANGED, None
    if shown is None and key not in _named_by_head(note, found).all:
        return Outcome.UNCHANGED, None
    if found.would_publish:
        message = f"Note {note.pid} is public and this import is not, so {key} stayed behind."
        return Outcome.UNCHANGED, Notice(Code.ATTACHMENT_REFUSED, message)
    row = Attachment.objects.add(note, key=key, name=name, content=clean.content, kind=clean.kind)
    if shown is not None and shown.pk == row.pk:
        return Outcome.UNCHANGED, None
    (found.new if shown is None else found.changed)[key] = row
    return Outcome.UPDATED, None


def _is_still(shown: Attachment, sha256: str) -> bool:
    return shown.sha256 == sha256 and (shown.removed is not None or shown.path.is_file())


def _shown(note: Note, found: Found, result: Result, importer: User) -> Result:
    """Let the head show what it lacked; a new one, what it showed other bytes of."""
    if found.new:
        shown = _named_by_head(note, found).shown
        new = {key: row for key, row in found.new.items() if key in shown}
        RevisionFile.objects.record(note.head_revision, new)
    if not found.changed:
        return result
    if result.revisions and result.outcome == Outcome.UPDATED:
        # This import made the head just now; nothing else has shown its files.
        RevisionFile.objects.point(note.head_revision, found.changed)
        return result
    note.replace_files(
        found.changed,
        author=importer,
        summary=f"changed at its source: {', '.join(sorted(found.changed))}",
    )
    return replace(result, revisions=result.revisions + 1)


def _named_by_head(note: Note, found: Found) -> Named:
    """Return what the head calls its files; edited here, it may name others than its source."""
    if found.head is None:
        (survey,) = sandbox.survey([(note.title, note.head_revision.body or "")])
        found.head = Named.of(survey)
    return found.head


def told(result: Result, outcome: Outcome, notice: Notice | None) -> Result:
    """Return what is said of an item, with what became of one of its files."""
    if notice is not None:
        result = replace(result, notices=(*result.notices, notice))
        if notice.code != Code.ATTACHMENT_ALTERED:
            return result
    is_new = outcome == Outcome.UPDATED and result.outcome == Outcome.UNCHANGED
    outcome = outcome if is_new else result.outcome
    return replace(result, outcome=outcome, attachments=result.attachments + 1)
