r"""What stands inside a line of Markdown and is one thing: a formula, a link, a code span.

Every repetition is possessive and ends at the next opener of its kind, so that a text of nothing
but openers is still read in linear time.
"""

import re
from collections.abc import Iterator

MAX_WORD_LENGTH = 80

_IN_BRACKETS = r"(?:[^\[\]\n]|\n(?![ \t]*+\n))*+"
_TARGET = r"""\([ ]?(?:<[^<>\n]*+>|(?!<)[^\s()]*+(?:\([^\s()]*+\)[^\s()]*+)*+)
    (?:\s++(?:"[^"\n]*+"|'[^'\n]*+'))?[ ]?\)"""
_SOLID = r"""
      \$\$(?:[^$\\\n]++|\\.|\$(?!\$)|\n(?![ \t]*+\n))++\$\$
    | \$(?![\s$])(?:[^$\\\n]++|\\.|\n(?![ \t]*+\n))++(?<!\s)\$(?!\d)
    | \\\((?:[^\\]++|\\[^()])*+\\\)
    | \\\[(?:[^\\]++|\\[^\[\]])*+\\\]
    | (?<!`)`[^`\n]++`(?!`)
    | (?<!`)``(?!`)[^`\n]++(?:`[^`\n]++)*+``
    | \\[^\w\s]
"""
_LINK = rf"""
      !\[\[[^\[\]|\n]++(?:(?<=\.\w\w\w)|(?<=\.\w\w\w\w))(?:\|[^\[\]\n]*+)?+\]\](?P<gone>)
    | !?\[\[(?:[^\[\]|\n]++\|)?+(?P<note>[^\[\]|\n]++)\]\]
    | \[!\[(?P<linked>{_IN_BRACKETS})\]{_TARGET}\]{_TARGET}
    | !?\[(?P<shown>{_IN_BRACKETS})\]{_TARGET}
    | ^[ ]{{0,3}}\[(?P<label>[^\^\[\]\n][^\[\]\n]*+)\]:[ \t]*+\S++
"""
CONSTRUCT = re.compile(f"{_SOLID}|{_LINK}", re.VERBOSE | re.MULTILINE | re.DOTALL)
_WORD = re.compile(
    rf"(?:{_SOLID}|{re.sub(r'[?]P<[a-z]+>', '?:', _LINK)}|\S)++",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_RUN = re.compile(r"\S++")
_SLICE = re.compile(
    rf"\S.{{0,{MAX_WORD_LENGTH - 1}}}(?<=\W)|\S.{{0,{MAX_WORD_LENGTH - 1}}}", re.DOTALL
)


def cleaned(raw: str) -> str:
    """Return what a reader sees of links and images; everything else as typed.

    >>> cleaned("See [[Attention|it]], [a *map*](https://x.org/a_(b)) of `[a](b)` and $f[x](y)$.")
    'See it, a *map* of `[a](b)` and $f[x](y)$.'
    >>> cleaned('![a cat](cat.png "Tom") [[Note]]')
    'a cat Note'
    >>> cleaned("[![Build](b.svg)](https://x.org) ![[fig/plot.png|300]] [1]: https://y.org")
    'Build  [1]: https://y.org'
    """
    return CONSTRUCT.sub(_shown, raw) if "]" in raw else raw


def _shown(construct: re.Match[str]) -> str:
    name = construct.lastgroup
    return construct[name] if name else construct[0]


def words(text: str, start: int, end: int, *, is_code: bool = False) -> Iterator[tuple[int, int]]:
    """Yield the spans of the words from start to end: what stands between blanks.

    Of text, not of code, a formula, a link and a code span belong to one word each.
    """
    pattern = _RUN if is_code else _WORD
    return (word.span() for word in pattern.finditer(text, start, end))


def slices(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the parts, of 80 characters at most, of a word too long to be one."""
    for run in _RUN.finditer(text, start, end):
        yield from (part.span() for part in _SLICE.finditer(text, *run.span()))
