"""Addresses typed bare: `https://…`, `doi:10.…`, `arXiv:…`, `PMID-…` become links.

The parser's own linkify takes quadratic time; this is one pass over the text between links.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

BARE = re.compile(
    r"(?<![\w/<])(?<!< )(?:"  # `<https://a b>` is no autolink, so it stays as typed
    r"(?P<web>https?://[^\s<>\"“”`]{1,2000})"
    r"|(?P<doi>doi:\s?10\.\d{4,9}/[^\s<>\"“”`]{1,300})"
    r"|(?P<arxiv>arxiv:\s?(?:\d{4}\.\d{4,5}|[a-z\-]{2,20}(?:\.[a-z]{2})?/\d{7})(?:v\d+)?)"
    r"|(?P<pmid>pmid-\d{1,9})"
    r")",
    re.IGNORECASE,
)
# Punctuation behind an address belongs to the sentence.
TRAILING = "?!.,:;*_~'’"


def addresses(md: MarkdownIt) -> None:
    """Teach a parser bare addresses; they become link tokens like any other."""
    md.core.ruler.push("addresses", _rule)


def target(kind: str, typed: str) -> str:
    """Return where an address leads.

    >>> target("arxiv", "arXiv:1706.03762v7"), target("pmid", "PMID-8263001")
    ('https://arxiv.org/abs/1706.03762v7', 'https://pubmed.ncbi.nlm.nih.gov/8263001/')
    """
    identity = re.split(r"[:\-]\s?", typed, maxsplit=1)[-1]
    return {
        "web": typed,
        "doi": f"https://doi.org/{identity}",
        "arxiv": f"https://arxiv.org/abs/{identity}",
        "pmid": f"https://pubmed.ncbi.nlm.nih.gov/{identity}/",
    }[kind]


def trimmed(typed: str) -> str:
    """Leave out what follows an address without being a part of it.

    >>> trimmed("https://a.example/b_(c))."), trimmed("https://a.example/?q=1!")
    ('https://a.example/b_(c)', 'https://a.example/?q=1')
    """
    surplus = typed.count(")") - typed.count("(")
    end = len(typed)
    while end and (typed[end - 1] in TRAILING or (typed[end - 1] == ")" and surplus > 0)):
        surplus -= typed[end - 1] == ")"
        end -= 1
    return typed[:end]


def _rule(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_with_links(block.children, state))


def _with_links(children: list[Token], state: StateCore) -> Iterator[Token]:
    depth = 0
    for token in children:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not depth:
            yield from _linked(token, state)
        else:
            yield token


def _linked(token: Token, state: StateCore) -> Iterator[Token]:
    text, done = token.content, 0
    for match in BARE.finditer(text):
        typed = trimmed(match[0])
        url = state.md.normalizeLink(target(match.lastgroup or "web", typed))
        if typed.endswith("://") or not state.md.validateLink(url):
            continue
        yield _text(text[done : match.start()], token.level)
        opening = Token("link_open", "a", 1, attrs={"href": url}, level=token.level)
        yield opening
        yield _text(typed, token.level + 1)
        yield Token("link_close", "a", -1, level=token.level)
        done = match.start() + len(typed)
    yield _text(text[done:], token.level) if done else token


def _text(content: str, level: int) -> Token:
    return Token("text", "", 0, content=content, level=level)
