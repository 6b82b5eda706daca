"""What an item must fulfil before anything is written."""

import re

from django.core.exceptions import ValidationError

from wiki.forms import MAX_BYTES
from wiki.importers.item import Code, Item, Notice, Record, State
from wiki.importers.revisions import revision_of

NO_TEXT = re.compile("[\0\ud800-\udfff]")
MAX_BIGINT = 2**63 - 1
# Filled in later, checked above, or free: an unknown text has no title either.
UNCHECKED = {"id", "note", "author", "title", "body", "base", "submission", "sha256"}


def complaint(item: Item) -> Notice | None:
    """Return why the item cannot become a note; None if it can. No query."""
    if item.pid is not None and not 0 < item.pid <= MAX_BIGINT:
        return Notice(Code.BAD_FIELD, f"{item.pid} is no number a note can have.")
    numbers = [state.number for state in item.states]
    if numbers != sorted(set(numbers)):
        return Notice(Code.BAD_ENTRY, "The revisions are not in the order of their numbers.")
    for state in item.states:
        if found := _about_state(state):
            return Notice(found.code, f"Revision {state.number}: {found.message}")
    if item.record is None:
        return None
    return _about_record(item.record) or _about_hashes(item)


def _about_record(record: Record) -> Notice | None:
    texts = (record.owner, record.deleted_by, record.import_key or "", *record.tags)
    if not all(_is_text(text) for text in texts) or len(record.import_sha256) > 64:
        return Notice(Code.BAD_FIELD, "A character in its fields is no text.")
    if record.legacy_pid is not None and record.legacy_pid > MAX_BIGINT:
        return Notice(Code.BAD_FIELD, f"{record.legacy_pid} is no number a note can have.")
    return None


def _about_hashes(item: Item) -> Notice | None:
    for state in item.states:
        if revision_of(state, item.pid).digest() != state.sha256:
            message = f"Revision {state.number} is not what was saved: its sha256 differs."
            return Notice(Code.BAD_HASH, message)
    return None


def _is_text(text: str) -> bool:
    """Tell whether PostgreSQL can store it: no NUL, no half of a surrogate pair."""
    return not NO_TEXT.search(text)


def _about_state(state: State) -> Notice | None:
    texts = (state.title, state.body or "", state.ref, state.author, state.author_name)
    if not all(_is_text(text or "") for text in (*texts, state.summary, *state.tags)):
        return Notice(Code.BAD_FIELD, "A character in it is no text.")
    size = len((state.body or "").encode())
    if size > MAX_BYTES:
        message = f"The text has {size:,} bytes and a note has at most {MAX_BYTES:,}. Divide it."
        return Notice(Code.BAD_FIELD, message)
    try:
        revision_of(state, None).clean_fields(exclude=UNCHECKED)
    except ValidationError as error:
        said = "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
        return Notice(Code.BAD_FIELD, said)
    return None
