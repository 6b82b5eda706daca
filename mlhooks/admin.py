"""Jobs in Django's admin: to look at, not to change."""

from django.contrib import admin
from django.http import HttpRequest

from mlhooks.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["id", "kind", "key", "queue", "state", "attempt", "created_at", "finished_at"]
    list_filter = ["state", "kind", "queue"]
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False
