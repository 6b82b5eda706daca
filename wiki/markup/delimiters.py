r"""Where formulas begin and end: `$…$` `$$…$$` `\(…\)` `\[…\]` `\\(…\\)` `\\[…\\]`.

A `$` opens a formula when no space follows it, and closes one when no space precedes it and
no digit follows, so that prices stay text. Each search for an end looks no further than the
next candidate, or is remembered as vain, so reading takes linear time. Code wins: no formula
reaches into it or over it.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from wiki.markup.code_spans import FENCE, begins_code, code_spans

# `$PATH:$HOME` is a line of shell, not a formula with a word behind it; `H$_2$O` is one.
SHELL_VARIABLE = re.compile(
    r"\{?(?:[A-Z][A-Z0-9_]+|_[A-Z_][A-Z0-9_]+)\}?(?:[^\w\s\\^={}<>$][\w/:.~@%,;\"'-]*)?"
    r"|(?:\{\w+\}|[A-Za-z_]\w+)[/:.@]"
)
# Between two prices stand words, and no sign of TeX.
TEX_SIGN, WORD = re.compile(r"[\\^_={}]"), re.compile(r"[^\W\d_]{2}")
WORDS = re.compile(r"[^\W\d_]{2}\s|\s[^\W\d_]{2}")
# What no price begins with: `3$\times$3` and `x$^2$3` are formulas, `$5-$7` is none.
SURE_SIGN = re.compile(r"\\[A-Za-z]|[\^_]")
CLOSINGS = {"$$": "$$", r"\[": r"\]"}
# Kramdown, the Markdown of Jekyll, reads a backslash before one of these as nothing but it, so
# its writers double those of `\\(`, and of what stands inside.
DOUBLED = {r"\\(": r"\\)", r"\\[": r"\\]"}
BRACKETS = {r"\(": r"\)", r"\[": r"\]", **DOUBLED}
KRAMDOWN_ESCAPE = re.compile(r"""\\([\\.*_+`<>()\[\]{}#!:|"'$=-])""")


def formulas(md: MarkdownIt) -> None:
    """Teach a parser formulas; tokens `formula` and `formula_display` hold their TeX."""
    md.inline.ruler.before("escape", "formula_dollar", _dollar)
    md.inline.ruler.before("escape", "formula_bracket", _bracket)
    md.block.ruler.before(
        "fence", "formula_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def _dollar(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    if source[start] != "$":
        return False
    mark = "$$" if source.startswith("$$", start) else "$"
    end = _next_dollar(source, start + len(mark), state.posMax)
    if end < 0 or not source.startswith(mark, end) or begins_code(state.env, source, start, end):
        return False
    tex = source[start + len(mark) : end]
    before, after = source[max(0, start - 1) : start], source[end + 1 : end + 2]
    if mark == "$" and not is_formula(tex, after, before):
        return False
    return _push(state, tex, end + len(mark), display=mark == "$$", silent=silent)


def _next_dollar(source: str, start: int, limit: int) -> int:
    """Return where the next `$` stands that no backslash takes the meaning from; -1 if none."""
    end = source.find("$", start, limit)
    while end > start and _is_escaped(source, end, start):
        end = source.find("$", end + 1, limit)
    return end


def _is_escaped(source: str, at: int, start: int) -> bool:
    first = at
    while first > start and source[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1


def is_formula(tex: str, after: str, before: str = "") -> bool:
    """Tell whether this stands between two `$` as a formula.

    after, before: the next character, and the one in front, if any.
    """
    if not tex or tex[0].isspace() or tex[-1].isspace():
        return False
    if after.isdigit() and not SURE_SIGN.match(tex):
        return False
    is_price = (tex[0].isdigit() or before.isdigit()) and not TEX_SIGN.search(tex)
    if is_price and (WORD.search(tex) or tex.count("(") != tex.count(")")):
        return False
    if "://" in tex and "\\" not in tex:
        return False  # two dollars in addresses
    if not (after.isalpha() or after in ("_", "{", "(")):
        return True
    is_prose = not TEX_SIGN.search(tex) and WORDS.search(tex)
    return not (is_prose or SHELL_VARIABLE.fullmatch(tex))


def _bracket(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    opening = next((sign for sign in BRACKETS if source.startswith(sign, start)), None)
    if opening is None:
        return False
    closing, size = BRACKETS[opening], len(opening)
    vain = state.env.setdefault("vain", {})
    if vain.get((closing, state.posMax)) == source:
        return False
    end = source.find(closing, start + size, state.posMax)
    while end >= 0 and _is_escaped(source, end, start + size):
        end = source.find(closing, end + size, state.posMax)
    if end < 0:
        vain[closing, state.posMax] = source
        return False
    if begins_code(state.env, source, start, end):
        return False
    tex = source[start + size : end]
    if opening in DOUBLED:
        tex = KRAMDOWN_ESCAPE.sub(r"\1", tex)
    return _push(state, tex, end + size, display=opening.endswith("["), silent=silent)


def _push(state: StateInline, tex: str, end: int, *, display: bool, silent: bool) -> bool:
    if not tex.strip(" \n\t\\"):
        return False
    if not silent:
        token = state.push("formula_display" if display else "formula", "", 0)
        token.content = tex.strip()
        token.meta = {"is_linked": state.linkLevel > 0}
    state.pos = end
    return True


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    r"""Read a display formula that has lines of its own, from `$$` or `\[` to its end."""
    if state.is_code_block(first):
        return False
    lines = [_line(state, first)]
    closing = CLOSINGS.get(lines[0][:2])
    if closing is None:
        return False
    lines[0] = lines[0][2:]
    number = first
    # From which line to which a search found no end; it finds none from between them either.
    vain = state.env.setdefault("vain", {})
    place = closing, last, state.blkIndent
    if place in vain and vain[place][0] <= first < vain[place][1]:
        return False
    while closing not in lines[-1]:
        number += 1
        if number >= last or state.isEmpty(number) or state.sCount[number] < state.blkIndent:
            vain[place] = first, number
            return False
        lines.append(_line(state, number))
        if FENCE.match(lines[-1]):
            vain[place] = first, number
            return False
    tex = "\n".join(lines).rstrip()
    if not tex.endswith(closing) or tex.find(closing) != len(tex) - 2:
        vain[place] = first, number
        return False
    if not tex[:-2].strip(" \n\t\\") or code_spans(tex[:-2]):
        return False
    if not silent:
        state.line = number + 1
        token = state.push("formula_block", "", 0)
        token.block, token.map, token.content = True, [first, state.line], tex[:-2].strip()
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
