"""Aliases: what a note is called besides its title."""

from django.db import models
from django.db.models import Q

from wiki.markup import link_key
from wiki.models.note_row import NoteRow
from wiki.models.revision import Revision
from wiki.models.visibility import Visibility
from wiki.reader import Reader


class AliasQuerySet(models.QuerySet["Alias"]):
    """Aliases of many notes."""

    def known_to(self, reader: Reader) -> "AliasQuerySet":
        """Keep the aliases that lead reader to their note, if they may read it."""
        return self.filter(known_to(reader))

    def remember_titles(self, note: NoteRow) -> None:
        """Let the titles of earlier revisions lead to the note; two or three queries.

        A title that every revision with it kept private leads there for the owner alone.
        The caller holds the note row.
        """
        titles: dict[str, str] = {}
        earlier = (
            Revision.objects.filter(note=note.pid)
            .exclude(title=note.title)
            .values_list("title", "visibility")
        )
        for title, visibility in earlier.distinct():
            key = link_key(title)
            if visibility == Visibility.PUBLIC or key not in titles:
                titles[key] = visibility
        titles.pop(note.title_key, None)
        titles.pop("", None)  # of a revision of which only its number is known
        rows = [
            Alias(note_id=note.pid, key=key, kind=Alias.Kind.TITLE, visibility=visibility)
            for key, visibility in sorted(titles.items())
        ]
        self.bulk_create(rows, ignore_conflicts=True)
        public = [row.key for row in rows if row.visibility == Visibility.PUBLIC]
        self.filter(note=note.pid, key__in=public).update(visibility=Visibility.PUBLIC)


class Alias(models.Model):
    """A further name that links to a note may use; key is link_key of it.

    kind: a title it had before, a name its front matter gave it, or the path of the file it
    came from (without ending, and the last part of it alone). A title it had while it was
    private is of private visibility: it leads to the note for its owner only.
    """

    class Kind(models.TextChoices):
        TITLE = "title"
        ALIAS = "alias"
        FILE = "file"

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="aliases")
    key = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)

    objects = AliasQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "key"], name="alias_once")]
        indexes = [
            # Wikilinks on a page: which notes have these names?
            models.Index(fields=["key"], name="alias_by_key"),
        ]

    def __str__(self) -> str:
        return f"[[{self.key}]] → {self.note_id}"


def known_to(reader: Reader, prefix: str = "") -> Q:
    """Return the condition that reader may know an alias; prefix leads to it from another row."""
    if reader.is_superuser:
        return Q()
    public = Q(**{f"{prefix}visibility": Visibility.PUBLIC})
    return public | Q(**{f"{prefix}note__owner": reader}) if reader.is_authenticated else public
