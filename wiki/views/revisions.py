"""The past of a note: its revisions, what changed between two, and bringing one back."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from wiki import access
from wiki.diffing.compare import diff_lines
from wiki.diffing.inline import Mark, count_words, marked_line, stretches
from wiki.markup import as_read
from wiki.models import Revision, RevisionFile
from wiki.models.tag import join_tags
from wiki.reader import SignedInRequest
from wiki.rendering import sandbox
from wiki.views.cards import fill

PER_PAGE = 100


@login_not_required
@require_safe
def history(request: HttpRequest, pid: int) -> HttpResponse:
    """All revisions the reader may read, newest first; two picked ones are compared."""
    note = access.readable_note(request.user, pid)
    picked = [request.GET.get(name, "") for name in ("from", "to")]
    if all(number.isdecimal() and len(number) < 10 for number in picked):
        return redirect("diff", pid, *map(int, picked))
    revisions = note.revisions.visible_to(request.user).newest_first().listed()
    page = Paginator(revisions, PER_PAGE).get_page(request.GET.get("page"))
    # A hash covers comments too, so a guess at one could be tried against it.
    context = {"note": note, "page": page, "may_edit": note.may_be_edited_by(request.user)}
    return render(request, "wiki/history.html", context)


@login_not_required
@require_safe
def show(request: HttpRequest, pid: int, number: int) -> HttpResponse:
    """One revision, read-only."""
    note = access.readable_note(request.user, pid)
    revision = access.readable_revision(request.user, note, number)
    rendered = sandbox.render_for_reading(revision.body or "")
    shown = RevisionFile.objects.named_in({revision.pk: rendered.attachment_keys()})
    files = {0: shown.get(revision.pk, {})}
    context = {
        "note": note,
        "revision": revision,
        "html": fill(request, {0: rendered}, {0: note.folder}, files)[0],
        "notice": rendered.notice,
        "may_edit": note.may_be_edited_by(request.user),
    }
    return render(request, "wiki/revision.html", context)


@login_not_required
@require_safe
def compare(request: HttpRequest, pid: int, old: int, new: int) -> HttpResponse:
    """What changed from one revision to another."""
    note = access.readable_note(request.user, pid)
    before = access.readable_revision(request.user, note, old)
    after = access.readable_revision(request.user, note, new)
    older, newer = sorted((before, after), key=lambda revision: revision.number)
    context: dict[str, Any] = {
        "note": note,
        "before": before,
        "after": after,
        "older": older,
        "newer": newer,
        "step_back": note.number_before(older.number),
        "step_on": note.number_after(newer.number),
        "may_edit": note.may_be_edited_by(request.user),
    }
    if not (before.is_missing or after.is_missing):
        context |= _changes(before, after, may_edit=context["may_edit"])
    return render(request, "wiki/diff.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: SignedInRequest, pid: int, number: int) -> HttpResponse:
    """Ask, then make an old revision the new head; nothing is deleted."""
    note = access.editable_note(request.user, pid)
    revision = access.readable_revision(request.user, note, number)
    if revision.is_missing:
        raise Http404
    if request.method == "POST":
        note.restore(number, author=request.user)
        return redirect(note)
    publishes = note.is_public and revision.visibility != note.visibility
    context = {"note": note, "revision": revision, "publishes": publishes}
    return render(request, "wiki/restore.html", context)


def _changes(before: Revision, after: Revision, *, may_edit: bool) -> dict[str, Any]:
    """Compare two revisions: of what their writers hid, only for who may edit the note."""
    texts = (before.body or "", after.body or "")
    diff = diff_lines(*(texts if may_edit else map(as_read, texts)))
    shown = stretches(diff.hunks)
    return {
        "diff": diff,
        "stretches": shown,
        "words_added": count_words(shown, "come"),
        "words_removed": count_words(shown, "gone"),
        "changed_fields": _changed_fields(before, after),
    }


def _changed_fields(before: Revision, after: Revision) -> list[tuple[str, tuple[Mark, ...]]]:
    """Return (name, what changed in it) for each field beside the text that differs."""
    pairs = [
        (name, str(getattr(before, name)), str(getattr(after, name)))
        for name in ("title", "ref", "type", "visibility")
    ]
    pairs.append(("tags", join_tags(before.tags), join_tags(after.tags)))
    return [(name, marked_line(old, new)) for name, old, new in pairs if old != new]
