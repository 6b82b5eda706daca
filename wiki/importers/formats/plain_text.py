"""Plain words as CommonMark that shows exactly these words, and back.

Only what the parser would take for markup gets a backslash, so that the text stays readable
for whoever edits it.
"""

import re

# A word that starts a block when it begins a line.
BLOCK_START = re.compile(
    r"(?P<before>\d{1,9})(?P<mark>[.)])(?=\s|$)"
    r"|(?P<sign>[-+](?=\s|$)|#{1,6}(?=\s|$)|>|~{3}|-{2,}\s*$|=+\s*$|(?:-\s){2,})"
)
INLINE = re.compile(
    r"""
      \\(?=[!-/:-@\[-`{-~]|$)                 # already looks like an escape
    | `
    | ^\* | \*(?=\S) | (?<=\S)\*             # emphasis or a list, not a sign between spaces
    | (?<![^\W_])_ | _(?![^\W_])              # not inside a_word
    | <(?=[A-Za-z/!?])                        # a tag or an autolink
    | &(?=\#?\w+;)                            # an entity
    | \$
    | \[(?=[^\[\]\n]*\][(:])                 # a link or a link's definition
    """,
    re.VERBOSE,
)
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<display>[^$\n]+)\$\$"
    r"|(?<![\\$])\$(?![\s$])(?P<inline>(?:[^$\\\n]|\\.)+?)(?<!\s)\$(?![\d$])"
)


def as_markdown(words: str) -> str:
    r"""Escape what CommonMark would take for markup inside a line; formulas are not words.

    >>> print(as_markdown("8*8 costs $5, see a_b and [0] at http://x.org/a_b"))
    8\*8 costs \$5, see a_b and [0] at http://x.org/a_b
    """
    return INLINE.sub(lambda found: f"\\{found[0]}", words)


def as_paragraph(line: str) -> str:
    r"""Escape a line's beginning where it would start a list, a heading or a quotation.

    >>> as_paragraph("1. first"), as_paragraph("# not a heading"), as_paragraph("-x")
    ('1\\. first', '\\# not a heading', '-x')
    """
    found = BLOCK_START.match(line)
    if found is None:
        return line
    at = found.start("mark") if found["mark"] else 0
    return f"{line[:at]}\\{line[at:]}"


def as_words(markdown: str) -> str:
    r"""Take back what as_markdown and as_paragraph did; formulas stay as they are.

    >>> as_words(r"8\*8 with $a \_ b$")
    '8*8 with $a \\_ b$'
    """
    pieces = split_formulas(markdown)
    return "".join(
        piece if is_formula else ESCAPED.sub(r"\1", piece) for is_formula, piece in pieces
    )


def split_formulas(text: str) -> list[tuple[bool, str]]:
    """Cut at `$formulas$`: pieces in order, each with whether it is one (dollars included).

    Between two prices there is no formula: its source must hold a sign of TeX, or be short
    symbols and no number first.

    >>> split_formulas("from $5/h to 6$, with $x_1$ set")
    [(False, 'from $5/h to 6$, with '), (True, '$x_1$'), (False, ' set')]
    """
    pieces: list[tuple[bool, str]] = []
    end = 0
    for found in FORMULA.finditer(text):
        if looks_like_tex(found["display"] or found["inline"]):
            pieces += [(False, text[end : found.start()]), (True, found[0])]
            end = found.end()
    return [(is_formula, piece) for is_formula, piece in [*pieces, (False, text[end:])] if piece]


def looks_like_tex(source: str) -> bool:
    """Tell whether the text between two dollars is a formula rather than words about money."""
    if re.search(r"[\\^_={}]", source):
        return True
    return not source[0].isdigit() and not re.search(r"[^\W\d_]{2}", source)
