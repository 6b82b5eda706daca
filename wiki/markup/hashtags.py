"""`#tags` inside a text, as Obsidian and Logseq know them."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

# A tag begins a word; `#[[several words]]` is one too.
HASHTAG = re.compile(r"(?<!\S)#(?:\[\[(?P<words>[^\[\]\n]+)\]\]|(?P<name>[\w/-]+))")
COLOUR = re.compile(r"(?=.*\d|(.)\1+$)(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
DIRECTIVES = {"include", "define", "ifdef", "ifndef", "endif", "pragma"}
# What only changes the look of the words around it.
UNSEEN = {"em_open", "em_close", "strong_open", "strong_close", "s_open", "s_close"}
# Stands for code, formulas and pictures: no space, so no tag begins after it.
SOMETHING = "\0"


def hashtags(tokens: Sequence[Token]) -> list[str]:
    """Return the tags of a parsed text in their order, each spelling once, without `#`.

    None in code, formulas, links and addresses; no numbers, no colours.
    """
    found: dict[str, None] = {}
    for token in tokens:
        if token.type != "inline" or "#" not in token.content:
            continue
        for match in HASHTAG.finditer(_shown(token.children or ())):
            name = (match["words"] or match["name"]).strip().strip("/-")
            if _is_tag(name, match) and not _is_escaped(match[0], token.content):
                found[name] = None
    return list(found)


def _shown(children: Sequence[Token]) -> str:
    parts, links = [], 0
    for token in children:
        links += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not links:
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "wikilink":
            parts.append(f"[[{token.meta['title']}]]")
        elif token.type not in UNSEEN:
            parts.append(SOMETHING)
    return "".join(parts)


def _is_tag(name: str, match: re.Match[str]) -> bool:
    if match["words"]:
        return bool(name)
    has_letter = any(sign.isalpha() for sign in name)
    return has_letter and not COLOUR.fullmatch(name) and name not in DIRECTIVES


def _is_escaped(typed: str, content: str) -> bool:
    r"""Tell whether it only stands there as `\#word`."""
    return (
        "\\#" in content
        and f"\\{typed}" in content
        and not re.search(rf"(?<!\\){re.escape(typed)}", content)
    )
