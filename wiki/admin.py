"""The Django admin: accounts, tags, and a look at the rows. Notes are written in the site.

Superusers see everything. Other staff, with a permission to view such rows, see what they
could read in the site.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from taggit.models import Tag as UnusedTag

from wiki.markup import as_read
from wiki.models import Note, Revision, Tag, TagChange
from wiki.reader import Reader

# django-taggit's own tags; ours are wiki.models.Tag.
admin.site.unregister(UnusedTag)
admin.site.site_header = admin.site.site_title = "Commonplace"


def _person(request: HttpRequest) -> User:
    """Return who acts: the admin lets nobody in without an account."""
    assert isinstance(request.user, User)
    return request.user


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to look at: the rules for changing them are methods of the models."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows this person may look at."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else self.readable(rows, request.user)

    def readable(self, rows: Any, user: Reader) -> QuerySet[Any]:
        """Keep what user, who is no superuser, may read; nothing unless a subclass knows."""
        return rows.none()  # type: ignore[no-any-return]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    """Notes by number, newest first."""

    list_display = ["pid", "title", "owner", "type", "visibility", "modified", "deleted"]
    list_filter = ["visibility", "type"]
    list_select_related = ["owner"]
    search_fields = ["title"]
    ordering = ["-pid"]
    exclude = ["tags"]

    def readable(self, rows: Any, user: Reader) -> QuerySet[Any]:
        return rows.visible_to(user)  # type: ignore[no-any-return]


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Revisions, without their texts in the list."""

    list_display = ["__str__", "title", "author_name", "created", "source", "visibility"]
    list_filter = ["source"]
    ordering = ["-pk"]

    @admin.display(description="body")
    def text_as_read(self, revision: Revision) -> str:
        """Return the text without what its writer hid."""
        return as_read(revision.body or "")

    def get_fields(self, request: HttpRequest, obj: Revision | None = None) -> Any:
        """Show the whole text to who may edit the note, and to others what readers see."""
        may_edit = obj is not None and obj.note.may_be_edited_by(request.user)
        shown = "body" if may_edit else "text_as_read"
        return [shown if name == "body" else name for name in super().get_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Revision | None = None) -> Any:
        return ["text_as_read"]

    def readable(self, rows: Any, user: Reader) -> QuerySet[Any]:
        return rows.visible_to(user)  # type: ignore[no-any-return]


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    """Tags by what they are whatever their case; each note spells them itself."""

    list_display = ["slug", "tidy"]
    search_fields = ["slug"]
    actions = ["take_away"]

    @admin.display(description="rename, merge, alias")
    def tidy(self, tag: Tag) -> str:
        """Lead to the page of the site that does it."""
        query = urlencode({"tag": tag.slug})
        return format_html('<a href="{}?{}">in the site</a>', reverse("tidy_tag"), query)

    @admin.action(description="Take these tags away from all notes", permissions=["tidy"])
    def take_away(self, request: HttpRequest, tags: Any) -> None:
        """Take tags away; each is a change of its own, which can be undone."""
        for tag in tags:
            TagChange.objects.rename(tag.slug, "", author=_person(request))

    def has_tidy_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def readable(self, rows: Any, user: Reader) -> QuerySet[Any]:
        return rows.counted_for(Note.objects.visible_to(user))  # type: ignore[no-any-return]


@admin.register(TagChange)
class TagChangeAdmin(ReadOnlyAdmin):
    """Renamed, merged and deleted tags; an action takes a change back."""

    list_display = ["__str__", "author", "created", "undoes"]
    list_select_related = ["author", "undoes"]
    actions = ["undo"]

    @admin.action(description="Undo these changes", permissions=["undo"])
    def undo(self, request: HttpRequest, changes: Any) -> None:
        """Take changes back, the newest first; one that was undone already is left alone."""
        for change in changes.filter(undone_by__isnull=True).order_by("-pk"):
            TagChange.objects.undo(change, author=_person(request))

    def has_undo_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)
