r"""Plain text of a piece of Markdown: its marks are removed, formulas and code stay.

For snippets only: it is never rendered as HTML, and a mark that was cut in two stays as typed.
"""

import re

SEPARATOR = "·"

FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
RULE = re.compile(r"^[ \t]*(?=[^\n]*[-=*_]{2})[-=*_|:+ \t]+$", re.MULTILINE)
HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE)
ROW = re.compile(r"^[ \t]*\|.*$", re.MULTILINE)
SPACES = re.compile(r"\s+")
SEPARATORS = re.compile(rf"(?:\s*{SEPARATOR}){{2,}}\s*")

FORMULA_OR_CODE = re.compile(
    r"(\$\$[^$]{1,500}\$\$|(?<![\\$\w])\$[^$\n]{1,300}\$|`[^`\n]{1,300}`"
    r"|\$(?=[\\^_])[^$\n]{1,300}\$|\\\(.{1,300}?\\\)|\\\[.{1,500}?\\\]"
    r"|\\begin\{[A-Za-z]+\*?\}.{1,500}?\\end\{[A-Za-z]+\*?\})",
    re.DOTALL,
)
WIKILINK = re.compile(r"!?\[\[([^\[\]|\n]*)(?:\|([^\[\]\n]*))?\]\]")
LINK = re.compile(r"!?\[([^\[\]]*)\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\[\]\n]*\])")
FOOTNOTE = re.compile(r"\[\^[^\[\]\n]*\]:?")
AUTOLINK = re.compile(r"<(https?://[^<>\s]*)>")
# `__init__` is more often a name than stress.
STRONG = re.compile(r"(?<!\w)(?:\*\*|~~)(?!\s)|(?<!\s)(?:\*\*|~~)(?!\w)")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,300})(?<=[^\s*])\*(?![\w*])")
UNDERLINE = re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]{1,300})(?<=[^\s_])_(?![\w_])")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    r"""Return a short text (a page, not a book) without the marks of Markdown.

    >>> plain("## Gates\n\n- **A** [gate](https://x.org) of $*Z_1*$\n- `*b*` and [[C|that]]")
    'Gates · A gate of $*Z_1*$ · `*b*` and that'
    >>> plain("a\n\\begin{align}\nb \\\\ c_1 *d* e_1\n\\end{align}\n20$\\%$")
    'a \\begin{align} b \\\\ c_1 *d* e_1 \\end{align} 20$\\%$'
    >>> plain("| a | b |\n|---|---|\n| c | d |")
    '· a · b · c · d ·'
    """
    text = RULE.sub("", FENCE.sub("", text))
    text = QUOTE.sub("", text)
    text = HEADING.sub(rf"\1 {SEPARATOR}", text)
    text = ITEM.sub(f"{SEPARATOR} ", text)
    text = ROW.sub(lambda row: row[0].replace("|", f" {SEPARATOR} "), text)
    parts = FORMULA_OR_CODE.split(text)
    parts[::2] = map(_without_marks, parts[::2])
    text = SPACES.sub(" ", "".join(parts)).strip()
    return SEPARATORS.sub(f" {SEPARATOR} ", text).strip()


def _without_marks(text: str) -> str:
    text = WIKILINK.sub(lambda link: link[2] or link[1], text)
    text = AUTOLINK.sub(r"\1", FOOTNOTE.sub("", LINK.sub(r"\1", text)))
    text = UNDERLINE.sub(r"\1", EMPHASIS.sub(r"\1", STRONG.sub("", text)))
    return ESCAPE.sub(r"\1", text)
