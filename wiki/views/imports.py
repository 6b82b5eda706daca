"""Importing in the browser: upload a file, see a dry run, then import it."""

from contextlib import suppress
from typing import Any

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wiki.forms import ImportForm
from wiki.importers.uploads.upload_folder import CHECK, IMPORT, Busy, State, Upload, file_name
from wiki.reader import SignedInRequest

# In the order in which they are shown; zero counts are left out.
COUNTS = ("created", "updated", "unchanged", "skipped", "failed")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: SignedInRequest) -> HttpResponse:
    """How far the import is, and a form to begin one."""
    upload = Upload(request.user)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        options = dict(form.cleaned_data)
        file = options.pop("file")
        try:
            upload.receive(file.chunks(), State(file=file_name(file.name), **options))
            upload.start(CHECK)
        except Busy as busy:
            form.add_error(None, str(busy))
        else:
            return redirect("import")
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "wiki/import.html", _shown(upload, form), status=status)


@require_POST
def start(request: SignedInRequest) -> HttpResponse:
    """Import what was checked, or go on with what was interrupted."""
    upload = Upload(request.user)
    if not upload.exists() or not upload.read().may_start:
        raise Http404
    # Sent twice: the page shows how far the first one is.
    with suppress(Busy):
        upload.start(IMPORT)
    return redirect("import")


@require_POST
def cancel(request: SignedInRequest) -> HttpResponse:
    """Stop a run before its next notes; forget an upload that is not running."""
    upload = Upload(request.user)
    if not upload.exists():
        raise Http404
    if upload.read().is_active:
        upload.cancel()
    else:
        upload.discard()
    return redirect("import")


@require_safe
def report(request: SignedInRequest) -> HttpResponseBase:
    """What was said of each item, a line of JSON for each."""
    upload = Upload(request.user)
    if not upload.report.is_file():
        raise Http404
    reply = FileResponse(
        upload.report.open("rb"),
        as_attachment=True,
        filename="import-report.jsonl",
        content_type="application/x-ndjson",
    )
    reply["Cache-Control"] = "private, no-store"
    return reply


def _shown(upload: Upload, form: ImportForm) -> dict[str, Any]:
    if not upload.exists():
        return {"form": form}
    state = upload.read()
    counts = [(name, state.counts[name]) for name in COUNTS if state.counts.get(name)]
    has_report = not state.is_active and upload.report.is_file()
    return {"form": form, "state": state, "counts": counts, "has_report": has_report}
