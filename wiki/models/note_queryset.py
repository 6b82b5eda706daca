"""Notes as rows: who may read them, which fit a filter, in which order, with what loaded."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from wiki.analysis.terms import beginning
from wiki.fields import Fields
from wiki.markup import link_key
from wiki.models import bulk_insert, revision_save, search_index
from wiki.models.alias import Alias, known_to
from wiki.models.bulk_insert import Arrival
from wiki.models.edit import Edit
from wiki.models.link import Link
from wiki.models.revision import Revision
from wiki.models.tag import NoteTag, tag_key
from wiki.models.tag_alias import TagAlias
from wiki.models.visibility import Visibility
from wiki.reader import Reader

if TYPE_CHECKING:
    from wiki.models.note import Note

# How the import_key of a note begins that came with a new notebook.
SAMPLE = "sample:"


@dataclass(frozen=True)
class Scope:
    """What visible_to knows of a queryset, for whoever searches it.

    audiences: the postings of which readers count; None for all. conditions: how many there
    were then; more of them narrow the notes further.
    """

    audiences: tuple[int, ...] | None
    conditions: int


class NoteQuerySet(models.QuerySet["Note"]):
    """Notes as rows; every page, count and search starts at visible_to.

    reader: for whom they were kept, and whose words for tags count; None for nobody.
    """

    scope: Scope | None = None
    reader: Any = None

    def _clone(self) -> "NoteQuerySet":
        clone: NoteQuerySet = super()._clone()  # type: ignore[misc]
        clone.scope, clone.reader = self.scope, self.reader
        return clone

    def visible_to(self, user: Reader) -> "NoteQuerySet":
        """Keep the notes user may read: public ones, and all of their own."""
        was_narrow = bool(self.query.where)
        kept = self.filter(deleted__isnull=True)
        audiences: tuple[int, ...] | None = None
        if not user.is_superuser:
            public = Q(visibility=Visibility.PUBLIC)
            kept = kept.filter(public | Q(owner=user) if user.is_authenticated else public)
            own = (user.pk,) if user.is_authenticated else ()
            audiences = (search_index.EVERYONE, *own)
        conditions = 0 if was_narrow else len(kept.query.where.children)
        kept.scope, kept.reader = Scope(audiences, conditions), user
        return kept

    @property
    def is_narrowed(self) -> bool:
        """Tell whether these are fewer than all notes a reader may read."""
        assert self.scope is not None, "a search starts at visible_to"
        return len(self.query.where.children) != self.scope.conditions

    def editable_by(self, user: Reader) -> "NoteQuerySet":
        """Keep the notes user may write: their own; a superuser, all."""
        if not user.is_authenticated:
            return self.none()
        alive = self.filter(deleted__isnull=True)
        alive.reader = user
        return alive if user.is_superuser else alive.filter(owner=user)

    def in_trash_of(self, user: Reader) -> "NoteQuerySet":
        """Keep the deleted notes user may bring back, last deleted first."""
        if not user.is_authenticated:
            return self.none()
        gone = self.filter(deleted__isnull=False).order_by("-deleted")
        return gone if user.is_superuser else gone.filter(owner=user)

    def samples(self) -> "NoteQuerySet":
        """Keep the notes that came with the notebook."""
        return self.filter(import_key__startswith=SAMPLE)

    def as_imported(self) -> "NoteQuerySet":
        """Keep the notes nobody has edited since they were imported."""
        return self.filter(head__source=Revision.Source.IMPORT)

    @transaction.atomic
    def change_each(self, change: Callable[["Note"], None]) -> int:
        """Change all of these notes or none; returns how many. Holds their rows."""
        notes = list(self.order_by("pid").select_for_update(of=("self",)))
        for note in notes:
            change(note)
        return len(notes)

    def containing(self, text: str) -> "NoteQuerySet":
        """Keep notes in whose title or text every one of these words occurs, or begins a word."""
        words = text.split()
        asked = " & ".join(filter(None, map(beginning, words)))
        kept = self.filter(words__words__fits=asked) if asked else self
        for word in words:
            # The index knows words only; signs are looked for in the texts.
            if not any(letter.isalnum() for letter in word):
                said = Q(title__icontains=word) | Q(shown__icontains=word)
                kept = kept.with_shown_text().filter(said)
        return kept

    def with_shown_text(self) -> "NoteQuerySet":
        """Keep notes with words; filters may ask for `shown`, the text as readers see it."""
        indexed = self.filter(words__isnull=False)
        return indexed.alias(shown=Coalesce("words__shown", "head__body"))

    def tagged(self, words: str) -> "NoteQuerySet":
        """Keep notes whose tags fit every word.

        A word fits the start of any `_`-separated part of a tag, whatever the case;
        `=word` fits a whole tag only, and `-word` keeps the notes without such a tag. Another
        word for a tag, if the reader may know it, fits that tag; one query finds these.
        """
        kept = self
        keys = [tag_key(word.lstrip("-=")) for word in words.split()]
        meant = self._resolve_tag_aliases(keys)
        for word in words.split():
            unwanted, key = word.startswith("-"), tag_key(word.lstrip("-="))
            if not key:
                continue
            fits = Q(tag__slug=key)
            if not word.lstrip("-").startswith("="):
                fits = Q(tag__slug__startswith=key) | Q(tag__slug__contains=f"_{key}")
            if key in meant:
                fits |= Q(tag=meant[key])
            carrying = NoteTag.objects.filter(fits).values("content_object")
            kept = kept.exclude(pid__in=carrying) if unwanted else kept.filter(pid__in=carrying)
        return kept

    def _resolve_tag_aliases(self, words: Sequence[str]) -> dict[str, int]:
        if self.reader is None:
            return {}
        return TagAlias.objects.tags_of(words, self.model.objects.visible_to(self.reader))

    def chronological(self) -> "NoteQuerySet":
        """Order by the date of the first revision, newest first."""
        return self.order_by("-created", "-pid")

    def last_changed(self) -> "NoteQuerySet":
        """Order by the date of the head, newest first."""
        return self.order_by("-modified", "-pid")

    def cards(self) -> "NoteQuerySet":
        """Load what a page needs to show each note: two queries more, whatever the number."""
        return self.select_related("head", "owner").prefetch_related("note_tags")

    def with_numbers_for(self, user: Reader) -> "NoteQuerySet":
        """Tell each note, in the same query, which of its revisions user may not read."""
        if user.is_superuser:
            return self
        own = Q(note__owner=user) if user.is_authenticated else Q(pk__in=[])
        private = Revision.objects.filter(
            note=models.OuterRef("pid"), visibility=Visibility.PRIVATE
        ).exclude(own)
        return self.annotate(hidden_numbers=ArraySubquery(private.values("number")))

    def texts(self) -> "NoteQuerySet":
        """Load cards() and, in the same query, the HTML of each text."""
        return self.cards().select_related("html")

    def named(self, keys: Collection[str], reader: Reader) -> dict[str, "Note"]:
        """Find the note each link key leads to among these: pid and title, in one query.

        By its title, else by another name that reader may know; of equals the oldest.
        """
        if not keys:
            return {}
        by_title = self.filter(title_key__in=keys).annotate(key=F("title_key"), rank=Value(0))
        by_alias = self.filter(known_to(reader, "aliases__"), aliases__key__in=keys)
        by_alias = by_alias.annotate(key=F("aliases__key"), rank=Value(1))
        columns = ("rank", "pid", "key", "title")
        found = by_title.values_list(*columns).union(by_alias.values_list(*columns), all=True)
        return {
            key: self.model(pid=pid, title=title)
            for _, pid, key, title in sorted(found, reverse=True)
        }

    def linking_to(self, note: "Note", reader: Reader) -> "NoteQuerySet":
        """Keep the others of these notes with a link that leads reader to this note.

        Makes two queries, for the names under which links lead to it.
        """
        names = [note.title_key, *note.aliases.known_to(reader).values_list("key", flat=True)]
        leading = [key for key, found in self.named(names, reader).items() if found == note]
        linking = Link.objects.filter(key__in=leading).values("note")
        return self.filter(pid__in=linking).exclude(pid=note.pid)

    def nobody_links_to(self, reader: Reader) -> "NoteQuerySet":
        """Keep the notes to which no link of another leads reader; among all they may read.

        `.has_links` tells whether a note itself names others.
        """
        older = self.filter(title_key=OuterRef("title_key"), pid__lt=OuterRef("pid"))
        by_title = Link.objects.filter(key=OuterRef("title_key"), note__in=self)
        titled = self.filter(Exists(by_title.exclude(note=OuterRef("pid"))), ~Exists(older))
        names = Alias.objects.known_to(reader).filter(note__in=self)
        by_name = Link.objects.filter(key=OuterRef("key"), note__in=self)
        called = names.filter(
            Exists(by_name.exclude(note=OuterRef("note"))),
            ~Exists(self.filter(title_key=OuterRef("key"))),
            ~Exists(names.filter(key=OuterRef("key"), note__lt=OuterRef("note"))),
        )
        alone = self.values("pid").difference(titled.values("pid"), called.values("note"))
        has_links = Exists(Link.objects.filter(note=OuterRef("pid")))
        return self.filter(pid__in=alone).annotate(has_links=has_links)

    def namesakes(self, title: str, pid: int) -> "NoteQuerySet":
        """Keep the notes of this title but for pid (0: none), the oldest first."""
        return self.filter(title_key=link_key(title)).exclude(pid=pid).order_by("pid")

    def write(
        self,
        fields: Fields,
        *,
        owner: User,
        summary: str = "",
        submission: uuid.UUID | None = None,
    ) -> "Note":
        """Save a new note as its revision 0; the same submission twice is one note."""
        edit = Edit(fields, owner, summary=summary, submission=submission)
        return revision_save.create(self.model, edit)

    def import_batch(self, arrivals: Sequence[Arrival]) -> None:
        """Insert the notes that an import brings, all or none; they are complete afterwards."""
        bulk_insert.insert(arrivals)
