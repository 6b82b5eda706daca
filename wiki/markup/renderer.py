"""Tokens to HTML, with a placeholder wherever something is put in after sanitising.

A placeholder is a random mark that no text can guess, and the number of the piece it stands
for: a formula, a reference to one, or a slot.
"""

import secrets
from collections.abc import Container, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import format_html
from django.utils.safestring import mark_safe
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from wiki.extensions import Slot
from wiki.markup.equations import Formula, Reference
from wiki.markup.highlight import code_html
from wiki.markup.rendered import ID_MARK
from wiki.markup.token_text import words
from wiki.markup.wikilink import relative_link

ALIGNMENT = {"text-align:right": "end", "text-align:center": "middle"}


Piece = Slot | Formula | Reference


@dataclass
class Pieces:
    """What is left out of the HTML while it is sanitised."""

    fences: Container[str]
    mark: str = field(default_factory=lambda: secrets.token_hex(16))
    pieces: list[Piece] = field(default_factory=list)

    def put(self, piece: Piece) -> str:
        """Keep a piece and return its placeholder."""
        self.pieces.append(piece)
        return f"{self.mark}-{len(self.pieces) - 1};"


Tokens = Sequence[Token]
Env = MutableMapping[str, Any]


class Renderer(RendererHTML):
    """The parser's renderer, with our own elements. env["pieces"] is a Pieces."""

    def wikilink(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return _put(env, Slot("wikilink", dict(tokens[i].meta)))

    def attachment(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return _put(env, Slot("attachment", dict(tokens[i].meta)))

    def formula(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return _put(env, Formula(tokens[i].content, False, _is_linked(tokens[i])))

    def formula_display(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return _put(env, Formula(tokens[i].content, True, _is_linked(tokens[i])))

    def reference(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        label, kind = tokens[i].meta["label"], tokens[i].meta["kind"]
        return _put(env, Reference(label, kind, _is_linked(tokens[i])))

    def formula_block(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return _put(env, Formula(tokens[i].content, display=True)) + "\n"

    def fence(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        name = next(iter(unescapeAll(tokens[i].info).split()), "")
        if name in env["pieces"].fences:
            return _put(env, Slot(name, {"text": tokens[i].content}))
        html = mark_safe(code_html(tokens[i].content, name))  # escaped there
        if not name:
            return format_html("<pre><code>{}</code></pre>\n", html)
        return format_html('<pre><code class="language-{}">{}</code></pre>\n', name, html)

    def heading_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        identity = tokens[i - 2].meta.get("id")
        link = _put(env, Slot("permalink", {"id": identity, "text": ""})) if identity else ""
        return link + self.renderToken(tokens, i, options, env)

    def link_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        end = _end_of_link(tokens, i)
        said = "".join(map(words, tokens[i + 1 : end]))
        payload = relative_link(str(tokens[i].attrs["href"]), said)
        if payload is not None:
            tokens[end].meta["is_slot"] = True
            return _put(env, Slot("wikilink", payload))
        # Paper shows where a link leads, but not where the link says so itself.
        content, closing = tokens[i + 1], tokens[i + 2 :][:1]
        is_alone = content.type == "text" and [token.type for token in closing] == ["link_close"]
        if is_alone and normalizeLink(content.content) == tokens[i].attrs["href"]:
            tokens[i].attrSet("class", "bare")
        return self.renderToken(tokens, i, options, env)

    def link_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        if tokens[i].meta.get("is_slot"):
            return _put(env, Slot("wikilink_end", {"text": ""}))
        return self.renderToken(tokens, i, options, env)

    def image(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        source = str(tokens[i].attrs["src"])
        address = urlsplit(source)
        if not (address.scheme or address.netloc or source.startswith(("//", "\\"))):
            return super().image(tokens, i, options, env)
        # Loading it would tell another site who reads what.
        said = self.renderInlineAsText(tokens[i].children, options, env).strip() or source
        return format_html('<a class="external-image" href="{}">{}</a>', source, said)

    def renderInlineAsText(  # noqa: N802  # the parser's name
        self, tokens: Tokens | None, options: OptionsDict, env: Env
    ) -> str:
        """Return the words of an image's alternative text, formulas as TeX."""
        plain = [_as_text(token) for token in tokens or ()]
        return super().renderInlineAsText(plain, options, env)

    def table_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return '<div class="scroll">' + self.renderToken(tokens, i, options, env)

    def table_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return self.renderToken(tokens, i, options, env) + "</div>\n"

    def th_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        # The parser aligns cells by style attributes, which the pages' policy forbids.
        alignment = ALIGNMENT.get(str(tokens[i].attrs.pop("style", "")))
        if not tokens[i + 1].content:
            # An empty cell, such as the corner of a table, heads nothing.
            tokens[i].tag = tokens[i + 2].tag = "td"
        if alignment:
            tokens[i].attrSet("class", alignment)
        return self.renderToken(tokens, i, options, env)

    td_open = th_open

    def s_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return "<del>"

    def s_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return "</del>"

    def task_box(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        state = ' checked aria-label="done"' if tokens[i].meta["done"] else ' aria-label="to do"'
        return f'<input type="checkbox" disabled{state}> '

    def footnote_ref(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        number, place = tokens[i].meta["id"] + 1, tokens[i].meta.get("subId", 0)
        return (
            f'<sup class="footnote-ref"><a href="#{ID_MARK}fn:{number}"'
            f' id="{ID_MARK}{_reference(number, place)}">{number}</a></sup>'
        )

    def footnote_block_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return '<section class="footnotes">\n<ol>\n'

    def footnote_block_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return "</ol>\n</section>\n"

    def footnote_open(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return f'<li id="{ID_MARK}fn:{tokens[i].meta["id"] + 1}">'

    def footnote_close(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        return "</li>\n"

    def footnote_anchor(self, tokens: Tokens, i: int, options: OptionsDict, env: Env) -> str:
        number, place = tokens[i].meta["id"] + 1, tokens[i].meta.get("subId", 0)
        back = ID_MARK + _reference(number, place)
        # The sign that follows the arrow keeps it from being shown as a picture.
        arrow = "\u21a9\ufe0e"
        return f' <a class="footnote-back" href="#{back}" aria-label="Back to the text">{arrow}</a>'


def own_rules(renderer: Renderer) -> dict[str, Any]:
    """Return the rules of this module; plugins bring rules of their own, which ours replace."""
    names = [name for name, value in vars(Renderer).items() if callable(value)]
    return {name: getattr(renderer, name) for name in names}


def _end_of_link(tokens: Tokens, i: int) -> int:
    """Return where the link that opens at i closes; links hold no links."""
    return next(end for end in range(i, len(tokens)) if tokens[end].type == "link_close")


def _as_text(token: Token) -> Token:
    ours = ("formula", "formula_display", "reference", "wikilink", "attachment")
    is_ours = token.type in ours
    return Token("text", "", 0, content=words(token)) if is_ours else token


def _is_linked(token: Token) -> bool:
    """Tell whether a token stands in a link, which no other link may stand in."""
    return bool(token.meta.get("is_linked"))


def _put(env: Env, piece: Piece) -> str:
    pieces: Pieces = env["pieces"]
    return pieces.put(piece)


def _reference(number: int, place: int) -> str:
    # No heading has a colon in its id.
    return f"fnref:{number}" if place == 0 else f"fnref:{number}:{place + 1}"
