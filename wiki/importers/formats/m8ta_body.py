"""The body of an entry on an m8ta page as a title and CommonMark.

The page's words stay as they are. Bullets become `- ` lists and formulas `$…$`; a sign that
CommonMark would take for markup gets a backslash.
"""

import re
from dataclasses import dataclass

from wiki.importers.formats.flattened_math import Recovery
from wiki.importers.formats.plain_text import as_markdown, as_paragraph, split_formulas
from wiki.importers.item import Code, Notice

BULLET = re.compile(r"(?P<indent> *)•(?: (?P<words>.*))?")
MAX_TITLE_LENGTH = 500
NO_TITLE = "(no title)"


@dataclass(frozen=True)
class Body:
    """A title, the CommonMark after it, and what to tell about both."""

    title: str
    markdown: str
    notices: tuple[Notice, ...]


def read_body(lines: list[str]) -> Body:
    """Read the lines behind an entry's header. Its first line with words is the title."""
    lines = [line.rstrip(" \t") for line in lines]
    first = next((i for i, line in enumerate(lines) if line), len(lines))
    title, notices = _title(lines[first] if first < len(lines) else "")
    markdown = _Markdown()
    for line in lines[first if notices else first + 1 :]:
        markdown.add(line)
    text = "\n".join(markdown.lines).strip("\n")
    return Body(title, f"{text}\n" if text else "", (*notices, *markdown.notices()))


def _title(line: str) -> tuple[str, list[Notice]]:
    """Take the line as title, or make one and say so; then the line stays in the body."""
    words = line.strip(" \t")
    if words and len(words) <= MAX_TITLE_LENGTH and not BULLET.fullmatch(line):
        return words, []
    bullet = BULLET.fullmatch(line)
    start = (bullet["words"] or "" if bullet else words)[:MAX_TITLE_LENGTH].strip()
    message = "The entry has no line that can be its title, so one was made of its first words."
    return start or NO_TITLE, [Notice(Code.TITLE_MADE, message)]


class _Markdown:
    """CommonMark that grows line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._level = 0
        self._recovery = Recovery()
        self._too_deep = 0

    def add(self, line: str) -> None:
        """Add a line of the page: a bullet, a paragraph's line, or an empty one."""
        bullet = BULLET.fullmatch(line)
        if bullet is not None:
            wanted = max(1, len(bullet["indent"]) // 2)
            level = min(wanted, self._level + 1)
            self._too_deep += level < wanted
            self._level = level
            words = as_paragraph(self._convert(bullet["words"] or ""))
            self.lines.append(f"{'  ' * (level - 1)}- {words}".rstrip(" "))
        elif line:
            # Right under a bullet it would become a part of it.
            if self._level and self.lines[-1]:
                self.lines.append("")
            self._level = 0
            self.lines.append(as_paragraph(self._convert(line.lstrip(" \t"))))
        else:
            self.lines.append("")

    def notices(self) -> list[Notice]:
        """Return what could not be read without doubt."""
        found = []
        if self._recovery.unclear:
            commands = ", ".join(dict.fromkeys(self._recovery.unclear))
            message = f"Left as typed, because no flattened formula stands before it: {commands}"
            found.append(Notice(Code.FORMULA_UNCLEAR, message))
        if self._too_deep:
            message = f"Bullets deeper than their list allows, so moved out: {self._too_deep}."
            found.append(Notice(Code.LIST_LEVEL, message))
        return found

    def _convert(self, words: str) -> str:
        """Write formulas between dollars and everything else so that it shows as it stands."""
        converted = ""
        for is_formula, part in split_formulas(words):
            if is_formula:
                converted += part
                continue
            for piece in self._recovery.pieces(part):
                converted += f"${piece.tex}$" if piece.tex else as_markdown(piece.text)
        return converted
