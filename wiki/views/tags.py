"""Browsing by tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from wiki.models import Note, NoteTag, Tag, TagAlias, TagDifference
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.tag_difference import near_pairs
from wiki.views.lists import page_context

MAX_PAIRS = 30


class TagUses(TypedDict):
    """How many of the notes that a reader may read have a tag."""

    uses: int


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    CountedTag = WithAnnotations[Tag, TagUses]


@dataclass(frozen=True)
class Pair:
    """Two tags that look alike; may_go: whether the reader may edit notes with each of them."""

    one: "CountedTag"
    other: "CountedTag"
    may_go: tuple[bool, bool]


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every tag of a note the reader may read, with how many such notes carry it."""
    tags = list(Tag.objects.counted_for(Note.objects.visible_to(request.user)))
    pairs = _pairs(tags, request.user) if request.user.is_authenticated else []
    context = {"tags": tags, "pairs": pairs[:MAX_PAIRS], "more": len(pairs[MAX_PAIRS:])}
    return render(request, "wiki/tags.html", context)


@login_not_required
@require_safe
def show(request: HttpRequest, name: str) -> HttpResponse:
    """The notes of one tag; a tag only of notes the reader may not read does not exist.

    Another word for a tag leads to it.
    """
    readable = Note.objects.visible_to(request.user)
    tag = Tag.objects.named(name).counted_for(readable).first()
    if tag is None:
        return redirect(_tag_of_alias(name, readable))
    words = TagAlias.objects.filter(tag=tag).known_in(readable).order_by("slug")
    context = {"tag": tag, "words": words}
    context |= page_context(request, readable.filter(note_tags__tag=tag))
    return render(request, "wiki/tag.html", context)


def _tag_of_alias(name: str, readable: NoteQuerySet) -> Tag:
    """Return the tag of readable notes that this is another word for. Raises Http404."""
    if "\0" in name:
        raise Http404
    leading = TagAlias.objects.tags_of([name], readable).values()
    tag = Tag.objects.filter(pk__in=leading).counted_for(readable).first()
    if tag is None:
        raise Http404
    return tag


def _pairs(tags: Sequence["CountedTag"], user: User) -> list[Pair]:
    """Return the tags that look like one, of which user may change one: two queries.

    Those of which most notes are concerned come first.
    """
    by_slug = {tag.slug: tag for tag in tags}
    mine = NoteTag.objects.filter(content_object__in=Note.objects.editable_by(user))
    own = set(mine.values_list("tag__slug", flat=True).distinct())
    differ = set(TagDifference.objects.filter(user=user).values_list("one", "other"))
    pairs = [
        Pair(by_slug[one], by_slug[other], (one in own, other in own))
        for one, other in near_pairs(by_slug) - differ
        if one in own or other in own
    ]
    return sorted(pairs, key=lambda pair: (-pair.one.uses - pair.other.uses, pair.one.slug))
