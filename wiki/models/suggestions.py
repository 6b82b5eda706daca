"""Titles and tags that somebody may be typing, found by their first letters or a part."""

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Collate

from wiki.markup import link_key
from wiki.models.tag import NoteTag, Tag, tag_key
from wiki.models.tag_alias import TagAlias

if TYPE_CHECKING:
    from wiki.models.note import Note
    from wiki.models.note_queryset import NoteQuerySet

# What stands before a word in a title, and before a part of a tag.
BEFORE_WORDS = ' -_(/"“'
BEFORE_PARTS = "_-/."
MIN_PART = 3  # letters; the index of parts knows no shorter ones


def titles(notes: "NoteQuerySet", typed: str, most: int) -> list["Note"]:
    """Return the notes whose titles begin so, then have a word that does, then have it in them.

    The first in alphabetical order, the others last changed first. Up to three queries.
    """
    key = link_key(typed)
    if not key or "\0" in key:
        return []
    # By letters alone, as the index is ordered, whatever language the server sorts by.
    ordered = notes.annotate(letters=Collate("title_key", "C")).only("pid", "title")
    found = list(ordered.filter(letters__startswith=key).order_by("letters", "pid")[:most])
    parts = [_anywhere("title_key", key, BEFORE_WORDS)]
    if len(key) >= MIN_PART or not key.isascii():
        parts.append(Q(title_key__contains=key))
    for part in parts:
        if len(found) < most:
            others = notes.filter(part).exclude(pid__in=[note.pid for note in found])
            found += others.last_changed().only("pid", "title")[: most - len(found)]
    return found


def tags(notes: "NoteQuerySet", typed: str, most: int) -> list[Tag]:
    """Return the tags of these notes, found as titles are, each in alphabetical order.

    Another word for a tag, if the reader may know it, finds it too. notes: all that they may
    read.
    """
    key = tag_key(typed.strip())
    if not key or "\0" in key:
        return []
    carried = NoteTag.objects.filter(tag=OuterRef("pk"), content_object__in=notes)
    used = Tag.objects.filter(Exists(carried)).spelled_for(notes).order_by("slug")
    aliases = TagAlias.objects.filter(slug__startswith=key).known_in(notes).values("tag")
    found: list[Tag] = []
    for part in (
        Q(slug__startswith=key) | Q(pk__in=aliases),
        _anywhere("slug", key, BEFORE_PARTS),
        Q(slug__contains=key),
    ):
        if len(found) < most:
            others = used.filter(part).exclude(pk__in=[tag.pk for tag in found])
            found += others[: most - len(found)]
    return found


def _anywhere(column: str, key: str, signs: str) -> Q:
    """Return the condition that the key stands behind one of these signs."""
    found = Q()
    for sign in signs:
        found |= Q(**{f"{column}__contains": sign + key})
    return found
