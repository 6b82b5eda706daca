"""The passage of a note that is closest by meaning: what it says, and how fresh it is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wiki.analysis.terms import tokens
from wiki.extensions import Passage
from wiki.search.plain_text import SEPARATOR, plain
from wiki.search.snippets import SENTENCE, Piece, Wanted, marked

# About so many letters are shown; one long sentence may have more.
ROOM, MAX_LENGTH = 240, 400
# What is read of a passage, should it be far longer than passages are.
MAX_READ = 8_000
# With so many of its words shown already, a sentence says nothing else.
SAME_PART = 0.8
ENDS = (".", "!", "?", "…", ".”", '."', ".)")
# What may stand in a line before its words.
MARKS = " \t-*+>#|0123456789.)"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True)
class Quote:
    """What a passage says, in the text that is the newest.

    text: the passage as typed; sentence: the one closest to the query, as typed, or "". pieces:
    that sentence with its neighbours, as running words, marked.
    """

    text: str
    sentence: str
    pieces: Sequence[Piece]
    heading: str

    def says_more_than(self, shown: Sequence[Sequence[Piece]]) -> bool:
        """Tell whether this says something that these fragments do not."""
        said = _words(plain(self.sentence) or "".join(piece.text for piece in self.pieces))
        known = {word for pieces in shown for word in _words("".join(p.text for p in pieces))}
        return len(said & known) < SAME_PART * len(said)


@dataclass(frozen=True)
class Freshness:
    """Whether the newest revision is the one that was indexed, and a sentence that says so."""

    is_current: bool
    said: str


def quote(body: str, passage: Passage, place: tuple[int, int] | None, wanted: Wanted) -> Quote:
    """Quote a passage. body: of the revision that was indexed. place: its best sentence."""
    start = max(0, passage.start)
    end = max(start, min(passage.end, len(body), start + MAX_READ))
    first, last = (min(max(at, start), end) for at in place or (start, start))
    before = _sentences(plain(body[start:first]))
    said = plain(body[first:last]).strip(f" {SEPARATOR}")
    after = _sentences(plain(body[last:end]))
    earlier, later = _neighbours(said, before, after)
    text = _cut(" ".join([*earlier, *([said] if said else []), *later]).strip(f" {SEPARATOR}"))
    # A neighbour that is not the first of its passage begins after the end of another.
    is_within = len(earlier) < len(before) if earlier else False
    begins = is_within or _begins_here(body, start if earlier or not said else first)
    is_whole = len(later) == len(after) and body[end : end + 1] in ("", "\n")
    ends = not text or is_whole or text.endswith(ENDS)
    shown = f"{'' if begins else '… '}{text}{'' if ends else ' …'}"
    return Quote(body[start:end], body[first:last], marked(shown, wanted), passage.heading)


def freshness(passage: Passage, newest: int, now: datetime) -> Freshness:
    """Say which revision of a note was indexed, and when. newest: the number of its head."""
    if passage.revision != newest:
        return Freshness(False, f"revision {passage.revision} is indexed, the newest is {newest}")
    seconds = (now - passage.indexed_at).total_seconds()
    return Freshness(True, f"indexed {ago(seconds)}, revision {newest}")


def ago(seconds: float) -> str:
    """Say how long ago something was, roughly.

    >>> ago(12), ago(200), ago(3 * 3600 + 59), ago(200_000)
    ('12 s ago', '3 min ago', '3 h ago', '2 days ago')
    """
    if seconds < MINUTE:
        return f"{max(0, int(seconds))} s ago"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < 2 * DAY:
        return f"{int(seconds // HOUR)} h ago"
    return f"{int(seconds // DAY)} days ago"


def _neighbours(
    said: str, before: Sequence[str], after: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the sentences after and before one that there is room for, at least one of all."""
    room, earlier, later = ROOM - len(said), len(before), 0
    while later < len(after) and (room > len(after[later]) or not (said or later)):
        room -= len(after[later]) + 1
        later += 1
    while earlier and room > len(before[earlier - 1]):
        room -= len(before[earlier - 1]) + 1
        earlier -= 1
    return before[earlier:], after[:later]


def _begins_here(body: str, at: int) -> bool:
    """Tell whether a sentence, a line or an item of a list begins here."""
    line = body[body.rfind("\n", 0, at) + 1 : at].rstrip()
    return not line.strip(MARKS) or line.endswith(ENDS)


def _cut(text: str) -> str:
    """Cut what is far too long at the end of a word."""
    if len(text) <= MAX_LENGTH:
        return text
    space = text.rfind(" ", ROOM, MAX_LENGTH)
    return text[: space if space > 0 else MAX_LENGTH] + " …"


def _sentences(text: str) -> list[str]:
    """Cut running words into sentences."""
    ends = [0, *(place.end() for place in SENTENCE.finditer(text)), len(text)]
    found = (text[start:end].strip() for start, end in zip(ends, ends[1:], strict=False))
    return [sentence for sentence in found if sentence.strip(SEPARATOR)]


def _words(text: str) -> set[str]:
    return {token.lexeme for token in tokens(text) if not token.is_extra}
