"""Tags: words without spaces, one identity whatever their case, spelled by each note itself."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Collate
from django.urls import reverse
from taggit.models import ItemBase, TagBase

MAX_TAG_LENGTH = 100
MAX_TAGS = 100


def tag_key(name: str) -> str:
    """Return the identity of a tag: equal for `AI` and `ai`.

    >>> tag_key("Quoc_Le")
    'quoc_le'
    """
    return unicodedata.normalize("NFC", name).casefold()


def each_once(names: Iterable[str]) -> list[str]:
    """Leave out what is another spelling of a tag before it.

    >>> each_once(["gMLP", "vision", "gmlp"])
    ['gMLP', 'vision']
    """
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(tag_key(name), name)
    return list(spelled.values())


def parse_tags(text: str) -> list[str]:
    """Split what a person typed at spaces; the first spelling of a repeated tag stays.

    Raises ValidationError when a tag is longer than MAX_TAG_LENGTH or there are more than
    MAX_TAGS of them.

    >>> parse_tags("symbolic  regression Quoc_Le quoc_le")
    ['symbolic', 'regression', 'Quoc_Le']
    """
    for name in text.split():
        if len(name) > MAX_TAG_LENGTH:
            raise ValidationError(
                f"The tag “{name[:30]}…” has {len(name)} characters; a tag has at most "
                f"{MAX_TAG_LENGTH}. Put a space between two tags."
            )
    names = each_once(text.split())
    if len(names) > MAX_TAGS:
        raise ValidationError(
            f"These are {len(names)} tags; a note has at most {MAX_TAGS}. Remove some."
        )
    return names


def join_tags(tags: Iterable[Any]) -> str:
    """Write tags as parse_tags reads them."""
    return " ".join(str(tag) for tag in tags)


def tag_address(name: str) -> str:
    """Return the address of a tag's page."""
    # Browsers take "." and ".." out of a path, however they are written.
    if {".", ".."} & set(name.split("/")):
        return f"{reverse('list')}?{urlencode({'tags': f'={name}'})}"
    return reverse("tag", args=[name])


class Spelling(models.Aggregate):
    """The spelling that most rows have; of equally many the first by its letters."""

    template = "mode() WITHIN GROUP (ORDER BY %(expressions)s)"
    arity = 1

    def __init__(self, column: str, **extra: Any) -> None:
        super().__init__(Collate(column, "C"), output_field=models.CharField(), **extra)


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags as rows."""

    def called(self, names: Sequence[str]) -> list["Tag"]:
        """Return the tags of just these names in their order, making those that are new.

        Rows are inserted in the order of their key, so that two savers who need the same
        new tags wait for each other and never in a circle. At most three queries.
        """
        keys = [tag_key(name) for name in names]
        found = {tag.slug: tag for tag in self.filter(slug__in=keys)}
        missing = sorted(set(keys) - set(found))
        if missing:
            self.bulk_create([Tag(slug=key) for key in missing], ignore_conflicts=True)
            found |= {tag.slug: tag for tag in self.filter(slug__in=missing)}
        return [found[key] for key in keys]

    def named(self, name: str) -> "TagQuerySet":
        """Keep the tag of this name, whatever its case."""
        # An address can hold what PostgreSQL refuses to look for.
        return self.none() if "\0" in name else self.filter(slug=tag_key(name))

    def counted_for(self, notes: models.QuerySet[Any]) -> "TagQuerySet":
        """Keep the tags of these notes, each with `.uses` and `.name`, in alphabetical order.

        The name is spelled as most of these notes spell it: no other note has a say.
        """
        used = self.filter(uses_of__content_object__in=notes)
        counted: TagQuerySet = used.annotate(
            uses=models.Count("uses_of"), name=Spelling("uses_of__name")
        )
        return counted.order_by("slug")

    def spelled_for(self, notes: models.QuerySet[Any]) -> "TagQuerySet":
        """Give each tag its `.name` as counted_for() does, without counting; keep all."""
        spelled: TagQuerySet = self.annotate(name=spelling_in(notes, "pk"))
        return spelled


class Tag(TagBase):  # type: ignore[misc]
    """A tag: its identity, which is tag_key of all its spellings.

    The row belongs to everybody whose notes have the tag, so it holds no spelling: that would
    be somebody's, and could tell others of a note that they may not read. `.name` is what a
    query spells for one reader.
    """

    name: Any = None
    slug = models.CharField(max_length=3 * MAX_TAG_LENGTH, unique=True)

    natural_key_fields = ["slug"]  # noqa: RUF012  # of django-taggit
    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = "tag"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        return tag_address(str(self))


class NoteTag(ItemBase):  # type: ignore[misc]
    """A note carries a tag, spelled `name` there, at a place in its list of tags."""

    content_object = models.ForeignKey(
        "wiki.Note", on_delete=models.CASCADE, related_name="note_tags"
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="uses_of")
    name = models.CharField(max_length=MAX_TAG_LENGTH)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["content_object", "tag"], name="note_tag_once")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return tag_address(self.name)


def spelling_in(notes: models.QuerySet[Any], tag: str) -> models.Subquery:
    """Return how most of these notes spell a tag, whose key is the outer column `tag`."""
    uses = NoteTag.objects.filter(tag=models.OuterRef(tag), content_object__in=notes)
    spelled = uses.order_by().values("tag").annotate(spelled=Spelling("name"))
    return models.Subquery(spelled.values("spelled"))
