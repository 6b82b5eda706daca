"""CommonMark to segments and slots.

Raw HTML is escaped, and bare addresses are left as text: the parser's own linkify takes
quadratic time. What is not HTML yet (a wikilink, a fence, a formula) travels through the
sanitiser as a placeholder that nobody can guess, and is put in afterwards.
"""

import re
import secrets
from collections.abc import Collection, MutableMapping, Sequence
from typing import Any

from django.utils.html import escape
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from wiki.extensions import Slot
from wiki.markup.rendered import Heading, Rendered
from wiki.markup.sanitize import sanitize
from wiki.markup.wikilink import wikilinks

RENDERER_VERSION = 2


class _Renderer(RendererHTML):
    """Writes placeholders where something is filled in after sanitising."""

    def wikilink(
        self, tokens: Sequence[Token], i: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        return _slot(env, Slot("wikilink", dict(tokens[i].meta)))

    def fence(
        self, tokens: Sequence[Token], i: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        name = next(iter(tokens[i].info.split()), "")
        if name not in env["fences"]:
            return super().fence(tokens, i, options, env)
        return _slot(env, Slot(name, {"text": tokens[i].content}))

    def math_inline(
        self, tokens: Sequence[Token], i: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        return f'<code class="math">{escape(tokens[i].content)}</code>'

    def math_inline_double(
        self, tokens: Sequence[Token], i: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        return f'<code class="math display">{escape(tokens[i].content)}</code>'

    def math_block(
        self, tokens: Sequence[Token], i: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        source = escape(tokens[i].content.strip("\n"))
        return f'<pre class="math"><code class="math display">{source}</code></pre>\n'


def render(body: str, fences: Collection[str] = ()) -> Rendered:
    """Render a note's text.

    body: CommonMark with `[[wikilinks]]` and `$formulas$`; formulas are shown as their
    source. fences: the first words of fenced blocks that become slots, holding their text.
    """
    env: MutableMapping[str, Any] = {"slots": [], "fences": fences, "mark": secrets.token_hex(16)}
    tokens = _PARSER.parse(body, env)
    outline = _outline(tokens)
    html = sanitize(_PARSER.renderer.render(tokens, _PARSER.options, env))
    segments, slots = _split(html, env)
    return Rendered(segments=segments, slots=slots, outline=outline)


def _make_parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    md.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    # The plugin brings renderers of its own; ours escape, and write classes we style.
    assert isinstance(md.renderer, _Renderer)
    for name in ("math_inline", "math_inline_double", "math_block"):
        md.renderer.rules[name] = getattr(md.renderer, name)
    md.use(wikilinks)
    return md


_PARSER = _make_parser()


def _slot(env: MutableMapping[str, Any], slot: Slot) -> str:
    env["slots"].append(slot)
    return f"{env['mark']}-{len(env['slots']) - 1};"


def _split(html: str, env: MutableMapping[str, Any]) -> tuple[tuple[str, ...], tuple[Slot, ...]]:
    """Cut the HTML at its placeholders; a slot the sanitiser dropped or doubled follows suit."""
    pieces = re.split(rf"{env['mark']}-(\d+);", html)
    return tuple(pieces[::2]), tuple(env["slots"][int(number)] for number in pieces[1::2])


def _outline(tokens: Sequence[Token]) -> tuple[Heading, ...]:
    """Give each heading an id of its own, prefixed so that no text can take another's."""
    headings: list[Heading] = []
    taken: dict[str, int] = {}
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or () if child.content)
        slug = slugify(text, allow_unicode=True) or "section"
        taken[slug] = taken.get(slug, 0) + 1
        identity = f"n-{slug}" if taken[slug] == 1 else f"n-{slug}-{taken[slug]}"
        opening.attrSet("id", identity)
        headings.append(Heading(int(opening.tag[1]), text, identity))
    return tuple(headings)
