"""Headings: an id for each, and the outline they make."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.text import slugify
from markdown_it.token import Token

from wiki.markup.rendered import ID_MARK, Heading
from wiki.markup.token_text import words
from wiki.markup.wikilink import link_key


def outline(tokens: Sequence[Token]) -> tuple[Heading, ...]:
    """Give each heading an id that no other heading of the text has; return them in order."""
    headings: list[Heading] = []
    numbers: dict[str, int] = {}
    taken: set[str] = set()
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type != "heading_open":
            continue
        text = "".join(words(child) for child in inline.children or ())
        slug = identity = slugify(text, allow_unicode=True) or "section"
        while identity in taken:
            numbers[slug] = numbers.get(slug, 1) + 1
            identity = f"{slug}-{numbers[slug]}"
        taken.add(identity)
        opening.attrSet("id", ID_MARK + identity)
        opening.meta["id"] = identity
        headings.append(Heading(int(opening.tag[1]), text, identity))
    return tuple(headings)


def identity_of(wanted: str, headings: Sequence[Heading]) -> str:
    """Return the id of the heading a link names, by its words or as it stands in addresses.

    headings: those of the text it leads to, if they are known; else what the first heading
    of these words has.
    """
    slug = slugify(wanted, allow_unicode=True) or "section"
    said = [heading.id for heading in headings if link_key(heading.text) == link_key(wanted)]
    return said[0] if said else slug


def permalink_html(payload: Mapping[str, Any], ids: str) -> str:
    """Return the link to a heading that stands behind its words."""
    return format_html(
        ' <a class="permalink" href="#{}{}" aria-label="Link to this heading">§</a>',
        ids,
        payload["id"],
    )
