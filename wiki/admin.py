"""The Django admin: accounts, tags, and a look at the rows. Notes are written in the site."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from wiki.models import Note, Revision, Tag, TagChange

admin.site.site_header = admin.site.site_title = "Commonplace"


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to look at: the rules for changing them are methods of the models."""

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


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Revisions, without their texts in the list."""

    list_display = ["__str__", "title", "author_name", "created", "source", "visibility"]
    list_filter = ["source"]
    ordering = ["-pk"]


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    """Tags as first typed."""

    list_display = ["name", "slug"]
    search_fields = ["slug"]


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
            TagChange.objects.undo(change, author=request.user)

    def has_undo_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)
