"""Recent changes: what was saved lately in all notes."""

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wiki.models import Revision

PER_PAGE = 50
MAX_CHANGES = 5_000  # so that no page has to count or to pass over all there is


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Saved revisions the reader may read, of notes the reader may read, newest first.

    Older ones than the last MAX_CHANGES stand in the history of their note.
    """
    saved = Revision.objects.visible_to(request.user).saved()
    page = Paginator(saved.latest_keys(MAX_CHANGES), PER_PAGE).get_page(request.GET.get("page"))
    # What each is compared with is asked for these few alone: for all it takes 0.3 s of 90,000.
    shown = Revision.objects.filter(pk__in=list(page.object_list)).compared_by(request.user)
    by_key = {revision.pk: revision for revision in shown}
    context = {
        "page": page,
        "revisions": [by_key[pk] for pk in page.object_list if pk in by_key],
        "is_cut": page.paginator.count == MAX_CHANGES,
    }
    return render(request, "wiki/changes.html", context)
