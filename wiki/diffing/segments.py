"""Cut a text into what a diff and a merge compare: units, and the words inside them.

A unit is a line, or a display formula over several lines; a formula, a fence marker, a wikilink
or an address is one word. Both take linear time whatever the text.
"""

import re
from typing import NamedTuple

# Marks, joiners and emoji belong to the word they stand in, though Python's \w leaves them out.
_LETTER = r"[\w\u0300-\u036f\u0483-\u0489\u0590-\u109f\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d" + (
    r"\u20d0-\u20ff\ufe00-\ufe2f\U0001f1e6-\U0001faff]"
)
# Every repetition is possessive and every formula ends at the next opener of its kind, so that a
# text of nothing but openers is still read in linear time.
_WORD = re.compile(
    rf"""
      https?://[^\s<>()\[\]]++
    | {_LETTER}++(?:[-'’./:@]{_LETTER}++)*+
    | [^\S\n]++ | \n
    | ^[ \t]*+(?:`{{3}}|~{{3}})[^\n]*+
    | \$\$(?:[^$\\\n]++ | \\. | \$(?!\$) | \n(?![ \t]*\n))++\$\$
    | \$(?![\s$])(?:[^$\\\n]++ | \\. | \n(?![ \t]*\n))++(?<!\s)\$(?!\d)
    | \\\((?:[^\\]++ | \\[^()])*+\\\)
    | \\\[(?:[^\\]++ | \\[^\[\]])*+\\\]
    | \\[^\w\s]
    | \[\[[^\[\]\n]++\]\]
    | \]\([^()\s]*+\)
    | .
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_SOLID = re.compile(r"[\w\U0001f1e6-\U0001faff]")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_CLOSER = {"$$": "$$", "\\[": "\\]"}
_OPENERS = ("```", "~~~", *_CLOSER)


class Units(NamedTuple):
    """A text in units; `"\\n".join(units)` is the text. fenced[k] is 1 inside a code fence."""

    units: list[str]
    fenced: bytearray


def split_units(text: str) -> Units:
    r"""Cut a text at line ends, keeping a display formula over several lines in one unit.

    A formula starts and ends on its own lines and holds no blank line, so that a stray `$$`
    never swallows the text below it.

    >>> split_units("a\n$$\nx\n$$\n").units
    ['a', '$$\nx\n$$', '']
    >>> split_units("").units, split_units("\n").units
    ([], ['', ''])
    """
    lines = text.split("\n") if text else []
    if not any(opener in text for opener in _OPENERS):
        return Units(lines, bytearray(len(lines)))
    units: list[str] = []
    fenced = bytearray()
    fence = closer = ""
    formula_start = 0
    for line in lines:
        head = line.lstrip()[:2] if line else ""
        marker = _FENCE.fullmatch(line) if head in ("``", "~~") else None
        if fence or (marker and not _is_code_span(marker)):
            closer = ""
            fenced.append(1)
            fence = _fence_after(fence, marker)
        else:
            fenced.append(0)
            if closer and closer in line:
                units[formula_start:] = ["\n".join([*units[formula_start:], line])]
                del fenced[formula_start + 1 :]
                closer = ""
                continue
            if head in _CLOSER and _CLOSER[head] not in line.lstrip()[2:]:
                closer, formula_start = _CLOSER[head], len(units)
            elif not line or line.isspace():
                closer = ""
        units.append(line)
    return Units(units, fenced)


def _is_code_span(marker: re.Match[str]) -> bool:
    return marker[1][0] == "`" and "`" in marker[2]


def _fence_after(fence: str, marker: re.Match[str] | None) -> str:
    """Say which fence is open after a line: CommonMark closes with as long a marker or longer."""
    if not fence:
        return marker[1] if marker else ""
    closes = marker and marker[1].startswith(fence) and not marker[2].strip()
    return "" if closes else fence


def split_words(text: str) -> list[str]:
    r"""Cut a text into words, runs of blanks and single signs; joined they are the text.

    >>> split_words(r"Let $x + y$, see [[Norm]].")
    ['Let', ' ', '$x + y$', ',', ' ', 'see', ' ', '[[Norm]]', '.']
    >>> split_words("$50 to $100")
    ['$', '50', ' ', 'to', ' ', '$', '100']
    """
    return _WORD.findall(text)


def is_solid(word: str) -> bool:
    """Tell a word, number or formula from blanks and punctuation."""
    return _SOLID.search(word) is not None
