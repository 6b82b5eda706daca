"""A Markdown text in blocks: paragraphs, list items, tables, code; and the headings above them.

As much of Markdown as it takes to cut a note where a person would; nothing is rendered. One pass
over the lines, in linear time whatever the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["paragraph", "item", "table", "code", "heading"]

_ATX = re.compile(r" {0,3}(#{1,6})(?=\s|\Z)")
_SETEXT = re.compile(r" {0,3}(=++|-++)\s*+")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*+\1){2,}+\s*+")
_MARKER = re.compile(r"[ \t]*+(?:[-*+]|(\d{1,9})[.)])[ \t]+(?=\S)")
_FENCE = re.compile(
    r"([ \t]*+(?:>[ \t]?+)*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?+)(`{3,}+(?=[^`]*+\Z)|~{3,}+)"
)
_UNDER_COLUMNS = re.compile(r"[ \t]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?\s*+")
_FORMULA = {"$$": "$$", "\\[": "\\]"}
_FIELD = re.compile(r"[A-Za-z][\w -]*+:(?:\s|\Z)|[ \t]+\S|- |#|[ \t]*\Z")
_LETTER = re.compile(r"[^\W_]|[^\s\x00-\x7f]")


@dataclass(frozen=True)
class Block:
    """Characters start to end of a text, no blanks around them; level: of a heading, 1 to 6."""

    start: int
    end: int
    kind: Kind
    level: int = 0


def has_letters(text: str) -> bool:
    """Tell whether a text says anything: it holds a letter, a digit or a sign beyond ASCII."""
    return _LETTER.search(text) is not None


def blocks(body: str) -> list[Block]:
    r"""Return the blocks of a text in order; rules between them and front matter are none.

    >>> [(block.kind, block.level) for block in blocks("A\n=\n\nb\n- c\n- d\n\n    e\n```\nf\n```")]
    [('heading', 1), ('paragraph', 0), ('item', 0), ('item', 0), ('paragraph', 0), ('code', 0)]
    """
    scanner = _Scanner(body)
    while scanner.at < len(scanner.lines):
        scanner.read()
    scanner.close()
    return scanner.blocks


def heading_text(body: str, block: Block) -> str:
    """Return what a heading says, on one line.

    >>> body = "## The *gate* ##"
    >>> heading_text(body, blocks(body)[0])
    'The *gate*'
    """
    raw = body[block.start : block.end]
    if atx := _ATX.match(raw):
        text = raw[atx.end() :].strip()
        bare = text.rstrip("#")
        return bare.rstrip() if not bare or bare[-1].isspace() else text
    return " ".join(raw[: raw.rfind("\n")].split())


class _Scanner:
    def __init__(self, body: str) -> None:
        self.lines = body.split("\n")
        self.blocks: list[Block] = []
        self.open: Block | None = None
        self.item_column: int | None = None  # where the text of the list item begins, if in one
        self.unclosed_until = dict.fromkeys(_FORMULA.values(), 0)  # the line, for each closer
        self.at = self.start = 0
        self._skip(_front_matter(self.lines))

    def _skip(self, count: int) -> None:
        for line in self.lines[self.at : self.at + count]:
            self.start += len(line) + 1
        self.at += count

    def close(self) -> None:
        if self.open:
            self.blocks.append(self.open)
        self.open = None

    def read(self) -> None:
        line = self.lines[self.at]
        if not line or line.isspace():
            self.close()
            self._skip(1)
            return
        bare = line.lstrip()
        indent = _column(line[: len(line) - len(bare)])
        outside = indent < min(self.item_column or 0, 2) and not _MARKER.match(line)
        if not self.open and outside:
            self.item_column = None
        if not self.open and indent >= 4 + (self.item_column or 0):
            self._take("code", self._indented())
        elif not (self._fence(line, indent) or self._heading(line) or self._formula(bare)):
            self._text(line, indent)

    def _take(self, kind: Kind, count: int, level: int = 0) -> None:
        """Make the next lines a block of their own, or the rest of the open one."""
        taken = "\n".join(self.lines[self.at : self.at + count])
        start = self.start + len(taken) - len(taken.lstrip())
        end = self.start + len(taken.rstrip())
        if self.open and kind == "paragraph":
            self.open = replace(self.open, end=end)
        else:
            self.close()
            self.open = Block(start, end, kind, level)
        self._skip(count)
        if kind in ("code", "heading"):
            self.close()

    def _following(self) -> Iterator[str]:
        return (self.lines[k] for k in range(self.at + 1, len(self.lines)))

    def _indented(self) -> int:
        """Count the lines of a block of indented code."""
        least = 4 + (self.item_column or 0)
        count = filled = 1
        for line in self._following():
            bare = line.lstrip()
            if bare and _column(line[: len(line) - len(bare)]) < least:
                break
            count += 1
            filled = count if bare else filled
        return filled

    def _fence(self, line: str, indent: int) -> bool:
        if "```" not in line and "~~~" not in line:
            return False
        opener = _FENCE.match(line)
        if not opener or (indent >= 4 and self.item_column is None):
            return False
        if _MARKER.match(line):
            self.item_column = _column(opener[1])
        count = 1
        for following in self._following():
            if ">" in opener[1] and not following.lstrip().startswith(">"):
                break
            count += 1
            closer = following.strip(" \t\r>")
            if len(closer) >= len(opener[2]) and not closer.strip(opener[2][0]):
                break
        self._take("code", count)
        return True

    def _heading(self, line: str) -> bool:
        if atx := _ATX.match(line):
            self.close()
            self.item_column = None
            self._take("heading", 1, len(atx[1]))
        elif self._in_paragraph() and (under := _SETEXT.fullmatch(line)):
            assert self.open is not None
            level = 1 if "=" in under[1] else 2
            self.open = Block(self.open.start, self.start + len(line.rstrip()), "heading", level)
            self.close()
            self._skip(1)
        elif _RULE.fullmatch(line):
            self.close()
            self.item_column = None
            self._skip(1)
        else:
            return False
        return True

    def _in_paragraph(self) -> bool:
        return self.open is not None and self.open.kind == "paragraph" and self.item_column is None

    def _formula(self, bare: str) -> bool:
        """Take a display formula over several lines, in which nothing else begins."""
        closer = _FORMULA.get(bare[:2])
        if closer is None or closer in bare[2:] or self.at < self.unclosed_until[closer]:
            return False
        for count, line in enumerate(self._following(), start=2):
            if not line or line.isspace():
                break
            if closer in line:
                self._take("paragraph", count)
                return True
        else:
            count = len(self.lines)
        self.unclosed_until[closer] = self.at + count
        return False

    def _text(self, line: str, indent: int) -> None:
        marker = _MARKER.match(line)
        interrupts = indent < 4 and marker is not None and marker[1] in (None, "1")
        if marker and (interrupts or not self._in_paragraph()):
            self.close()
            self.item_column = _column(marker[0])
            self._take("item", 1)
            return
        if self.open and self.open.kind == "paragraph" and _UNDER_COLUMNS.fullmatch(line):
            above = self.lines[self.at - 1]
            if "|" in line and "|" in above:
                self._turn_into_table(above)
        self._take("paragraph", 1)

    def _turn_into_table(self, header: str) -> None:
        """Make the last line of the open paragraph, and what follows, a table."""
        assert self.open is not None
        start = self.start - 1 - len(header.lstrip())
        if start > self.open.start:
            end = self.start - len(header) - 2
            self.blocks.append(replace(self.open, end=end))
        self.open = Block(start, self.open.end, "table")


def _front_matter(lines: list[str]) -> int:
    """Count the lines of the front matter: fields between two lines of dashes at the very top."""
    if lines[0].rstrip() != "---" or len(lines) < 3 or not _FIELD.match(lines[1]):
        return 0
    for count, line in enumerate(lines[1:], start=2):
        if line.rstrip() in ("---", "..."):
            return count
        if not _FIELD.match(line):
            return 0
    return 0


def _column(text: str) -> int:
    return len(text.expandtabs(4))


@dataclass(frozen=True)
class Region:
    """Blocks that follow each other under one heading, uninterrupted by code; or a block of code.

    headings: from the outermost inwards.
    """

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def is_code(self) -> bool:
        return self.blocks[0].kind == "code"

    @property
    def start(self) -> int:
        return self.blocks[0].start

    @property
    def end(self) -> int:
        return self.blocks[-1].end


def regions(body: str, found: list[Block]) -> Iterator[Region]:
    """Yield the stretches of a text that no passage may leave, in order."""
    path: list[tuple[int, str]] = []
    gathered: list[Block] = []
    for block in found:
        if block.kind in ("heading", "code") and gathered:
            yield Region(tuple(text for _, text in path), tuple(gathered))
            gathered = []
        if block.kind == "heading":
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, heading_text(body, block)))
        elif block.kind == "code":
            yield Region(tuple(text for _, text in path), (block,))
        else:
            gathered.append(block)
    if gathered:
        yield Region(tuple(text for _, text in path), tuple(gathered))
