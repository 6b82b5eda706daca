"""What lies in a folder: the Markdown files, the other files, and what is left alone."""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from wiki.importers.item import Code, Notice, Remark

# `.mdx` is Markdown among which components stand; they are shown as typed.
NOTES = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
# Folders of programs. What they hold are not the notes of the folder's owner.
OF_PROGRAMS = {
    "node_modules": "what a program downloaded",
    "__MACOSX": "what an archive of a Mac repeats",
}
OF_LOGSEQ = {"logseq/bak": "older copies that Logseq keeps"}
# Of these nobody expects a note, so they are passed over in silence.
SILENT = {".git", ".hg", ".svn"}


@dataclass
class Folder:
    """The files of a folder by their path in it, with `/` and composed accents, in order.

    notes: the Markdown files. files: all others. links: symbolic links named like a note.
    """

    root: Path
    notes: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def walk(root: Path) -> Folder:
    """List a folder with all folders in it. Symbolic links are not followed."""
    folder = Folder(root)
    waiting = [root]
    while waiting:
        here = waiting.pop()
        inner = []
        for entry in _entries(here, folder):
            path = Path(entry.path)
            name = shown(path, root)
            if entry.is_symlink():
                if is_note(name):
                    folder.links.append(name)
            elif entry.is_dir(follow_symlinks=False):
                if not _is_left_out(name, path, folder):
                    inner.append(path)
            elif entry.is_file(follow_symlinks=False):
                _keep(name, path, folder)
        waiting += reversed(inner)
    return folder


def is_note(name: str) -> bool:
    """Tell by its name whether a file is Markdown."""
    return name.lower().endswith(NOTES)


def shown(path: Path, root: Path) -> str:
    """Return a file's path in its folder as text that can be stored and compared."""
    relative = os.fsencode(path.relative_to(root).as_posix()).decode(errors="replace")
    return unicodedata.normalize("NFC", relative)


def _entries(here: Path, folder: Folder) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(here) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        message = f"The folder cannot be read: {error.strerror}."
        folder.remarks.append(Remark(shown(here, folder.root), Notice(Code.NOT_READ, message)))
        return []


def _keep(name: str, path: Path, folder: Folder) -> None:
    is_hidden = path.name.startswith(".")
    if is_note(name) and not is_hidden:
        folder.notes[name] = path
    elif is_note(name) and not path.name.startswith("._"):
        message = "Its name begins with a dot, so it is hidden, and was left out."
        folder.remarks.append(Remark(name, Notice(Code.FOLDER_LEFT_OUT, message)))
    elif not is_hidden:
        folder.files[name] = path


def _is_left_out(name: str, path: Path, folder: Folder) -> bool:
    """Tell whether a folder's notes are not its owner's; remark on it if it has any."""
    if path.name in SILENT:
        return True
    reason = OF_PROGRAMS.get(path.name) or OF_LOGSEQ.get(name)
    if path.name.startswith("."):
        reason = "deleted notes" if path.name == ".trash" else "hidden files"
    if reason is None:
        return False
    count = sum(is_note(file) for _, _, files in os.walk(path, followlinks=False) for file in files)
    if count:
        message = f"The folder holds {reason}; Markdown files in it that were left out: {count:,}."
        folder.remarks.append(Remark(f"{name}/", Notice(Code.FOLDER_LEFT_OUT, message)))
    return True
