"""The columns of a note: what modules that stand below Note need of one."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone

from wiki.markup import link_key
from wiki.models.visibility import NoteType, Visibility

if TYPE_CHECKING:
    from wiki.models.revision import Revision


def not_ahead(moment: datetime) -> datetime:
    """Return where a date stands among others: one in the future is as good as none, so now."""
    return min(moment, timezone.now())


class NoteRow(models.Model):
    """The columns of a note. They repeat the head's fields so that lists need no text.

    pid is the number readers see, `{1569}`; legacy_pid one that an import brought and that
    was already taken. `created` is the earliest date known, `modified` the head's;
    neither lies ahead when it is set: what says so is placed when it came.
    import_key names the entry a note was imported from, import_sha256 is what that entry
    said then; a note written here has neither. extra is what that entry said for which a note
    has no place; an export gives it back.
    """

    pid = models.BigAutoField(primary_key=True)
    legacy_pid = models.BigIntegerField(null=True, blank=True, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes"
    )
    head = models.OneToOneField(
        "wiki.Revision", null=True, on_delete=models.RESTRICT, related_name="head_of"
    )
    title = models.TextField()
    title_key = models.TextField(editable=False)
    ref = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=20, choices=NoteType, default=NoteType.NOTE)
    visibility = models.CharField(max_length=10, choices=Visibility)
    created = models.DateTimeField(editable=False)
    modified = models.DateTimeField(editable=False)
    deleted = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    import_key = models.TextField(null=True, blank=True, editable=False)
    import_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def head_revision(self) -> "Revision":
        """Return the head of a note that was saved; one that is just being inserted has none."""
        assert self.head is not None
        return self.head

    @property
    def is_public(self) -> bool:
        return self.visibility == Visibility.PUBLIC

    @property
    def folder(self) -> str:
        """Return the folder of the file it came from, which its relative links start at."""
        kind, _, place = (self.import_key or "").partition(":")
        return place.partition("/")[2].rpartition("/")[0] if kind == "vault" else ""

    def show(self, revision: "Revision") -> None:
        """Set the columns that repeat the head; the caller saves."""
        self.head = revision
        self.title, self.title_key = revision.title, link_key(revision.title)
        self.ref, self.type = revision.ref, revision.type
        self.visibility, self.modified = revision.visibility, not_ahead(revision.created)
