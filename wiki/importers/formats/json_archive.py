"""The lossless archive that wiki.exporters.json_archive writes, read back.

Into an empty instance with the same accounts the same rows come out, so that exporting them
again gives the same sha256. A note whose number is taken by another one gets a new number,
and its revisions new hashes, because the number is part of what they are taken of.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import DataError, IntegrityError, transaction

from wiki.importers.faults import notice_of, read_one
from wiki.importers.item import (
    MAX_PID,
    Attached,
    Code,
    Item,
    Record,
    State,
    Unreadable,
    unreadable,
)
from wiki.importers.owners import People
from wiki.models import Alias, TagChange

# Version 1 knew no files of notes, version 2 not which revision shows which.
VERSION, KNOWN = 3, (1, 2, 3)
NOTES, TAG_CHANGES, MANIFEST = "notes.jsonl", "tag_changes.jsonl", "archive.json"
MEDIA = "media"
SHA256 = re.compile(r"[0-9a-f]{64}")
# What reading raises when a line of JSON has another shape.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


def recognises(path: Path) -> bool:
    """Tell whether this is an archive: its folder, or the archive.json in it."""
    return (_folder(path) / MANIFEST).is_file()


def last_pid(path: Path) -> int:
    """Return the highest number in the archive that a note may keep. Raises Unreadable."""
    last = _manifest(path).get("last_pid")
    return last if isinstance(last, int) and 0 < last <= MAX_PID else 0


def read(path: Path) -> Iterator[Item]:
    """Yield the archived notes by pid, one in memory at a time. Raises Unreadable."""
    for line, said in _lines(path, NOTES):
        where = f"{NOTES}:{line}"
        if isinstance(said, Item):
            yield said
        else:
            yield read_one(where, None, _item, where, said, _folder(path) / MEDIA)


def write_tag_changes(path: Path, placed: dict[int, int], people: People) -> Iterator[Item]:
    """Record the archived changes of tags that are not known here; yields what failed.

    placed: the pid each archived note has here. Changes of notes that were not imported
    lose these steps.
    """
    rows: dict[int, TagChange] = {}
    for line, said in _lines(path, TAG_CHANGES):
        where = f"{TAG_CHANGES}:{line}"
        if isinstance(said, Item):
            yield said
            continue
        try:
            with transaction.atomic():
                row = _tag_change(said, placed, people, rows)
        except (*MALFORMED, DataError, IntegrityError) as error:
            yield unreadable(where, Code.BAD_ENTRY, f"The line is no change of a tag: {error!r}.")
        except Exception as error:
            yield Item(path=where, notices=(notice_of(error),))
        else:
            if row is not None:
                rows[line - 1] = row


def _folder(path: Path) -> Path:
    return path.parent if path.name == MANIFEST else path


def _manifest(path: Path) -> dict[str, Any]:
    file = _folder(path) / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
        version, _ = manifest["version"], manifest["sha256"][NOTES]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(
            f"{file} is no description of an archive ({error!r}). "
            "Name the folder that `export_notes --format json` wrote."
        ) from error
    if version not in KNOWN:
        raise Unreadable(
            f"{file} has version {version!r}, and this program reads version {VERSION}. "
            "Import it with the version of Commonplace that wrote it."
        )
    return dict(manifest)


def _lines(path: Path, name: str) -> Iterator[tuple[int, Any]]:
    """Yield numbered lines as data; as a failed Item what is no JSON, or an altered file."""
    expected = _manifest(path)["sha256"].get(name)
    digest, line = hashlib.sha256(), 0
    try:
        with (_folder(path) / name).open("rb") as stream:
            for line, data in enumerate(stream, 1):
                digest.update(data)
                try:
                    yield line, json.loads(data)
                except (ValueError, RecursionError) as error:
                    message = f"The line is no JSON: {error}."
                    yield line, unreadable(f"{name}:{line}", Code.BAD_ENTRY, message)
    except OSError as error:
        raise Unreadable(
            f"{_folder(path) / name} cannot be read ({error.strerror}). Export the notes again."
        ) from error
    if digest.hexdigest() != expected:
        message = f"{name} is not the file that was exported; it was cut off or changed."
        yield line + 1, unreadable(name, Code.BAD_ARCHIVE, message)


def _item(where: str, said: dict[str, Any], media: Path) -> Item:
    """Read one note; its files lie in media. What is no note becomes an item that says so."""
    try:
        return _note(where, said, media)
    except MALFORMED as error:
        return unreadable(where, Code.BAD_ENTRY, f"The line is no note: {error!r}.")


def _note(where: str, said: dict[str, Any], media: Path) -> Item:
    """Raises KeyError, TypeError, ValueError or AttributeError for what is no note."""
    record = Record(
        owner=_text(said["owner"]),
        tags=tuple(_text(name) for name in said["tags"]),
        legacy_pid=_number(said["legacy_pid"]),
        deleted=_time(said["deleted"]),
        deleted_by=_text(said["deleted_by"]),
        import_key=said["import_key"] and _text(said["import_key"]),
        import_sha256=_text(said["import_sha256"]),
        attachments=tuple(_attachment(one, media) for one in said.get("attachments", ())),
    )
    states = tuple(_state(revision) for revision in said["revisions"])
    created, pid = _time(said["created"]), _number(said["pid"])
    if created is None or pid is None or not states:
        raise ValueError("it lacks its number, its time or its revisions")
    return Item(
        path=where,
        states=states,
        pid=pid,
        created=created,
        record=record,
        extra=dict(said.get("extra", {})),
        names={_text(key): str(Alias.Kind(kind)) for key, kind in said.get("names", {}).items()},
    )


def _attachment(said: dict[str, Any], media: Path) -> Attached:
    sha256, number, created = _text(said["sha256"]), _number(said["number"]), _time(said["created"])
    if not SHA256.fullmatch(sha256) or number is None or created is None:
        raise ValueError("a file lacks its sha256, its number or its time")
    return Attached(
        key=_text(said["key"]),
        name=_text(said["name"]),
        number=number,
        sha256=sha256,
        created=created,
        path=media / sha256[:2] / sha256[2:],
        uploader=_text(said.get("uploader", "")),
        removed=_time(said.get("removed")),
    )


def _state(said: dict[str, Any]) -> State:
    number, created = _number(said["number"]), _time(said["created"])
    if number is None or created is None:
        raise ValueError("a revision lacks its number or its time")
    return State(
        number=number,
        title=_text(said["title"]),
        body=None if said["body"] is None else _text(said["body"]),
        ref=_text(said["ref"]),
        type=_text(said["type"]),
        tags=tuple(_text(name) for name in said["tags"]),
        visibility=_text(said["visibility"]),
        created=created,
        author=_text(said["author"]),
        author_name=_text(said["author_name"]),
        summary=_text(said["summary"]),
        source=_text(said["source"]),
        base=_number(said["base"]),
        sha256=_text(said["sha256"]),
        files=_files(said["files"]) if "files" in said else None,
    )


def _files(said: dict[str, Any]) -> dict[str, int]:
    numbers = {_text(key): _number(number) for key, number in said.items()}
    return {key: number for key, number in numbers.items() if number is not None}


def _tag_change(
    said: dict[str, Any], placed: dict[int, int], people: People, rows: dict[int, TagChange]
) -> TagChange | None:
    """Return the row of this change here, made if need be; None if no note of it is here."""
    # Archives of before there were several kinds name none.
    kind = TagChange.Kind(said.get("kind", TagChange.Kind.RENAME))
    old, new, created = _text(said["old"]), _text(said["new"]), _time(said["created"])
    if created is None:
        raise ValueError("it lacks its time")
    known = TagChange.objects.filter(old=old, new=new, created=created).first()
    if known is not None:
        return known
    steps = {placed[int(pid)]: step for pid, step in said["steps"].items() if int(pid) in placed}
    if said["steps"] and not steps:
        return None
    undoes = None if said["undoes"] is None else rows.get(said["undoes"])
    author = people.named(_text(said["author"]))
    return TagChange.objects.create(
        kind=kind, old=old, new=new, author=author, created=created, steps=steps, undoes=undoes
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _number(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise TypeError(f"{value!r:.40} is no number")
    return value


def _time(value: object) -> datetime | None:
    """Read a moment; one without a time zone, or that no year of UTC holds, is refused."""
    if value is None:
        return None
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{value} is out of range") from error
    return moment
