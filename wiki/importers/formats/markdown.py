"""Folders of Markdown files: Obsidian, Logseq, Jekyll, Hugo, or just files.

What a file is called in its folder is the note's name for later imports:
`vault:NAME/PATH`. Its text comes as it is; the front matter is read for title, tags, names
and dates, and the first heading leaves the text where it is the title.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.utils import timezone

from wiki.forms import MAX_BYTES
from wiki.importers.archives.archive import is_zip
from wiki.importers.faults import read_one
from wiki.importers.item import Code, Item, Notice, Options, Remark, State, Unreadable, unreadable
from wiki.importers.vault import front_matter, tags, titles
from wiki.importers.vault.attachments import Files
from wiki.importers.vault.dates import in_name
from wiki.importers.vault.encodings import Text, decode
from wiki.importers.vault.fields import Fields
from wiki.importers.vault.git_history import Dates, NoHistory, history
from wiki.importers.vault.tree import Folder, walk
from wiki.markup import link_key
from wiki.models.visibility import NoteType, Visibility

# Read at most: the text of a note in the longest encoding, and a long front matter.
MAX_READ = 4 * MAX_BYTES
KEY = "vault:"


def recognises(path: Path) -> bool:
    """Tell whether this is a folder with a Markdown file in it, or a zip of whatever kind."""
    return is_zip(path) or (path.is_dir() and bool(walk(path).notes))


def read(path: Path, options: Options) -> "Vault":
    """Return the notes of a folder, sorted by path. Raises Unreadable."""
    if not path.is_dir():
        raise Unreadable(f"{path} is no folder. Name the folder that holds the Markdown files.")
    folder = walk(path)
    if not folder.notes:
        raise Unreadable(f"{path.name} holds no Markdown file. Name what holds them.")
    return Vault(folder, options)


def last_pid(path: Path) -> int:
    """Return 0: files have no numbers."""
    return 0


def remarks(vault: "Vault") -> Iterator[Remark]:
    """Tell what was left behind, once all notes are written."""
    yield from vault.remarks
    for path in vault.files.unused():
        yield Remark(path, Notice(Code.FILE_UNUSED, "No note shows or links it: left behind."))


class Vault:
    """The notes of one folder; len() is how many items they make."""

    def __init__(self, folder: Folder, options: Options) -> None:
        self.folder, self.options = folder, options
        self.name = options.name or folder.root.resolve().name
        self.files = Files(folder)
        self.remarks = list(folder.remarks)
        self._dates = self._history() if options.has_history else {}
        self._titles: dict[str, str] = {}
        self._paths: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.folder.notes) + len(self.folder.links)

    def __iter__(self) -> Iterator[Item]:
        for name in self.folder.links:
            message = "It is a symbolic link, and what it leads to may be anything: not followed."
            yield _left_out(name, Code.NOT_FOLLOWED, message)
        for name, path in self.folder.notes.items():
            yield read_one(name, None, self._item, name, path)

    def _history(self) -> dict[str, Dates]:
        try:
            return history(self.folder.root)
        except NoHistory as error:
            message = f"{error}. Dates are those of the front matters and of the disk."
            self.remarks.append(Remark(".git", Notice(Code.HISTORY_UNREAD, message)))
            return {}

    def _item(self, name: str, path: Path) -> Item:
        try:
            about = path.stat(follow_symlinks=False)
            data = path.read_bytes() if about.st_size <= MAX_READ else b""
        except OSError as error:
            return unreadable(name, Code.NOT_READ, f"It cannot be read: {error.strerror}.")
        if about.st_size > MAX_READ:
            return _too_long(name, about.st_size)
        changed = datetime.fromtimestamp(about.st_mtime, UTC)
        dates = self._dates.get(name, Dates(changed, changed))
        file = File(PurePosixPath(name), data, decode(data), dates)
        if len(file.body.encode()) > MAX_BYTES:
            return _too_long(name, len(file.body.encode()))
        item = self._of(file)
        return replace(item, notices=(*item.notices, *self._clashes(name, item.head.title)))

    def _of(self, file: "File") -> Item:
        said = file.said
        folders = file.path.parent.parts if self.options.folder_tags else ()
        names, notices = tags.clean([*said.tags, *folders])
        day, _ = in_name(file.path.stem)
        day = day if day and day <= timezone.now() else None
        created = said.created or day or file.dates.first
        modified = max(created, said.modified or file.dates.last)
        visibility, more = self._visibility(said.visibility)
        head = State(
            number=0,
            title=file.title,
            body=file.body,
            ref=said.ref,
            type=said.type or (NoteType.PAPER if said.ref else NoteType.NOTE),
            tags=names,
            created=modified,
            visibility=visibility,
        )
        inside = file.path.parent
        return Item(
            path=str(file.path),
            states=(head,),
            keys=(f"{KEY}{self.name}/{file.path}",),
            created=created,
            notices=(*file.notices, *notices, *more),
            fingerprint=file.fingerprint(folders),
            extra=file.extra,
            names=file.names(),
            folder="" if inside.name == "" else str(inside),
            has_hashtags=not said.is_exact,
            find_file=lambda key: self.files.find(key, str(inside)),
        )

    def _visibility(self, said: str | None) -> tuple[str | None, list[Notice]]:
        """Return who may read a note of which the front matter says this; None: as all others."""
        if said == Visibility.PUBLIC and not self.options.may_publish:
            return None, []
        if said != Visibility.PRIVATE or not self.options.may_publish:
            return said, []
        return said, [Notice(Code.KEPT_PRIVATE, "It is a draft or private by its own words.")]

    def _clashes(self, name: str, title: str) -> Iterator[Notice]:
        other = self._titles.setdefault(link_key(title), name)
        if other != name:
            message = f"{other} has the title “{title[:100]}” too; links of that title lead there."
            yield Notice(Code.SAME_TITLE, message)
        other = self._paths.setdefault(name.casefold(), name)
        if other != name:
            message = f"{other} is called the same but for upper and lower case."
            yield Notice(Code.SAME_FILE, message)


class File:
    """One file, read: what it says as fields, and the text that is left."""

    def __init__(self, path: PurePosixPath, data: bytes, text: Text, dates: Dates) -> None:
        self.path, self.dates = path, dates
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._line_end = text.line_end
        front = front_matter.read(text.text)
        self.said = Fields(front.values)
        typed, size = ("", 0) if self.said.is_exact else titles.heading(front.text)
        if self.said.title and link_key(self.said.title) != link_key(typed):
            size = 0
        self.title = self.said.title or typed or titles.from_path(path)
        self._heading, self.body = front.text[:size], front.text[size:]
        self._rest = {} if front.stays else self.said.rest
        notices = [front.notice] if front.notice else []
        self.notices = (*text.notices, *notices, *self.said.notices)

    @property
    def extra(self) -> dict[str, Any]:
        """What an export needs to write the file as it was."""
        kept = {
            "front_matter": self._rest,
            "heading": self._heading,
            "line_end": self._line_end,
            # Links know them in small letters only.
            "aliases": self.said.aliases,
        }
        return {name: value for name, value in kept.items() if value}

    def names(self) -> dict[str, str]:
        """Return what links may call it besides its title, by key."""
        without_ending = str(self.path.with_suffix(""))
        found = {link_key(alias): "alias" for alias in reversed(self.said.aliases)}
        found |= {link_key(name): "file" for name in (self.path.stem, without_ending)}
        found.setdefault(link_key(titles.from_path(self.path)), "file")
        return {key: kind for key, kind in found.items() if key not in ("", link_key(self.title))}

    def fingerprint(self, folders: tuple[str, ...]) -> str:
        """Return a hash of all that the file says; a date of the disk is not among it."""
        return hashlib.sha256(json.dumps([self._sha256, folders]).encode()).hexdigest()


def _left_out(name: str, code: Code, message: str) -> Item:
    return Item(path=name, notices=(Notice(code, message),), is_left_out=True)


def _too_long(name: str, size: int) -> Item:
    message = f"It has {size:,} bytes and a note has at most {MAX_BYTES:,}. Divide the file."
    return _left_out(name, Code.TOO_LONG, message)
