"""CommonMark, and what research notes need beyond it, to segments and slots.

Raw HTML is escaped. What is not plain HTML yet (a wikilink, a fence, a formula) travels
through the sanitiser as a placeholder, and is put in afterwards.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from wiki.markup.addresses import addresses
from wiki.markup.attachment import attachments
from wiki.markup.comments import as_read
from wiki.markup.delimiters import formulas
from wiki.markup.environments import environments
from wiki.markup.equations import Equations, Formula, Reference, SetOne, set_all
from wiki.markup.math import set_formula
from wiki.markup.outline import outline
from wiki.markup.rendered import ID_MARK, Heading, Rendered
from wiki.markup.renderer import Piece, Pieces, Renderer, own_rules
from wiki.markup.sanitize import sanitize
from wiki.markup.tasks import tasks
from wiki.markup.wikilink import wikilinks

RENDERER_VERSION = 8


@dataclass(frozen=True)
class Parsed:
    """A text after parsing and sanitising; its formulas are not set yet."""

    html: tuple[str, ...]
    pieces: tuple[Piece, ...]
    outline: tuple[Heading, ...]

    def formulas(self) -> int:
        """Count the formulas."""
        return sum(isinstance(piece, Formula) for piece in self.pieces)

    def finish(self, set_one: SetOne) -> Rendered:
        """Set the formulas and lead references to them; slots stay open."""
        formulas = [piece for piece in self.pieces if isinstance(piece, Formula)]
        equations = Equations(zip(formulas, set_all(formulas, set_one), strict=True))
        html = iter(equations.html())
        segments, slots = [self.html[0]], []
        for piece, following in zip(self.pieces, self.html[1:], strict=True):
            if isinstance(piece, Formula):
                segments[-1] += next(html) + following
            elif isinstance(piece, Reference):
                segments[-1] += equations.reference_html(piece) + following
            else:
                slots.append(piece)
                segments.append(following)
        return Rendered(tuple(segments), tuple(slots), self.outline)


def render(body: str, fences: Collection[str] = ()) -> Rendered:
    """Render a note's text, without limits of time: wiki.rendering.sandbox has them.

    body: CommonMark, tables, footnotes, task and definition lists, `[[wikilinks]]`, files
    `![[x.png]]`, bare addresses, and formulas between `$` `$$` `\\(` `\\[`, also with these
    backslashes doubled, or between `\\begin{equation}` and its end. fences: the first words of
    fenced blocks that become slots, holding their text. Comments are left out.
    """
    return parse(body, fences).finish(
        lambda formula, macros: set_formula(formula.tex, display=formula.display, macros=macros)
    )


def parse(body: str, fences: Collection[str] = ()) -> Parsed:
    """Do everything but the formulas."""
    pieces = Pieces(fences)
    env = {"pieces": pieces}
    tokens = PARSER.parse(as_read(body).replace(ID_MARK, "\ufffd"), env)
    headings = outline(tokens)
    html = sanitize(PARSER.renderer.render(tokens, PARSER.options, env))
    # A placeholder the sanitiser dropped or doubled takes its piece along.
    cut = re.split(rf"{pieces.mark}-(\d+);", html)
    kept = tuple(pieces.pieces[int(number)] for number in cut[1::2])
    return Parsed(tuple(cut[::2]), kept, headings)


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=Renderer)
    parser.enable(["table", "strikethrough"])
    for plugin in (footnote_plugin, deflist_plugin, formulas, environments, wikilinks, tasks):
        parser.use(plugin)
    for plugin in (attachments, addresses):
        parser.use(plugin)
    assert isinstance(parser.renderer, Renderer)
    parser.renderer.rules |= own_rules(parser.renderer)
    return parser


PARSER = _make_parser()
