"""What each line of a text is to CommonMark's blocks: code, words, or nothing.

Only as much of the block structure as tells code from words, line by line and in linear time.
Where it is not sure, a line counts as words.
"""

import re
from typing import Literal, NamedTuple

# A container that is a quote; a list item or footnote is its width in columns, and a definition
# is that below zero.
QUOTE = 0
TAB = 4
INDENTED = 4
FOOTNOTE_WIDTH = 4
# The parser goes no deeper than 20.
MAX_CONTAINERS = 24

RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
BULLET = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)")
DEFINITION = re.compile(r"[:~](?=[ \t])")
FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:")
FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")


class State(NamedTuple):
    """What is open after a line.

    fence: its marks, and how many containers it stands in. after_term: whether a definition may
    follow, directly or behind one blank line.
    """

    containers: tuple[int, ...] = ()
    fence: tuple[str, int] | None = None
    in_paragraph: bool = False
    after_term: bool = False


class Line(NamedTuple):
    """start: where its words begin; begins: whether they belong to no paragraph above."""

    kind: Literal["blank", "code", "text"]
    start: int = 0
    begins: bool = True


class _Place(NamedTuple):
    """A character of a line, its column, and the column that its container begins at."""

    at: int
    column: int
    base: int

    @property
    def indent(self) -> int:
        return self.column - self.base


def read_line(state: State, line: str, *, heads_table: bool = False) -> tuple[State, Line]:
    """Return what a line is, and what is open after it.

    heads_table: whether its columns are told by the line below; then it opens no fence.

    >>> state, line = read_line(State(), "- ```py")
    >>> line.kind, state.containers, state.fence
    ('code', (2,), ('```', 1))
    >>> read_line(state, "text")[1]
    Line(kind='text', start=0, begins=True)
    """
    if not (state.containers or state.fence) and line[:1].isalpha():
        return _text((), state), Line("text", 0, not state.in_paragraph)
    matched, place = _matched(state.containers, line)
    if state.fence and matched >= state.fence[1]:
        return _in_fence(state, line, place)
    containers = state.containers[: min(matched, MAX_CONTAINERS)]
    if place.at == len(line):
        return State(containers, after_term=state.in_paragraph and state.after_term), Line("blank")
    continues = state.in_paragraph and not state.fence
    left = state.containers[matched:]
    may_define = not state.fence and (state.after_term or min(state.containers, default=0) < 0)
    opened, place = _opened(line, place, continues and not left, may_define)
    is_inside = continues and not (left or opened)
    if is_inside and place.indent < INDENTED and UNDERLINE.match(line, place.at):
        return State(containers), Line("blank")
    if heads_table and FENCE.match(line, place.at):
        return _text(containers + opened), Line("text", place.at)
    return _content(state, line, place, containers + opened, continues and not opened)


def stays_within(containers: tuple[int, ...], line: str) -> bool:
    """Tell whether a line goes on with all of these containers."""
    return _matched(containers, line)[0] == len(containers)


def _text(containers: tuple[int, ...], above: State | None = None) -> State:
    """Return the state after words; above: what was open, if they may go on with it."""
    # A term is one line.
    return State(containers, None, True, after_term=above is None or not above.in_paragraph)


def _in_fence(state: State, line: str, place: _Place) -> tuple[State, Line]:
    assert state.fence is not None
    rest = line[place.at :].rstrip(" \t")
    mark = state.fence[0]
    if place.indent < INDENTED and len(rest) >= len(mark) and not rest.strip(mark[0]):
        return State(state.containers), Line("code")
    return state, Line("code")


def _content(
    state: State, line: str, place: _Place, containers: tuple[int, ...], continues: bool
) -> tuple[State, Line]:
    """Tell what stands behind the marks of the containers."""
    if place.at == len(line):
        return State(containers), Line("blank")
    if place.indent >= INDENTED:
        if not continues:
            return State(containers), Line("code")
    elif fence := FENCE.match(line, place.at):
        return State(containers, (fence[1] or fence[2], len(containers))), Line("code")
    elif RULE.match(line, place.at):
        return State(containers), Line("blank")
    elif heading := HEADING.match(line, place.at):
        return State(containers), Line("text", _skipped(line, heading.end()))
    if continues:
        # Also where its containers are not repeated: a lazy continuation.
        return _text(state.containers, state), Line("text", place.at, False)
    return _text(containers), Line("text", place.at)


def _matched(containers: tuple[int, ...], line: str) -> tuple[int, _Place]:
    """Return how many of the open containers a line goes on with, and where the rest begins."""
    place = _blanks(line, 0, 0, 0)
    for number, container in enumerate(containers):
        if container == QUOTE:
            if place.indent >= INDENTED or not line.startswith(">", place.at):
                return number, place
            place = _behind_quote(line, place)
        elif place.at == len(line) or place.indent >= abs(container):
            place = place._replace(base=place.base + abs(container))
        else:
            return number, place
    return len(containers), place


def _opened(
    line: str, place: _Place, in_paragraph: bool, may_define: bool
) -> tuple[tuple[int, ...], _Place]:
    """Return the containers that begin in a line, and where their content does."""
    opened: list[int] = []
    if may_define and (definition := DEFINITION.match(line, place.at)):
        inside = _blanks(line, definition.end(), place.column + 1, 0)
        opened.append(-(inside.column - place.base))
        place = inside._replace(base=inside.column)
    while place.indent < INDENTED and place.at < len(line) and len(opened) < MAX_CONTAINERS:
        if line[place.at] == ">":
            opened.append(QUOTE)
            place = _behind_quote(line, place)
        elif footnote := FOOTNOTE.match(line, place.at):
            opened.append(place.indent + FOOTNOTE_WIDTH)
            place = _blanks(line, footnote.end(), place.column + len(footnote[0]), 0)
            place = place._replace(base=place.column)
        elif (bullet := BULLET.match(line, place.at)) and not RULE.match(line, place.at):
            # Within a paragraph only a list that begins with 1, and with words, is one.
            is_empty = not line[bullet.end() :].strip(" \t")
            if in_paragraph and not opened and (is_empty or bullet[1] not in (None, "1")):
                break
            inside = _behind_bullet(line, place, bullet)
            opened.append(inside.base - place.base)
            place = inside
        else:
            break
    return tuple(opened), place


def _behind_quote(line: str, place: _Place) -> _Place:
    base = place.column + 1 + (line[place.at + 1 : place.at + 2] in (" ", "\t"))
    return _blanks(line, place.at + 1, place.column + 1, base)


def _behind_bullet(line: str, place: _Place, bullet: re.Match[str]) -> _Place:
    column = place.column + len(bullet[0])
    inside = _blanks(line, bullet.end(), column, 0)
    # What stands five columns behind its mark is indented code.
    is_close = inside.at < len(line) and inside.column - column <= INDENTED
    return inside._replace(base=inside.column if is_close else column + 1)


def _blanks(line: str, at: int, column: int, base: int) -> _Place:
    while at < len(line) and line[at] in " \t":
        column += 1 if line[at] == " " else TAB - column % TAB
        at += 1
    return _Place(at, column, base)


def _skipped(line: str, at: int) -> int:
    while at < len(line) and line[at] in " \t":
        at += 1
    return at
