r"""What a writer hid: `%%…%%` and `<!-- … -->`, the comments of Obsidian and of HTML.

They may span lines, blank ones too, and hold anything. Code and formulas win: what stands in
them is no comment, and a mark in code within a comment does not end it. `\%%` is two percent
signs, and so is `100%%`. A comment without an end hides the rest of the note if it begins a
line, as in Obsidian and CommonMark; amid a line its mark stays text.

Everything but the editor, and what only those see who may edit, is made of `as_read`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wiki.markup.comment_reader import CommentReader, Span

REMEMBERED = 16


@dataclass(frozen=True)
class Comment:
    """A comment, or some in a row, for who may edit the note.

    line: where it begins, from 1; text: as typed, with its marks; is_open: whether it has no end,
    so that the rest of the note is hidden.
    """

    line: int
    text: str
    is_open: bool


def as_read(body: str) -> str:
    r"""Return a text as it is for its readers: without comments, and the lines they fill.

    >>> as_read("Shown %%hidden%% again.\n\n<!--\ntwo\n\nlines -->\n\n`%%code%%`, 100%% sure\n")
    'Shown again.\n\n`%%code%%`, 100%% sure\n'
    """
    spans = hidden(body)
    starts = [0, *(span.end for span in spans)]
    ends = [*(span.start for span in spans), len(body)]
    return "".join(body[start:end] for start, end in zip(starts, ends, strict=True))


def hidden(body: str) -> Sequence[Span]:
    """Return what is hidden of a text, in order, with the blanks that go with it. Linear time."""
    return _found(body) if may_hide(body) else ()


def comments(body: str) -> list[Comment]:
    """Return what is hidden of a text, for who wrote it.

    >>> comments("a\\n%%b%% c")
    [Comment(line=2, text='%%b%%', is_open=False)]
    """
    found, line, at = [], 1, 0
    for start, end in hidden(body):
        text = body[start:end]
        begins = start + len(text) - len(text.lstrip())
        line, at = line + body.count("\n", at, begins), begins
        text = text.strip()
        is_open = end == len(body) and not text.endswith(("%%", "-->"))
        found.append(Comment(line, text, is_open))
    return found


def may_hide(body: str) -> bool:
    """Tell whether there is any mark of a comment, be it in code."""
    return "%%" in body or "<!--" in body


@lru_cache(maxsize=REMEMBERED)
def _found(body: str) -> Sequence[Span]:
    return tuple(CommentReader(body).read())
