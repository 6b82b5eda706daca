"""The URLs of the site; docs/map.md has a table of what each shows."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from wiki.views import (
    account,
    bulk_edit,
    changes,
    errors,
    feed,
    files,
    health,
    imports,
    legacy,
    links,
    notes,
    revisions,
    samples,
    search,
    suggest,
    tag_changes,
    tags,
    trash,
    uploads,
)

note_urls = [
    path("", notes.show, name="note"),
    path("edit/", notes.edit, name="edit"),
    path("print/", notes.print_one, name="print"),
    path("raw/", notes.raw, name="raw"),
    path("delete/", trash.delete, name="delete"),
    path("undelete/", trash.undelete, name="undelete"),
    path("history/", revisions.history, name="history"),
    path("r/<int:number>/", revisions.show, name="revision"),
    path("diff/<int:old>/<int:new>/", revisions.compare, name="diff"),
    path("files/", uploads.note_files, name="note_files"),
    path("files/<int:number>/remove/", uploads.remove, name="remove_file"),
    path("restore/<int:number>/", revisions.restore, name="restore"),
]

account_urls = [
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("sign-in/<str:token>/", account.sign_in, name="sign_in"),
    path("account/", account.show, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/sessions/", account.end_sessions, name="end_sessions"),
    # Before the admin's own: one login, with one lockout, and one logout for the whole site.
    path("admin/login/", account.admin_login),
    path("admin/logout/", account.logout),
]

urlpatterns = [
    path("", notes.index, name="list"),
    path("notes/new/", notes.new, name="new"),
    path("notes/change/", bulk_edit.change, name="change_notes"),
    path("notes/new/files/", uploads.new_note_files, name="new_files"),
    path("notes/preview/", notes.preview, name="preview"),
    path("notes/<int:pid>/", include(note_urls)),
    path("files/<int:pid>_<int:number>.<slug:extension>", files.show, name="file"),
    path("files/<int:pid>_<int:number>_thumb.<slug:extension>", files.thumbnail, name="thumbnail"),
    path("files/<uuid:token>.<slug:extension>", files.uploaded, name="uploaded"),
    path("import/", imports.index, name="import"),
    path("import/start/", imports.start, name="start_import"),
    path("import/cancel/", imports.cancel, name="cancel_import"),
    path("import/report/", imports.report, name="import_report"),
    path("print/", notes.print_list, name="print_list"),
    path("changes/", changes.index, name="changes"),
    path("trash/", trash.index, name="trash"),
    path("samples/remove/", samples.remove, name="remove_samples"),
    path("samples/undelete/", samples.undelete, name="undelete_samples"),
    path("tidying/", tag_changes.index, name="tidying"),
    path("tidying/tag/", tag_changes.edit_tag, name="tidy_tag"),
    path("tidying/differ/", tag_changes.mark_different, name="tags_differ"),
    path("tidying/<str:kind>/<int:number>/undo/", tag_changes.undo, name="undo_tidying"),
    path("search/", search.index, name="search"),
    path("tags/", tags.index, name="tags"),
    path("tags/<path:name>/", tags.show, name="tag"),
    path("suggest/", suggest.index, name="suggest"),
    path("links/", links.index, name="links"),
    path("links/orphans/", links.orphans, name="orphans"),
    path("feed.atom", feed.atom, name="feed"),
    path("index.pl", legacy.index_pl, name="legacy"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", health.favicon),
    *account_urls,
    path("admin/", admin.site.urls),
    *(path("", include(f"{app}.urls")) for app in settings.ML_APPS),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
