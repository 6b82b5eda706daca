"""Markup: a note's text becomes segments, slots and an outline. Pure: no database, no reader.

`render(body)` is the entry point; `wiki.rendering.sandbox.render` does the same in a child process
with limits.
"""

from wiki.markup.comments import as_read
from wiki.markup.markdown import render
from wiki.markup.rendered import Heading, Rendered
from wiki.markup.wikilink import link_key

__all__ = ["Heading", "Rendered", "as_read", "link_key", "render"]
