"""Tags of other tools as tags of notes: without spaces, not too long, not too many."""

from collections.abc import Iterable
from dataclasses import replace

from wiki.importers.item import Code, Item, Notice
from wiki.models.tag import MAX_TAG_LENGTH, MAX_TAGS, tag_key


def said(value: object, *, at_spaces: bool) -> list[str]:
    """Return the tags that a value of a front matter names.

    at_spaces: words without a comma among them are several tags.

    >>> [said(value, at_spaces=True) for value in ("#a, b c", "a b", ["x y", 3])]
    [['#a', 'b c'], ['a', 'b'], ['x y', '3']]
    """
    if isinstance(value, list):
        return [name for one in value for name in said(one, at_spaces=False)]
    if isinstance(value, dict):
        return [str(name) for name in value]
    if value is None or isinstance(value, bool):
        return []
    text = str(value)
    if "," in text:
        return [part.strip() for part in text.split(",")]
    return text.split() if at_spaces else [text.strip()]


def clean(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """Return the names as tags, each once, and what had to be changed."""
    notices: list[Notice] = []
    tags: dict[str, str] = {}
    for name in names:
        words = name.strip().removeprefix("[[").removesuffix("]]").lstrip("#").split()
        tag = "_".join(words)
        if len(words) > 1:
            message = f"The tag “{' '.join(words)[:100]}” has spaces; it became {tag[:100]}."
            notices.append(Notice(Code.TAG_JOINED, message))
        if len(tag) > MAX_TAG_LENGTH:
            message = f"The tag {tag[:30]}… has {len(tag)} characters; it keeps {MAX_TAG_LENGTH}."
            notices.append(Notice(Code.TAG_CUT, message))
            tag = tag[:MAX_TAG_LENGTH]
        if tag:
            tags.setdefault(tag_key(tag), tag)
    if len(tags) > MAX_TAGS:
        message = f"It has {len(tags)} tags and a note at most {MAX_TAGS}: the last are not here."
        notices.append(Notice(Code.TAG_CUT, message))
    return tuple(list(tags.values())[:MAX_TAGS]), tuple(notices)


def with_hashtags(item: Item, hashtags: Iterable[str]) -> Item:
    """Return the item with the tags that stand inside its text."""
    tags, notices = clean([*item.head.tags, *hashtags])
    head = replace(item.head, tags=tags)
    return replace(item, states=(*item.states[:-1], head), notices=(*item.notices, *notices))
