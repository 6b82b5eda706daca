"""Other words for tags: whoever types one gets the tag, if they may know of it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from wiki.models.tag import MAX_TAG_LENGTH, NoteTag, Tag, each_once, spelling_in, tag_key
from wiki.models.visibility import Visibility

if TYPE_CHECKING:
    from wiki.models.note_queryset import NoteQuerySet


class TagAliasQuerySet(models.QuerySet["TagAlias"]):
    """Other words as rows."""

    def known_in(self, notes: "NoteQuerySet") -> "TagAliasQuerySet":
        """Keep the words that the reader of these notes may know, the one that counts first.

        notes: all that this reader may read. A word is known to whoever made it, and to whoever
        may read a note with its tag: one of its maker's, if the tag was private when it was
        made. Of one word's rows the reader's own counts, else the oldest.
        """
        carried = NoteTag.objects.filter(tag=OuterRef("tag"), content_object__in=notes)
        of_maker = carried.filter(content_object__owner=OuterRef("author"))
        known = Q(Exists(of_maker)) | Q(Exists(carried), is_public=True)
        own = Q(author=notes.reader.pk)  # nobody's key is None
        return self.filter(known | own).order_by(
            models.Case(models.When(own, then=0), default=1), "pk"
        )

    def tags_of(self, words: Iterable[str], notes: "NoteQuerySet") -> dict[str, int]:
        """Map the key of each word that is known in these notes to its tag's. One query."""
        keys = {tag_key(word) for word in words}
        found = self.filter(slug__in=keys).known_in(notes) if keys else self.none()
        return dict(reversed(list(found.values_list("slug", "tag"))))

    def meanings(self, names: Sequence[str], notes: "NoteQuerySet") -> dict[str, str]:
        """Map the key of each name to the name of the tag that their reader means. One query."""
        keys = {tag_key(name): name for name in reversed(names)}
        found = self.filter(slug__in=keys).known_in(notes) if keys else self.none()
        spelled = found.annotate(meant=Coalesce(spelling_in(notes, "tag"), F("tag__slug")))
        meant = dict(reversed(list(spelled.values_list("slug", "meant"))))
        return {key: meant.get(key, keys[key]) for key in map(tag_key, names)}

    def let_mean(self, word: str, tag: Tag, *, author: User | None) -> None:
        """Make the word lead to the tag, if it does not already."""
        uses = NoteTag.objects.filter(tag=tag, content_object__deleted=None)
        is_public = uses.filter(content_object__visibility=Visibility.PUBLIC).exists()
        said = {"name": word, "author": author, "is_public": is_public}
        self.get_or_create(slug=tag_key(word), tag=tag, defaults=said)

    def meant_by(self, names: Sequence[str], notes: "NoteQuerySet") -> list[str]:
        """Return the names of the tags that the reader of these notes means, each once."""
        return each_once(self.meanings(names, notes).values())


class TagAlias(models.Model):
    """Another word for a tag. slug is tag_key of name.

    is_public: everybody might know the tag when the word was made. Otherwise a reader who has
    the same tag would learn that its maker has it. Two people may mean two tags by one word, as
    long as neither may know of the other's.
    """

    slug = models.CharField(max_length=3 * MAX_TAG_LENGTH)
    name = models.CharField(max_length=MAX_TAG_LENGTH)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="aliases")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    is_public = models.BooleanField(default=True)

    objects = TagAliasQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slug", "tag"], name="tag_alias_once")]

    def __str__(self) -> str:
        return f"{self.name} → {self.tag}"


def typed_tags(names: Sequence[str], present: Iterable[str], notes: "NoteQuerySet") -> list[Any]:
    """Put the tag in the place of another word for it, where a word was typed just now.

    present: the tags that the note has already; they stay as they are.
    """
    known = {tag_key(name) for name in present}
    new = [name for name in names if tag_key(name) not in known]
    meant = TagAlias.objects.meanings(new, notes)
    return each_once(meant.get(tag_key(name), name) for name in names)
