"""Fill passages: as many blocks in a row as fit, and sentences where a block does not."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from mlhooks.passages.blocks import Block, Region, has_letters
from mlhooks.passages.sentences import lines, sentences_of, stanzas
from mlhooks.passages.word_pieces import MAX_PIECES, Ruler, Span

_BLOCKS, _SENTENCES, _LINES, _WORDS = range(4)  # the sentences of code: what blank lines part
_TINY = MAX_PIECES // 2
_REMNANT = MAX_PIECES // 4
_LITTLE_MORE = MAX_PIECES * 8 // 5


class Packer:
    """Cuts the regions of a text."""

    def __init__(self, body: str, ruler: Ruler, *, again: bool) -> None:
        """again: the text was cut before; tear a block rather than make three passages of one."""
        self.body = body
        self.ruler = ruler
        self.again = again
        self._sentences: dict[Block, list[Span]] = {}

    def fill(self, region: Region, staying: Sequence[Span]) -> list[Span]:
        """Split a region in passages, of which some stay as they are.

        Between those that stay, passages are packed anew; but what would be a small one, or begin
        in a sentence of its neighbour, joins its neighbour.
        """
        filled: list[Span] = []
        at = region.start
        for neighbour in [*staying, None]:
            gap = self.content(region, at, neighbour[0] if neighbour else region.end)
            if gap:
                neighbour = self._close(region, gap, filled, neighbour)
            if neighbour:
                filled.append(neighbour)
                at = neighbour[1]
            elif filled:
                at = filled[-1][1]
        return filled

    def content(self, region: Region, start: int, end: int) -> Span | None:
        """Return from where to where anything is said between two places of a region."""
        clipped = list(self._clipped(region, start, end))
        return (clipped[0][1][0], clipped[-1][1][1]) if clipped else None

    def may_stay(self, region: Region, span: Span) -> bool:
        """Tell whether a span that begins in a region can be a passage: it ends there, and fits."""
        return (
            span[1] <= region.end
            and self.content(region, *span) is not None
            and self.ruler.pieces(*span) <= MAX_PIECES
        )

    def _close(
        self, region: Region, gap: Span, filled: list[Span], after: Span | None
    ) -> Span | None:
        """Fill a gap between passages; return the one after it, if it did not join that."""
        before = filled[-1] if filled else None
        if self.ruler.pieces(*gap) <= _TINY:
            hangs_on = before is not None and not self._begins(region, gap[0])
            leads_on = after is not None and not self._begins(region, after[0])
            with_before = before and (before[0], gap[1])
            with_after = after and (gap[0], after[1])
            for joined in (with_after, with_before) if leads_on else (with_before, with_after):
                if joined and self.ruler.pieces(*joined) <= MAX_PIECES:
                    if joined is with_after:
                        return joined
                    filled[-1] = joined
                    return after
            if with_before and hangs_on:
                filled.pop()
                gap = with_before
            elif with_after and leads_on:
                gap, after = with_after, None
        filled += self._packed(region, gap)
        return after

    def _packed(self, region: Region, gap: Span) -> list[Span]:
        packed = self._greedy(region, gap, _BLOCKS, MAX_PIECES)
        if len(packed) > 1 and self.ruler.pieces(*packed[-1]) < _REMNANT:
            last_two = (packed[-2][0], packed[-1][1])
            halves = self._greedy(region, last_two, _BLOCKS, self.ruler.pieces(*last_two) * 3 // 5)
            if len(halves) == 2:
                packed[-2:] = halves
        pieces = self.ruler.pieces(*gap)
        if self.again and len(packed) > 2 and pieces <= _LITTLE_MORE:
            # An edit that makes a full passage a little longer makes it two, not three.
            for finest, most in (
                (_SENTENCES, pieces * 3 // 5),
                (_SENTENCES, MAX_PIECES),
                (_WORDS, pieces * 3 // 5),
                (_WORDS, MAX_PIECES),
            ):
                finer = self._greedy(region, gap, finest, most)
                if len(finer) <= 2:
                    return finer
        return packed

    def _greedy(self, region: Region, gap: Span, finest: int, most: int) -> list[Span]:
        """Pack blocks, or what they are made of: as fine as this, and finer if need be.

        most: how full to fill a passage; nothing is split before it alone exceeds MAX_PIECES.
        """
        filled: list[Span] = []

        def add(block: Block, span: Span, fineness: int) -> None:
            if fineness >= finest and filled:
                longer = (filled[-1][0], span[1])
                if self.ruler.pieces(*longer) <= most:
                    filled[-1] = longer
                    return
            if fineness == _WORDS or (
                fineness >= finest and self.ruler.pieces(*span) <= MAX_PIECES
            ):
                if has_letters(self.body[slice(*span)]):
                    filled.append(span)
                return
            for part in self._parts(block, span, fineness + 1):
                add(block, part, fineness + 1)

        for block, span in self._clipped(region, *gap):
            add(block, span, _BLOCKS)
        return filled

    def _parts(self, block: Block, span: Span, fineness: int) -> Iterator[Span]:
        if fineness == _WORDS:
            yield from self.ruler.words(*span)
        elif fineness == _SENTENCES and block.kind == "code":
            yield from stanzas(self.body, *span)
        elif fineness == _LINES:
            yield from lines(self.body, *span)
        else:
            found = self._sentences_of(block)
            first = bisect_right(found, span[0], key=lambda sentence: sentence[1])
            for start, end in found[first : bisect_left(found, (span[1], 0))]:
                yield from self._stripped(max(start, span[0]), min(end, span[1]))

    def _clipped(self, region: Region, start: int, end: int) -> Iterator[tuple[Block, Span]]:
        """Yield the blocks that say anything between two places, and what of them is there."""
        first = bisect_right(region.blocks, start, key=lambda block: block.end)
        last = bisect_left(region.blocks, end, key=lambda block: block.start)
        for block in region.blocks[first:last]:
            for span in self._stripped(max(start, block.start), min(end, block.end)):
                if has_letters(self.body[slice(*span)]):
                    yield block, span

    def _stripped(self, start: int, end: int) -> Iterator[Span]:
        part = self.body[start:end]
        if bare := part.strip():
            first = start + len(part) - len(part.lstrip())
            yield first, first + len(bare)

    def _begins(self, region: Region, at: int) -> bool:
        """Tell whether a sentence, or a line of code, begins here."""
        index = bisect_right(region.blocks, at, key=lambda block: block.start) - 1
        block = region.blocks[index]
        found = self._sentences_of(block)
        nearest = bisect_left(found, (at, 0))
        return at >= block.end or (nearest < len(found) and found[nearest][0] == at)

    def _sentences_of(self, block: Block) -> list[Span]:
        if block not in self._sentences:
            self._sentences[block] = sentences_of(self.body, block)
        return self._sentences[block]
