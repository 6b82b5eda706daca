"""Where the sentences of a text are. Pure, in linear time whatever the text."""

import re
from collections.abc import Iterator

from mlhooks.passages.blocks import Block, blocks
from mlhooks.passages.inline import CONSTRUCT

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]*_»]*+(?=\s)|[。！？]++[」』”’）]*+")
_BLANK = re.compile(r"\s++")
_LAST_WORD = re.compile(r"[^\W_]++(?:\.[^\W_]++)*+\Z")
_WORD_REACH = 24
_ABBREVIATION = re.compile(
    r"al|approx|ca|cf|ch|def|dr|eds?|eqs?|figs?|jr|mrs?|ms|prof|prop|refs?|resp|secs?|sr|st"
    r"|thm|viz|vs|(?:[^\W\d_]\.)+[^\W\d_]",
    re.IGNORECASE,
)
_BEFORE_NUMBERS = re.compile(r"art|col|nos?|nr|p|par|pp|vol", re.IGNORECASE)


def sentences(text: str, *, is_code: bool = False) -> list[tuple[int, int]]:
    r"""Return the spans of the sentences of a text, in order, without the blanks around them.

    A list item is at least one sentence, as is a line of a table or of code; is_code: the text is
    code though no fence says so. A formula, a link or a code span is never cut. Every character
    that is no blank is in one span.

    >>> text = "See Fig. 3 (e.g. p. 5). It is 3.5. $a. B$ holds.\n- One\n- Two. Three!"
    >>> [text[start:end] for start, end in sentences(text)]
    ['See Fig. 3 (e.g. p. 5).', 'It is 3.5.', '$a. B$ holds.', '- One', '- Two.', 'Three!']
    """
    if is_code:
        return list(lines(text, 0, len(text)))
    found: list[tuple[int, int]] = []
    at = 0
    for block in blocks(text):
        found += lines(text, at, block.start)  # rules and front matter
        found += sentences_of(text, block)
        at = block.end
    return [*found, *lines(text, at, len(text))]


def sentences_of(text: str, block: Block) -> list[tuple[int, int]]:
    """Return the spans of the sentences of one block."""
    if block.kind in ("code", "table"):
        return list(lines(text, block.start, block.end))
    if block.kind == "heading":
        return [(block.start, block.end)]
    found: list[tuple[int, int]] = []
    start = block.start
    for end in _ends(text, block):
        blank = _BLANK.match(text, end)
        found.append((start, end))
        start = blank.end() if blank else end
    return [*found, (start, block.end)]


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the lines between two places that hold anything but blanks."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        line = text[start:stop]
        if bare := line.strip():
            first = start + len(line) - len(line.lstrip())
            yield first, first + len(bare)
        start = stop + 1


def stanzas(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the lines that no blank line parts, of a text from start to end."""
    first = last = None
    for line in lines(text, start, end):
        if first is not None and last is not None and text.count("\n", last, line[0]) > 1:
            yield first, last
            first = None
        first = line[0] if first is None else first
        last = line[1]
    if first is not None and last is not None:
        yield first, last


def _ends(text: str, block: Block) -> Iterator[int]:
    """Yield where sentences end before the end of their block."""
    constructs = CONSTRUCT.finditer(text, block.start, block.end)
    construct = next(constructs, None)
    start = block.start
    for stop in _END.finditer(text, block.start, block.end):
        while construct and construct.end() <= stop.start():
            construct = next(constructs, None)
        inside = construct and construct.start() <= stop.start()
        if stop.end() < block.end and not inside and _ends_here(text, start, stop):
            start = stop.end()
            yield start


def _ends_here(text: str, start: int, stop: re.Match[str]) -> bool:
    if stop[0][0] in "。！？":
        return True
    blank = _BLANK.match(text, stop.end())
    after = text[blank.end()] if blank and blank.end() < len(text) else ""
    if after.islower():
        return False
    if stop[0][0] != "." or stop[0].startswith(".."):
        return True
    reach = max(start, stop.start() - _WORD_REACH)
    last = _LAST_WORD.search(text[reach : stop.start()])
    if not last:
        return True
    word = last[0]
    if len(word) == 1 and word.isupper() and word != "I":
        return False  # an initial
    if word.isdigit() and text[start : stop.start()].strip() == word:
        return False  # the number of a list item
    if _BEFORE_NUMBERS.fullmatch(word) and not after.isalpha():
        return False
    return not _ABBREVIATION.fullmatch(word)
