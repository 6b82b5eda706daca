"""A folder of Markdown files with front matter, one per note, and their files beside them.

The head of every note that is not in the trash. A note from a folder of Markdown goes back
to its path there; the others are called by their title. Below the front matter stands the
text, byte for byte. Earlier revisions are not here: the json archive keeps everything.
"""

import logging
import os
import posixpath
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.db.models import OuterRef, Prefetch, Subquery

from wiki.exporters.front_matter import text_of
from wiki.exporters.output import Exported, Output
from wiki.exporters.places import Places, inside, slug, usable
from wiki.models import Alias, Attachment, Note, Revision, RevisionFile
from wiki.snapshot import snapshot

logger = logging.getLogger(__name__)

NOTES_AT_A_TIME = 50
VAULT = "vault:"


def write(directory: Path) -> Exported:
    """Write the folder, as of one moment. Raises OSError if it cannot be written."""
    output = Output(directory)
    attachments = 0
    with snapshot():
        places = Places()
        paths = note_paths(places)
        for note in _notes():
            path = paths[note.pid]
            with output.file(path) as add:
                add(text_of(note))
            moment = note.modified.timestamp()
            os.utime(directory / path, (moment, moment))
            for place, attachment in _files_of(note, path, places):
                output.copy(place, attachment.path)
                attachments += 1
    notes = len(paths)
    return Exported(notes, notes, output.bytes, output.sha256, attachments)


def note_paths(places: Places) -> dict[int, str]:
    """Give each note its path, those with a path of their own first; one query.

    The name of the folder a note came from is a part of it only where two such folders have
    the same paths.
    """
    rows = Note.objects.filter(deleted=None).order_by("pid")
    named = list(rows.values_list("pid", "title", "import_key"))
    from_vaults = {pid: _in_vault(key) for pid, _, key in named if key and key.startswith(VAULT)}
    seen = Counter(path.casefold() for _, path in from_vaults.values())
    with_name = any(count > 1 for count in seen.values())
    paths: dict[int, str] = {}
    for pid, (vault, path) in from_vaults.items():
        wanted = usable(posixpath.join(vault, path) if with_name else path)
        stem, ending = posixpath.splitext(wanted)
        paths[pid] = _first_free(places, wanted, f"{stem}-{pid}{ending or '.md'}", f"{pid}.md")
    for pid, title, _ in named:
        if pid not in paths:
            name = slug(title)
            paths[pid] = _first_free(places, f"{name}.md", f"{name}-{pid}.md", f"{pid}.md")
    return paths


def _in_vault(key: str) -> tuple[str, str]:
    """Return the name of the folder and the path in it that an import_key holds."""
    vault, _, path = key.removeprefix(VAULT).partition("/")
    path = inside(path) or "note.md"
    return vault, path if posixpath.splitext(path)[1] else f"{path}.md"


def _first_free(places: Places, *wanted: str) -> str:
    taken = next((path for path in wanted if places.take(path)), None)
    number = 1
    while taken is None:
        # Somebody called a note of theirs like the number of another one.
        stem = posixpath.splitext(wanted[-1])[0]
        candidate, number = f"{stem}-{number}.md", number + 1
        taken = candidate if places.take(candidate) else None
    return taken


def _notes() -> Iterator[Note]:
    """Yield the notes by pid, a few in memory at a time."""
    imported = Revision.objects.filter(note=OuterRef("pid"), source=Revision.Source.IMPORT)
    titles = imported.order_by("-number").values("title")[:1]
    aliases = Alias.objects.filter(kind=Alias.Kind.ALIAS).order_by("pk")
    shown = RevisionFile.objects.filter(attachment__removed=None).select_related("attachment")
    shown = shown.order_by("attachment__number")
    notes = Note.objects.filter(deleted=None).order_by("pid").cards()
    return (
        notes.annotate(imported_title=Subquery(titles))
        .prefetch_related(
            Prefetch("head__files", shown),
            Prefetch("aliases", aliases),
        )
        .iterator(NOTES_AT_A_TIME)
    )


def _files_of(note: Note, path: str, places: Places) -> Iterator[tuple[str, Attachment]]:
    """Yield each file that the head shows with the place where its text looks for it.

    Where another file is there already, it lies under its address on the site.
    """
    for use in note.head.files.all() if note.head else ():
        attachment = use.attachment
        if not attachment.path.is_file():
            logger.warning("File %s_%s is lost.", note.pid, attachment.number)
            continue
        key = use.key
        start = "" if key.startswith("/") else posixpath.dirname(path)
        wanted = inside(posixpath.join(start, key.lstrip("/")))
        own = attachment.get_absolute_url().lstrip("/")
        place = _place(places, wanted, own, attachment.sha256)
        if place is not None:
            yield place, attachment


def _place(places: Places, wanted: str | None, own: str, sha256: str) -> str | None:
    """Return where to write a file; None if the same one is there."""
    if wanted is not None and places.take_file(wanted, sha256):
        return wanted
    if wanted is not None and places.holds(wanted, sha256):
        return None
    return own if places.take_file(own, sha256) else None
