"""Items in batches, each looked at by the rendering children while the one before is written."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from wiki.importers.faults import read_one
from wiki.importers.item import Code, Item, Notice
from wiki.importers.vault.tags import with_hashtags
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey

# What is in memory at once is two batches: one is written, the next surveyed.
MAX_NOTES, MAX_CHARACTERS = 200, 4 * 1024**2
# What a child is asked at once.
MAX_TEXTS, MAX_TEXT = 25, 100_000

UNLOOKED = (sandbox.TOO_COMPLEX, sandbox.TOO_BUSY, sandbox.TOO_LONG)

Batch = tuple[list[Item], list[Survey]]
Pending = tuple[list[Item], list[Future[list[Survey]]]]


def surveyed(items: Iterable[Item]) -> Iterator[Batch]:
    """Yield the items in their order, in batches, with what is known of their heads' texts.

    All children work on it: an import from the browser has a process, and children, of its own.
    """
    with ThreadPoolExecutor(sandbox.POOL_SIZE) as executor:
        pending: deque[Pending] = deque()
        for batch in _cut(items, MAX_NOTES, MAX_CHARACTERS):
            groups = _cut(batch, MAX_TEXTS, MAX_TEXT)
            asked = [
                executor.submit(sandbox.survey, [_named(item) for item in group])
                for group in groups
            ]
            pending.append((batch, asked))
            if len(pending) > 1:
                yield _finished(pending.popleft())
        while pending:
            yield _finished(pending.popleft())


def _named(item: Item) -> tuple[str, str]:
    """Return title and text of an item's head; an unreadable item has none."""
    return (item.head.title, item.head.body or "") if item.states else ("", "")


def _finished(pending: Pending) -> Batch:
    items, asked = pending
    surveys = [survey for future in asked for survey in future.result()]
    completed = [
        read_one(item.path, item.pid, _completed, item, survey)
        for item, survey in zip(items, surveys, strict=True)
    ]
    return completed, surveys


def _completed(item: Item, survey: Survey) -> Item:
    """Return the item with what only a parsed text tells."""
    if item.has_hashtags and survey.tags:
        item = with_hashtags(item, survey.tags)
    if survey.notice not in UNLOOKED:
        return item
    message = "The text was too much to be looked at, so its links and its #tags are not known."
    return replace(item, notices=(*item.notices, Notice(Code.TOO_COMPLEX, message)))


def _cut(items: Iterable[Item], most: int, characters: int) -> Iterator[list[Item]]:
    """Cut into lists of at most so many items, of about so many characters in all."""
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(_named(item)[1])
        if len(batch) >= most or size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
