"""Where the files lie that notes name."""

import posixpath
from collections.abc import Mapping
from pathlib import Path

from wiki.importers.vault.tree import Folder


class Files:
    """The files of a folder that are no notes; remembers which were asked for.

    Found as Obsidian does: from the note's own folder, from the top, or by a name that only
    one file has. Upper and lower case count only where a path fits in more than one way.
    """

    def __init__(self, folder: Folder) -> None:
        self._by_path: Mapping[str, Path] = folder.files
        self._folded: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self.used: set[str] = set()
        for path in folder.files:
            self._folded.setdefault(path.casefold(), []).append(path)
            self._by_name.setdefault(posixpath.basename(path).casefold(), []).append(path)

    def find(self, key: str, inside: str) -> Path | None:
        """Return the file that a note in the folder `inside` calls `key`; None if none is."""
        found = self._found(key, inside)
        if found is None:
            return None
        self.used.add(found)
        return self._by_path[found]

    def unused(self) -> list[str]:
        """Return the files nobody asked for."""
        return [path for path in self._by_path if path not in self.used]

    def _found(self, key: str, inside: str) -> str | None:
        for start in (inside, ""):
            path = posixpath.normpath(posixpath.join(start, key.lstrip("/")))
            if path in self._by_path:
                return path
            if path.casefold() in self._folded:
                return self._folded[path.casefold()][0]
        named = self._by_name.get(posixpath.basename(key).casefold(), [])
        if "/" in key:
            # A part of the path, as Obsidian writes it where the name alone is not enough.
            ending = f"/{posixpath.normpath(key).casefold()}"
            named = [path for path in named if f"/{path.casefold()}".endswith(ending)]
        return named[0] if len(named) == 1 else None
