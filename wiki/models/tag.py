"""Tags: words without spaces, one identity whatever their case, shown as first typed."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from taggit.models import ItemBase, TagBase

if TYPE_CHECKING:
    from wiki.models.note_queryset import NoteQuerySet

LONGEST_TAG = 100
MOST_TAGS = 100


def tag_key(name: str) -> str:
    """Return the identity of a tag: equal for `AI` and `ai`.

    >>> tag_key("Quoc_Le")
    'quoc_le'
    """
    return unicodedata.normalize("NFC", name).casefold()


def parse_tags(text: str) -> list[str]:
    """Split what a person typed at spaces; the first spelling of a repeated tag stays.

    Raises ValidationError when a tag is longer than LONGEST_TAG or there are more than
    MOST_TAGS of them.

    >>> parse_tags("symbolic  regression Quoc_Le quoc_le")
    ['symbolic', 'regression', 'Quoc_Le']
    """
    names: dict[str, str] = {}
    for name in text.split():
        names.setdefault(tag_key(name), name)
        if len(name) > LONGEST_TAG:
            raise ValidationError(
                f"The tag “{name[:30]}…” has {len(name)} characters; a tag has at most "
                f"{LONGEST_TAG}. Put a space between two tags."
            )
    if len(names) > MOST_TAGS:
        raise ValidationError(
            f"These are {len(names)} tags; a note has at most {MOST_TAGS}. Remove some."
        )
    return list(names.values())


def join_tags(tags: Iterable[Any]) -> str:
    """Write tags as parse_tags reads them."""
    return " ".join(str(tag) for tag in tags)


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags as rows."""

    def meant_by(self, names: Sequence[str]) -> list[str]:
        """Return the names of the tags that people mean by these, each once; makes none.

        Another word for a tag gives that tag.
        """
        return list({tag_key(name): name for name in self.meanings(names).values()}.values())

    def meanings(self, names: Sequence[str]) -> dict[str, str]:
        """Map the key of each name to the name of the tag that is meant by it. One query."""
        keys = {tag_key(name): name for name in reversed(names)}
        aliases = TagAlias.objects.filter(slug__in=keys) if keys else TagAlias.objects.none()
        meant = {alias.slug: alias.tag.name for alias in aliases.select_related("tag")}
        return {key: meant.get(key, keys[key]) for key in map(tag_key, names)}

    def called(self, names: Sequence[str]) -> list["Tag"]:
        """Return the tags of just these names in their order, making those that are new.

        Rows are inserted in the order of their key, so that two savers who need the same
        new tags wait for each other and never in a circle. At most three queries.
        """
        by_key = {tag_key(name): name for name in names}
        found = {tag.slug: tag for tag in self.filter(slug__in=by_key)}
        missing = sorted(set(by_key) - set(found))
        if missing:
            self.bulk_create(
                [Tag(name=by_key[key], slug=key) for key in missing], ignore_conflicts=True
            )
            found |= {tag.slug: tag for tag in self.filter(slug__in=missing)}
        return [found[tag_key(name)] for name in names]

    def named(self, name: str) -> models.QuerySet["Tag"]:
        """Keep the tag of this name, whatever its case."""
        # An address can hold what PostgreSQL refuses to look for.
        return self.none() if "\0" in name else self.filter(slug=tag_key(name))

    def counted_for(self, notes: "NoteQuerySet") -> models.QuerySet["Tag"]:
        """Keep the tags of these notes, each with `.uses`, in alphabetical order."""
        used = self.filter(uses_of__content_object__in=notes)
        counted: models.QuerySet[Tag] = used.annotate(uses=models.Count("uses_of"))
        return counted.order_by("slug")


class Tag(TagBase):  # type: ignore[misc]
    """A tag; `slug` is its identity (tag_key of the name), `name` as first typed."""

    slug = models.CharField(max_length=3 * LONGEST_TAG, unique=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = "tag"
        ordering = ["slug"]

    def slugify(self, tag: str, i: int | None = None) -> str:
        """Return the identity; django-taggit calls this when it makes a tag itself."""
        return tag_key(tag)

    def get_absolute_url(self) -> str:
        # Browsers take "." and ".." out of a path, however they are written.
        if {".", ".."} & set(self.name.split("/")):
            return f"{reverse('list')}?{urlencode({'tags': f'={self.name}'})}"
        return reverse("tag", args=[self.name])


class TagAlias(models.Model):
    """Another word for a tag: whoever types it gets the tag. slug is tag_key of name."""

    slug = models.CharField(max_length=3 * LONGEST_TAG, unique=True)
    name = models.CharField(max_length=LONGEST_TAG)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases")

    def __str__(self) -> str:
        return f"{self.name} → {self.tag}"


class NoteTag(ItemBase):  # type: ignore[misc]
    """A note carries a tag, at a place in its list of tags."""

    content_object = models.ForeignKey(
        "wiki.Note", on_delete=models.CASCADE, related_name="note_tags"
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="uses_of")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["content_object", "tag"], name="note_tag_once")
        ]
