"""The admin's site: Django's, but for what it would tell any staff of any row."""

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.views import shortcut
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver


class Site(AdminSite):
    """Leads from a row to its page, whatever the row is, for superusers alone."""

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return Django's addresses, one of them guarded."""
        urls = super().get_urls()
        for each in urls:
            if isinstance(each, URLPattern) and each.name == "view_on_site":
                each.callback = self.admin_view(view_on_site)
        return urls


def view_on_site(request: HttpRequest, content_type_id: int, object_id: str) -> HttpResponse:
    """Django's own asks nothing: the answer tells that there is a note, and how a tag is called."""
    if not request.user.is_superuser:
        raise Http404
    return shortcut(request, content_type_id, object_id)
