"""`[[Title]]` and `[[Title|words]]`: links to notes by their title."""

import re
import unicodedata
from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html
from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline

# An index entry of PostgreSQL holds about 2,700 bytes.
LONGEST_KEY = 300
WIKILINK = re.compile(r"\[\[([^\[\]|\n]{1,300})(?:\|([^\[\]\n]{1,300}))?\]\]")


def link_key(title: str) -> str:
    """Return what makes two titles the same for a link: no case, no double spaces.

    Titles that agree in their first LONGEST_KEY characters count as the same.

    >>> link_key("  Attention is  All you need")
    'attention is all you need'
    """
    key = " ".join(unicodedata.normalize("NFC", title).casefold().split())
    return key[:LONGEST_KEY]


def as_typed(payload: dict[str, Any]) -> str:
    """Return the link as it stands in the text.

    >>> as_typed({"key": "attention", "title": "Attention", "text": "that note"})
    '[[Attention|that note]]'
    """
    title, text = payload["title"], payload["text"]
    start = "![[" if payload.get("embed") else "[["
    return f"{start}{title}]]" if title == text else f"{start}{title}|{text}]]"


def wikilinks(md: MarkdownIt) -> None:
    """Teach a parser wikilinks; each becomes one `wikilink` token with key and text."""
    md.inline.ruler.before("link", "wikilink", _rule)


def link_html(
    payload: dict[str, Any], target: tuple[str, str] | None, writing_url: str = ""
) -> str:
    """Return the link, or a mark for a page that is missing (or hidden) for this reader.

    writing_url: where a writer starts a note; for them the mark is a link that starts this
    one. Empty for who cannot write.
    """
    if target is None and writing_url:
        return format_html(
            '<a class="missing" href="{}?{}" title="There is no note of this title yet: write it.">'
            "{}</a>",
            writing_url,
            urlencode({"title": payload["title"]}),
            payload["text"],
        )
    if target is None:
        return format_html(
            '<span class="missing" title="There is no note of this title yet.">{}</span>',
            payload["text"],
        )
    url, title = target
    return format_html(
        '<a class="wikilink" href="{}" title="{}">{}</a>', url, title, payload["text"]
    )


def _rule(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("[[", state.pos):
        return False
    match = WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None or not link_key(match[1]):
        return False
    # A reference that the text defines keeps its meaning in CommonMark.
    if normalizeReference(match[0][2:-2]) in state.env.get("references", ()):
        return False
    if not silent:
        token = state.push("wikilink", "", 0)
        title = " ".join(match[1].split())
        text = (match[2] or title).strip()
        token.meta = {"key": link_key(title), "title": title, "text": text}
    state.pos = match.end()
    return True
