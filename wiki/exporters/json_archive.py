"""The lossless archive: every note with every revision, also those in the trash.

    notes.jsonl        one note per line, by pid; its revisions from 0 to the head
    tag_changes.jsonl  one recorded change per line, oldest first; `undoes` counts lines from 0
    media/ab/cdef…     the files of notes, each once, by its sha256
    archive.json       version, highest pid, counts, usernames that occur, sha256 of all files

The export's sha256 is that of notes.jsonl, tag_changes.jsonl and the files of notes, one after
the other. The same rows give
the same bytes: nothing here depends on the moment of the export. Left out is what is made
from revisions (a note's title, ref, type, visibility and `modified`, HTML, links), form
submissions, and of accounts everything but the username.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models import Prefetch, Q

from wiki.exporters.output import Exported, Output
from wiki.files import store
from wiki.importers.formats.json_archive import MANIFEST, MEDIA, NOTES, TAG_CHANGES, VERSION
from wiki.models import Alias, Attachment, Note, Revision, RevisionFile, TagChange
from wiki.models.attachment import AttachmentQuerySet
from wiki.snapshot import snapshot

NOTHING: tuple[None, Iterator[Revision]] = (None, iter(()))
NOTES_AT_A_TIME, REVISIONS_AT_A_TIME = 500, 50


def write(directory: Path) -> Exported:
    """Write the archive of this instance, as of one moment. Holds one note in memory at a time.

    Raises OSError if the folder cannot be written.
    """
    output = Output(directory)
    counts = {"notes": 0, "revisions": 0, "tag_changes": 0, "attachments": 0}
    last_pid = 0
    with snapshot():
        with output.file(NOTES) as add:
            for note, revisions in _notes():
                add(_line(_said_by_note(note, revisions)))
                last_pid = note.pid
                counts["notes"] += 1
                counts["revisions"] += len(revisions)
                counts["attachments"] += len(note.attachments.all())
        with output.file(TAG_CHANGES) as add:
            for change in _tag_changes():
                add(_line(change))
                counts["tag_changes"] += 1
        _copy_files(output)
        said = {"last_pid": last_pid, "counts": counts, "users": _usernames()}
    exported = Exported(
        counts["notes"], counts["revisions"], output.bytes, output.sha256, counts["attachments"]
    )
    with output.file(MANIFEST) as add:
        start = {"format": "commonplace", "version": VERSION}
        manifest = {**start, **said, "sha256": output.hashes}
        add(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return exported


def _notes() -> Iterator[tuple[Note, list[Revision]]]:
    """Yield all notes by pid with their revisions by number: two queries, walked in step."""
    notes = Note.objects.select_related("owner", "deleted_by", "head").order_by("pid")
    loaded = notes.prefetch_related(
        "note_tags",
        Prefetch("attachments", _kept().select_related("uploader").order_by("number")),
        # Titles it had are known from its revisions.
        Prefetch("aliases", Alias.objects.exclude(kind=Alias.Kind.TITLE).order_by("key")),
    )
    revisions = Revision.objects.select_related("author").order_by("note_id", "number")
    shown = RevisionFile.objects.select_related("attachment").order_by("key")
    revisions = revisions.prefetch_related(Prefetch("files", shown))
    grouped = groupby(revisions.iterator(REVISIONS_AT_A_TIME), lambda revision: revision.note_id)
    pid, own = next(grouped, NOTHING)
    for note in loaded.iterator(NOTES_AT_A_TIME):
        if pid != note.pid:
            yield note, []
            continue
        yield note, list(own)
        pid, own = next(grouped, NOTHING)


def _said_by_note(note: Note, revisions: list[Revision]) -> dict[str, Any]:
    return {
        "pid": note.pid,
        "legacy_pid": note.legacy_pid,
        "owner": note.owner.get_username(),
        "created": _time(note.created),
        "deleted": _time(note.deleted),
        "deleted_by": _username(note.deleted_by),
        "import_key": note.import_key,
        "import_sha256": note.import_sha256,
        "extra": note.extra,
        "names": {alias.key: alias.kind for alias in note.aliases.all()},
        "tags": [tag.name for tag in note.shown_tags()],
        "attachments": [_said_by_attachment(file) for file in note.attachments.all()],
        "revisions": [_said_by_revision(revision) for revision in revisions],
    }


def _said_by_attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "number": attachment.number,
        "key": attachment.key,
        "name": attachment.name,
        "sha256": attachment.sha256,
        "created": _time(attachment.created),
        "uploader": _username(attachment.uploader),
        "removed": _time(attachment.removed),
    }


def _kept() -> AttachmentQuerySet:
    """Return the files of notes; without what somebody uploaded and did not save."""
    return Attachment.objects.exclude(pk__in=Attachment.objects.unsaved().values("pk"))


def _copy_files(output: Output) -> None:
    """Copy each file of a note once; one that is lost is not there, and its import says so."""
    hashes = (
        _kept().filter(removed=None).order_by("sha256").values_list("sha256", flat=True).distinct()
    )
    for sha256 in hashes.iterator(NOTES_AT_A_TIME):
        path = store.path_of(sha256)
        if path.is_file():
            output.copy(f"{MEDIA}/{path.parent.name}/{path.name}", path)


def _said_by_revision(revision: Revision) -> dict[str, Any]:
    return {
        "number": revision.number,
        "title": revision.title,
        "body": revision.body,
        "ref": revision.ref,
        "type": revision.type,
        "tags": revision.tags,
        "visibility": revision.visibility,
        "author": _username(revision.author),
        "author_name": revision.author_name,
        "created": _time(revision.created),
        "summary": revision.summary,
        "source": revision.source,
        "base": revision.base,
        "sha256": revision.sha256,
        "files": {row.key: row.attachment.number for row in revision.files.all()},
    }


def _tag_changes() -> Iterator[dict[str, Any]]:
    lines: dict[int, int] = {}
    changes = TagChange.objects.select_related("author").order_by("pk")
    for line, change in enumerate(changes.iterator(REVISIONS_AT_A_TIME)):
        lines[change.pk] = line
        yield {
            "kind": change.kind,
            "old": change.old,
            "new": change.new,
            "author": _username(change.author),
            "created": _time(change.created),
            "steps": {pid: change.steps[pid] for pid in sorted(change.steps, key=int)},
            "undoes": None if change.undoes_id is None else lines[change.undoes_id],
        }


def _usernames() -> list[str]:
    """Return who owns, wrote, deleted or retagged something."""
    named = (
        Q(pk__in=Note.objects.values("owner"))
        | Q(pk__in=Note.objects.exclude(deleted_by=None).values("deleted_by"))
        | Q(pk__in=Revision.objects.exclude(author=None).values("author"))
        | Q(pk__in=_kept().exclude(uploader=None).values("uploader"))
        | Q(pk__in=TagChange.objects.exclude(author=None).values("author"))
    )
    accounts = get_user_model().objects.filter(named)
    return sorted(account.get_username() for account in accounts)


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _username(account: User | None) -> str:
    return account.get_username() if account else ""
