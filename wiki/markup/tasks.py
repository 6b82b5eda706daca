"""Task lists: an item that begins with `[ ]` or `[x]` shows a box."""

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

MARKS = {"[ ] ": False, "[x] ": True, "[X] ": True}


def tasks(md: MarkdownIt) -> None:
    """Teach a parser task lists; a `task_box` token says by meta["done"] whether it is done."""
    md.core.ruler.after("inline", "tasks", _rule)


def _rule(state: StateCore) -> None:
    for item, _, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if item.type != "list_item_open" or inline.type != "inline" or not inline.children:
            continue
        first = inline.children[0]
        done = MARKS.get(first.content[:4]) if first.type == "text" else None
        if done is not None:
            item.attrSet("class", "task")
            first.content = first.content[4:]
            inline.children.insert(0, Token("task_box", "", 0, meta={"done": done}))
