r"""Display formulas without dollars, `\begin{equation} … \end{equation}`, and `\eqref{…}`."""

import re
from collections import defaultdict

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from wiki.markup.code_spans import FENCE, begins_code, code_spans
from wiki.markup.delimiters import BRACKETS

_STARRED = ("align", "alignat", "equation", "eqnarray", "flalign", "gather", "multline")
ENVIRONMENTS = {
    *_STARRED,
    *(f"{name}*" for name in _STARRED),
    *("aligned", "alignedat", "array", "cases", "CD", "darray", "dcases", "drcases", "gathered"),
    *("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "rcases"),
    *("split", "subequations"),
}
MARK = re.compile(r"\\(?P<kind>begin|end)\{(?P<name>[A-Za-z]+\*?)\}")
REFERENCE = re.compile(r"\\(?P<kind>ref|eqref)\{(?P<label>[^{}\n]{1,200})\}")
# What opens or closes a formula, in the text before an environment.
_DELIMITER = re.compile(r"\\\\?[\[\]()]|\\[\s\S]|\$\$?")
_CLOSINGS = {"$": "$", "$$": "$$", **BRACKETS}


def environments(md: MarkdownIt) -> None:
    """Teach a parser bare environments, and tokens `reference`. After formulas."""
    md.inline.ruler.before("escape", "environment", _inline)
    md.inline.ruler.before("escape", "reference", _reference)
    md.block.ruler.before(
        "fence",
        "environment_block",
        _block,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )


def ends(source: str) -> dict[int, int]:
    r"""Return where each known environment ends, by where it begins; the outer ones too.

    >>> ends(r"\begin{align}\begin{cases}\end{cases}\end{align}")
    {13: 37, 0: 48}
    """
    found: dict[int, int] = {}
    open_: list[tuple[str, int]] = []
    count: dict[str, int] = defaultdict(int)
    for mark in MARK.finditer(source):
        name = mark["name"]
        if name not in ENVIRONMENTS:
            continue
        if mark["kind"] == "begin":
            open_.append((name, mark.start()))
            count[name] += 1
        elif count[name]:
            while True:
                last, start = open_.pop()
                count[last] -= 1
                if last == name:
                    break
            found[start] = mark.end()
    return found


def _end_at(state: StateInline | StateBlock, start: int) -> int:
    """Return where the environment ends that begins here; 0 if none does."""
    known = state.env.get("environments")
    if known is None or known[0] is not state.src:
        known = state.env["environments"] = (state.src, ends(state.src))
    end: int = known[1].get(start, 0)
    return end


def _inline(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith(r"\begin{", state.pos):
        return False
    end = _end_at(state, state.pos)
    if not 0 < end <= state.posMax or begins_code(state.env, state.src, state.pos, end):
        return False
    if not silent:
        token = state.push("formula_display", "", 0)
        token.content = state.src[state.pos : end]
        token.meta = {"is_linked": state.linkLevel > 0}
    state.pos = end
    return True


def _reference(state: StateInline, silent: bool) -> bool:
    found = REFERENCE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("reference", "", 0)
        token.content = found[0]
        token.meta = {"label": found["label"].strip(), "kind": found["kind"]}
        token.meta["is_linked"] = state.linkLevel > 0
    state.pos = found.end()
    return True


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Read an environment that begins a line; what stands behind its end is read on."""
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not state.src.startswith(r"\begin{", start):
        return False
    end = _end_at(state, start)
    if not end or (silent and _is_inside_formula(state, start)):
        return False
    number = _last_line(state, first, last, end)
    if number is None or code_spans(state.src[start:end]):
        return False
    if number == first and state.src[end : state.eMarks[first]].strip():
        return False  # it stands in a line of text
    if not silent:
        lines = [_line(state, line, end) for line in range(first, number + 1)]
        token = state.push("formula_block", "", 0)
        token.block, token.map, token.content = True, [first, number + 1], "\n".join(lines)
        _read_on(state, number, end)
    return True


def _last_line(state: StateBlock, first: int, last: int, end: int) -> int | None:
    """Return the line with the end; None if it stands elsewhere, or code begins before."""
    barrier = state.env.get("barrier", (0, 0))
    if barrier[0] <= first < barrier[1] and state.bMarks[barrier[1]] < end:
        return None  # a search from an earlier line met this one
    for number in range(first, last):
        bare = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
        is_outside = bare and state.sCount[number] < state.blkIndent
        if number > first and (is_outside or FENCE.match(bare)):
            state.env["barrier"] = first, number
            return None
        if end <= state.eMarks[number]:
            return number
    return None


def _read_on(state: StateBlock, number: int, end: int) -> None:
    """Go on behind the environment, which may be in the middle of a line."""
    rest = state.src[end : state.eMarks[number]]
    if not rest.strip():
        state.line = number + 1
        return
    state.line = number
    state.bMarks[number] = end
    state.tShift[number] = len(rest) - len(rest.lstrip())
    state.sCount[number] = state.blkIndent


def _line(state: StateBlock, number: int, end: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : min(end, state.eMarks[number])]


def _is_inside_formula(state: StateBlock, end: int) -> bool:
    r"""Tell whether the paragraph has opened a formula before, as in `so \[` and a new line."""
    begin = state.bMarks[state.line]
    at, opening, known = state.env.get("opened", (0, "", -1))
    if known != begin or at > end:
        at, opening = begin, ""
    for sign in _DELIMITER.finditer(state.src, at, end):
        if opening:
            opening = "" if sign[0] == _CLOSINGS[opening] else opening
        elif sign[0] in _CLOSINGS:
            opening = sign[0]
    state.env["opened"] = end, opening, begin
    return bool(opening)
