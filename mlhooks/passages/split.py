r"""A note in passages: what is embedded as one. Pure: text in, spans and texts out.

A passage is as many paragraphs, list items and sentences in a row as the encoder reads well, under
one heading; a block of code is apart. When a note was split before, the passages that an edit left
alone stay as they are, so that they need not be embedded again.

>>> count = lambda texts: [len(text.split()) for text in texts]
>>> body = "# Gates\n\nA gate lets *part* of a signal through.\n\n```\ny = u * v\n```\n"
>>> for passage in split("gMLP", body, count):
...     passage.heading, passage.is_code, passage.text
('Gates', False, 'gMLP > Gates. A gate lets *part* of a signal through.')
('Gates', True, 'gMLP > Gates. ```\ny = u * v\n```')
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from mlhooks.passages.blocks import Block, Region, blocks, has_letters, regions
from mlhooks.passages.inline import cleaned
from mlhooks.passages.packer import Packer
from mlhooks.passages.reuse import unchanged
from mlhooks.passages.sentences import sentences
from mlhooks.passages.word_pieces import MAX_PIECES, Count, Ruler, Span, beginnings

__all__ = [
    "MAX_PIECES", "SPLITTER_VERSION", "Count", "Earlier", "Passage", "block_keys", "cleaned",
    "sentences", "split",
]  # fmt: skip

SPLITTER_VERSION = 1
MAX_PIECES_OF_HEADINGS = 40
MIN_LETTERS_OF_A_KEY = 20
MAX_HEADING_LENGTH = 200


@dataclass(frozen=True)
class Passage:
    """A part of a note that is embedded as one.

    start, end: characters of the body, without blanks around them; 0 and 0 if the note has no text
    but its title. heading: the headings above, " > " between them, without one that repeats the
    title. text: what is embedded. sha256: of this and the version of the splitter.
    """

    start: int
    end: int
    heading: str
    is_code: bool
    text: str
    sha256: str


@dataclass(frozen=True)
class Earlier:
    """The revision that was split before: its body and its passages' (start, end), in order."""

    body: str
    spans: Sequence[tuple[int, int]]


def split(
    title: str,
    body: str,
    count: Count,
    *,
    earlier: Earlier | None = None,
    boilerplate: Container[int] = (),
) -> list[Passage]:
    """Split a note into passages, in order.

    count: how many word pieces each text has, not counting any that the encoder adds around it. A
    passage has at most MAX_PIECES of them, besides what it repeats of the title and the headings
    above it. earlier: passages whose text an edit left alone keep their boundaries. boilerplate:
    keys (of `block_keys`) of blocks to leave out of what is embedded.

    Every letter of the body is in exactly one passage, except those of headings, front matter and
    boilerplate. A note without any text has one passage, of its title.
    """
    found = [block for block in blocks(body) if has_letters(body[block.start : block.end])]
    left_out = [block for block in found if _key(body, block) in boilerplate]
    dropped = frozenset(left_out)
    parts = list(regions(body, [block for block in found if block not in dropped]))
    alone = _left_alone(earlier, body) if earlier else []
    cuts = sorted({place for span in alone for place in span})
    ruler = Ruler(body, _read(parts, left_out), cuts, count)
    packer = Packer(body, ruler, again=earlier is not None)
    staying = _staying(alone, parts, packer)
    headings = _Headings(title, parts, count)
    passages = [
        _passage(body, span, part, headings, left_out)
        for part, kept in zip(parts, staying, strict=True)
        for span in packer.fill(part, kept)
    ]
    return passages or [_finished(0, 0, "", False, headings.prefix(()))]


def block_keys(body: str) -> list[int]:
    """Return a key of each different block of a text: a signed number of 64 bits.

    A block is a paragraph, a list item, a table or a block of code of at least 20 letters and
    digits. Blanks and case make no difference. What stands in many notes is boilerplate.

    >>> block_keys("A paragraph that\\nis in many notes.") == block_keys(
    ...     "# One\\n\\na paragraph  that is in many notes.\\n\\nA footer."
    ... )
    True
    """
    keys = (_key(body, block) for block in blocks(body) if block.kind != "heading")
    return list(dict.fromkeys(key for key in keys if key is not None))


