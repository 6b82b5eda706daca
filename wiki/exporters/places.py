"""Where each file of an export lies: inside its folder, and on every kind of disk.

Two paths that differ only in case, or in how an accent is composed, are one place.
"""

import posixpath
import re
import unicodedata

from django.utils.text import slugify

MAX_PART_BYTES, MAX_SLUG_LENGTH = 240, 80
# Names that Windows keeps for devices, whatever their ending.
DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
UNUSABLE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')


class Places:
    """The paths given away so far."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._contents: dict[str, str] = {}

    def take(self, path: str) -> bool:
        """Give a path away, unless another file is there, or would have to be a folder."""
        key = _key(path)
        above = [key[:at] for at, sign in enumerate(key) if sign == "/"]
        if key in self._files or key in self._folders or self._files.intersection(above):
            return False
        self._files.add(key)
        self._folders.update(above)
        return True

    def take_file(self, path: str, sha256: str) -> bool:
        """Give a path away to a file of these bytes; as take()."""
        is_free = self.take(path)
        if is_free:
            self._contents[_key(path)] = sha256
        return is_free

    def holds(self, path: str, sha256: str) -> bool:
        """Tell whether a file of these bytes is there."""
        return self._contents.get(_key(path)) == sha256


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def inside(path: str) -> str | None:
    """Return a path with `..` resolved; None if it leads out of the folder.

    >>> inside("notes/../img//x.png"), inside("../x.png"), inside("/x.png")
    ('img/x.png', None, 'x.png')
    """
    found = posixpath.normpath(path.replace("\\", "/").lstrip("/"))
    if found in (".", "..") or found.startswith("../"):
        return None
    return found if all(len(part.encode()) < 256 for part in found.split("/")) else None


def usable(path: str) -> str:
    """Return a path that every disk takes, changed as little as possible.

    >>> usable("What?/con.md"), usable("../a /b.md")
    ('What_/_con.md', '_/a_/b.md')
    """
    return "/".join(_usable_part(part) for part in path.split("/") if part not in ("", "."))


def slug(title: str) -> str:
    """Return the name of a file for a title.

    >>> slug("Attention is all you need?"), slug("日本"), slug("???"), slug("CON")
    ('attention-is-all-you-need', '日本', 'note', '_con')
    """
    return _usable_part(slugify(title, allow_unicode=True)[:MAX_SLUG_LENGTH].strip("-_") or "note")


def _usable_part(part: str) -> str:
    part = UNUSABLE.sub("_", part)
    while len(part.encode()) > MAX_PART_BYTES:
        stem, dot, ending = part.rpartition(".")
        part = stem[:-1] + dot + ending if stem and len(ending) < 10 else part[:-1]
    if part == "..":
        return "_"
    if part != part.rstrip(" ."):
        part = part.rstrip(" .") + "_"
    return f"_{part}" if DEVICES.match(part) else part
