"""One page in the seed's form, newest note first, as wiki.importers.formats.m8ta reads it.

The head of every note that is not in the trash. Lists get their bullets back and words lose
the backslashes that protected them; formulas are written as TeX between dollars, and other
markup as it was typed. What the page has no place for (earlier texts, kinds, who may read,
who wrote) is not in it: the json archive keeps everything.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from wiki.exporters.output import Exported, Output
from wiki.importers.formats.m8ta import DATE, MARKER, PID_LINE
from wiki.importers.formats.plain_text import as_words
from wiki.models import Note
from wiki.models.tag import join_tags
from wiki.snapshot import snapshot

PAGE = "notes.txt"
FORM = """You are not authenticated, login.
text: sort by
tags: modified
type: chronology
"""
BULLET = re.compile(r"(?P<indent> *)[-*+](?: (?P<words>.*))?")
FENCE = re.compile(r" *(```|~~~)")
NOTES_AT_A_TIME = 50


def write(directory: Path) -> Exported:
    """Write the page, as of one moment. Raises OSError if the folder cannot be written."""
    output = Output(directory)
    count = 0
    with snapshot(), output.file(PAGE) as add:
        add(FORM)
        alive = Note.objects.filter(deleted=None).chronological().cards()
        for count, note in enumerate(alive.iterator(NOTES_AT_A_TIME), 1):
            # Like the pages this form comes from, the last line has no line end.
            add("\n\n" if count > 1 else "")
            add(entry(note))
    return Exported(count, count, output.bytes, output.sha256)


def entry(note: Note) -> str:
    """Write one note as an entry of the page, without a line end after it."""
    tags, date = join_tags(note.shown_tags()), note.head_revision.created.strftime(DATE)
    numbers = "".join(f" [{number}]" for number in note.earlier_numbers())
    number = f"revision:{note.head_revision.number}{numbers} [head]"
    header = f"ref: {note.ref} tags: {tags} date: {date} gmt {number}"
    body = "\n".join(_body_lines(note.head_revision.body or ""))
    return f"hide / / print\n{header}\n\n{note.title}\n\n{body}".rstrip("\n")


def _body_lines(markdown: str) -> Iterator[str]:
    """Yield the page's lines of a text; what stands between fences or `$$` lines as it is."""
    offsets: list[int] = []
    verbatim = False
    for line in markdown.rstrip("\n").split("\n"):
        toggles = bool(FENCE.match(line)) or line.count("$$") % 2 == 1
        bullet = BULLET.fullmatch(line)
        if toggles or verbatim:
            verbatim ^= toggles
            yield _unlike_an_entry(line)
        elif bullet is not None:
            indent = len(bullet["indent"])
            offsets = [offset for offset in offsets if offset <= indent]
            offsets.append(indent + 2)
            yield f"{'  ' * len(offsets)}• {as_words(bullet['words'] or '')}"
        else:
            if line and not line.startswith(" "):
                offsets = []
            yield _unlike_an_entry(as_words(line))


def _unlike_an_entry(line: str) -> str:
    """Keep a line of text from being read as the beginning of an entry."""
    return f" {line}" if MARKER.fullmatch(line) or PID_LINE.fullmatch(line) else line