def _key(body: str, block: Block) -> int | None:
    raw = body[block.start : block.end]
    if block.kind == "heading" or sum(map(str.isalnum, raw)) < MIN_LETTERS_OF_A_KEY:
        return None
    normalised = " ".join(raw.casefold().split())
    digest = hashlib.blake2b(normalised.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _read(parts: list[Region], left_out: list[Block]) -> Iterator[tuple[int, int, bool]]:
    """Yield the stretches of all regions without what is left out."""
    for part in parts:
        for start, end in _without(part.start, part.end, left_out):
            yield start, end, part.is_code


def _without(start: int, end: int, left_out: list[Block]) -> Iterator[tuple[int, int]]:
    first = bisect_left(left_out, start, key=lambda block: block.start)
    last = bisect_left(left_out, end, key=lambda block: block.start)
    for block in left_out[first:last]:
        yield start, block.start
        start = block.end
    yield start, end


def _left_alone(earlier: Earlier, body: str) -> list[Span]:
    """Return where the earlier passages are now that an edit left alone."""
    alone = []
    stretches = unchanged(earlier.body, body)
    for start, end in earlier.spans:
        within = bisect_right(stretches, start, key=lambda stretch: stretch.old) - 1
        if start < end and within >= 0 and end <= stretches[within].end[0]:
            moved = stretches[within].new - stretches[within].old
            alone.append((start + moved, end + moved))
    return alone


def _staying(alone: list[Span], parts: list[Region], packer: Packer) -> list[list[Span]]:
    """Return, for each region, the passages that stay as they were."""
    staying: list[list[Span]] = [[] for _ in parts]
    for span in alone:
        number = bisect_right(parts, span[0], key=lambda part: part.start) - 1
        if number >= 0 and packer.may_stay(parts[number], span):
            staying[number].append(span)
    return staying


class _Headings:
    """What passages repeat of the title and the headings above them."""

    def __init__(self, title: str, parts: list[Region], count: Count) -> None:
        self._title = _one_line(title)
        different = dict.fromkeys(heading for part in parts for heading in part.headings)
        self._shown = {heading: _one_line(cleaned(heading)) for heading in different}
        self._paths = {part.headings: self._path(part.headings) for part in parts}
        self._paths[()] = ()
        texts = [self._joined(path) for path in self._paths.values()]
        self._prefixes = beginnings(texts, MAX_PIECES_OF_HEADINGS, count)

    def _path(self, headings: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out empty headings, and those that repeat the title."""
        title = self._title.casefold()
        shown = (self._shown[heading] for heading in headings)
        return tuple(heading for heading in shown if heading and heading.casefold() != title)

    def _joined(self, path: tuple[str, ...]) -> str:
        return " > ".join(part for part in (self._title, *path) if part)

    def path(self, headings: tuple[str, ...]) -> str:
        return " > ".join(self._paths[headings])

    def prefix(self, headings: tuple[str, ...]) -> str:
        return self._prefixes[self._joined(self._paths[headings])]


def _one_line(heading: str) -> str:
    return " ".join(heading.split())[:MAX_HEADING_LENGTH]


def _passage(
    body: str, span: Span, part: Region, headings: _Headings, left_out: list[Block]
) -> Passage:
    raw = [body[start:end].strip() for start, end in _without(*span, left_out)]
    shown = "\n\n".join(text if part.is_code else cleaned(text) for text in raw if text)
    prefix = headings.prefix(part.headings)
    between = "" if not prefix else " " if prefix[-1] in ".!?:" else ". "
    heading = headings.path(part.headings)
    return _finished(*span, heading, part.is_code, f"{prefix}{between}{shown}")


def _finished(start: int, end: int, heading: str, is_code: bool, text: str) -> Passage:
    hashed = f"{SPLITTER_VERSION}\n{text}".encode(errors="surrogatepass")
    return Passage(start, end, heading, is_code, text, hashlib.sha256(hashed).hexdigest())
