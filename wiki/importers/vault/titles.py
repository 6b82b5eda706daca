"""A note's title out of its first heading or the name of its file."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from wiki.importers.vault.dates import in_name

MAX_LENGTH = 500
# `# Title`, perhaps closed by #, perhaps with an id as kramdown and Pandoc write it; or
# underlined. Blank lines around it belong to it.
HEADING = re.compile(
    r"\s*?(?:^|\n)(?: {0,3}#[ \t]+(?P<atx>[^\n]+?)(?:[ \t]+#+)?[ \t]*(?:\n|\Z)"
    r"| {0,3}(?P<setext>[^\s#>|`~\-+*=][^\n]*)\n {0,3}=+[ \t]*(?:\n|\Z))\n*"
)
IDENTITY = re.compile(r"[ \t]*\{[#.:][^{}\n]*\}$")
# What a title cannot keep, so that the heading must stay in the text.
HOLDS_MORE = re.compile(r"\]\(|\[\[|!\[|\]\[|\[\^|<[A-Za-z/!]|https?://")
LOOKS = re.compile(r"(?<!\\)(\*{1,3}|~~|`+|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w))")
LINK = re.compile(r"!?\[\[(?:[^\]|]*\|)?([^\]]*)\]\]|!?\[([^\]]*)\]\([^)]*\)|<[^<>]+>")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Notion ends the names of its files so.
NOTION = re.compile(r" [0-9a-f]{32}$")
INDEXES = {"index", "_index", "readme"}


def heading(text: str) -> tuple[str, int]:
    """Return the title the text begins with and how long that beginning is, blank lines too.

    The length is 0 where the heading says more than a title can. ("", 0) if there is none.

    >>> heading("\\n# The *best* `x_i` #\\n\\nText")
    ('The best x_i', 23)
    >>> heading("# See [it](http://a.example)\\nText"), heading("## Part\\n")
    (('See it', 0), ('', 0))
    """
    match = HEADING.match(text)
    if match is None:
        return "", 0
    typed = IDENTITY.sub("", match["atx"] or match["setext"])
    title = line(LOOKS.sub("", LINK.sub(lambda found: found[1] or found[2] or "", typed)))
    if not title or len(title) > MAX_LENGTH:
        return "", 0
    return title, 0 if HOLDS_MORE.search(typed) else match.end()


def from_path(path: PurePosixPath) -> str:
    """Return what a file's name says of its title.

    >>> [from_path(PurePosixPath(path)) for path in ("2020-01-02-my-post.md", "maths/index.md")]
    ['my post', 'maths']
    >>> from_path(PurePosixPath("pages/a%2Fb.md")), from_path(PurePosixPath("2020-01-02.md"))
    ('a/b', '2020-01-02')
    """
    stem = NOTION.sub("", path.stem)
    if stem.lower() in INDEXES and path.parent.name:
        stem = path.parent.name
    day, rest = in_name(stem)
    if day is not None and rest:
        return line(rest if " " in rest else rest.replace("-", " ").replace("_", " ")) or stem
    return line(unquote(stem.replace("___", "/"))) or path.name


def line(text: str) -> str:
    """Return it as one line: spaces joined, control characters left out."""
    return " ".join(CONTROL.sub(" ", text).split())
