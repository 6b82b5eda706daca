"""Links between notes: `[[Title#heading|words]]`, and `[words](../folder/file.md#heading)`."""

import posixpath
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from django.utils.html import format_html
from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline

# An index entry of PostgreSQL holds about 2,700 bytes.
MAX_KEY_LENGTH = 300
# In a table the bar is written `\|`, or it would end the cell.
WIKILINK = re.compile(r"\[\[([^\[\]|\n]{1,300}?)(?:\\?\|([^\[\]\n]{1,300}))?\]\]")
# With a space beside it the sign belongs to a title: "C# in depth", "Issue #12".
HEADING = re.compile(r"(?:(?<=\S)|^)#(?=\S)")
# A paragraph has no address here, so its mark is left out; "x^2" is a title.
BLOCK = re.compile(r"(?:#\^|(?<=\S)\^(?=[\w-]{3}))[\w-]+$")
RELATIVE = re.compile(
    r"(?!//|[a-z][a-z0-9+.\-]*:)(?:(?P<path>[^?#]+)\.(?:md|markdown)(?:\?[^#]*)?)?(?:#(?P<heading>.*))?",
    re.IGNORECASE,
)


def link_key(title: str) -> str:
    """Return what makes two titles the same for a link: no case, no double spaces.

    Titles that agree in their first MAX_KEY_LENGTH characters count as the same.

    >>> link_key("  Attention is  All you need")
    'attention is all you need'
    """
    key = " ".join(unicodedata.normalize("NFC", title).casefold().split())
    return key[:MAX_KEY_LENGTH]


def split_target(typed: str) -> tuple[str, str]:
    """Return the title that a link names, and the heading in that note; either may be empty.

    >>> split_target("Softmax#What it costs"), split_target("#What it costs")
    (('Softmax', 'What it costs'), ('', 'What it costs'))
    >>> split_target("Softmax#^a1b2c3"), split_target("Softmax^a1b2c3")
    (('Softmax', ''), ('Softmax', ''))
    >>> split_target("C# in depth"), split_target("x^2")
    (('C# in depth', ''), ('x^2', ''))
    """
    title, *headings = HEADING.split(BLOCK.sub("", " ".join(typed.split())))
    return title.strip(), headings[-1].strip() if headings else ""


def file_key(href: str, folder: str) -> str | None:
    """Return the key of the note whose file a relative link leads to; None if to no such file.

    folder: that of the file the link stands in, from the top of its vault, which a path
    never leaves.

    >>> file_key("../b/C%20d.md#h", "a"), file_key("/e.md", "a"), file_key("../../f.md", "a")
    ('b/c d', 'e', 'f')
    >>> file_key("https://example.org/g.md", "a"), file_key("#h", "a"), file_key("h.png", "a")
    (None, None, None)
    """
    match = RELATIVE.fullmatch(href)
    if match is None or not match["path"]:
        return None
    path = unquote(match["path"]).replace("\\", "/")
    return link_key(posixpath.normpath(posixpath.join("/", folder, path)).strip("/")) or None


def relative_link(href: str, text: str) -> dict[str, Any] | None:
    """Return the payload of a link's slot if it leads to a file of a note or to a heading here.

    text: the words of the link.

    >>> relative_link("../b/C%20d.md#some-heading", "there")["title"]
    'C d'
    """
    match = RELATIVE.fullmatch(href)
    if match is None or not (match["path"] or match["heading"]):
        return None
    title = posixpath.basename(unquote(match["path"] or "").replace("\\", "/"))
    heading = unquote(match["heading"] or "")
    return {"key": "", "href": href, "title": title, "text": text, "heading": heading}


def key_of(payload: Mapping[str, Any], folder: str) -> str:
    """Return the key of the note a slot links to; empty where it is the note it stands in."""
    return file_key(payload["href"], folder) or "" if "href" in payload else payload["key"]


def as_typed(payload: Mapping[str, Any]) -> str:
    """Return the link as it stands in the text, escaped; of a relative one, how it begins.

    >>> as_typed({"key": "attention", "title": "Attention", "text": "that note"})
    '[[Attention|that note]]'
    """
    if "href" in payload:
        return format_html('<a href="{}">', payload["href"])
    title, text = payload["title"], payload["text"]
    typed = f"[[{title}]]" if title == text else f"[[{title}|{text}]]"
    return format_html("{}{}", "!" if "embed" in payload else "", payload.get("typed", typed))


def wikilinks(md: MarkdownIt) -> None:
    """Teach a parser wikilinks; each becomes one `wikilink` token with key and text."""
    md.inline.ruler.before("link", "wikilink", read_wikilink)


def link_html(
    payload: Mapping[str, Any], target: tuple[str, str] | None, writing_url: str = ""
) -> tuple[str, str]:
    """Return the link and what ends it, or a mark for a page that is missing (or hidden).

    target: address and title of the note, for who may read it. writing_url: where a writer
    starts a note; for them the mark is a link that starts this one. Empty for who cannot
    write. The words of a relative link stand between the two; others have theirs in the first.
    """
    words = "" if "href" in payload else payload["text"]
    if target is not None:
        url, title = target
        link = format_html('<a class="wikilink" href="{}" title="{}">{}', url, title, words)
        name = "a"
    elif writing_url:
        link = format_html(
            '<a class="missing" href="{}?{}" title="There is no note of this title yet: write it.">'
            "{}",
            writing_url,
            urlencode({"title": payload["title"]}),
            words,
        )
        name = "a"
    else:
        link = format_html(
            '<span class="missing" title="There is no note of this title yet.">{}', words
        )
        name = "span"
    end = format_html("</{}>", name)
    return (link, end) if "href" in payload else (link + end, "")


def read_wikilink(state: StateInline, silent: bool) -> bool:
    """Read a wikilink where the text stands, as rules of the parser do."""
    if not state.src.startswith("[[", state.pos):
        return False
    match = WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    title, heading = split_target(match[1])
    if not link_key(title) and not heading:
        return False
    # A reference that the text defines keeps its meaning in CommonMark.
    if normalizeReference(match[0][2:-2]) in state.env.get("references", ()):
        return False
    if not silent:
        token = state.push("wikilink", "", 0)
        token.meta = _payload(match, title, heading)
    state.pos = match.end()
    return True


def _payload(match: re.Match[str], title: str, heading: str) -> dict[str, Any]:
    named = " ".join(match[1].split())
    text = (match[2] or (named if title else heading)).strip()
    payload = {"key": link_key(title), "title": title, "text": text}
    if named != title:
        payload |= {"heading": heading, "typed": match[0]}
    return payload
