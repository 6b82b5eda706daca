"""Reading and writing notes."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wiki import access
from wiki.forms import PID, EditForm, NoteForm, form_values
from wiki.markup import as_read
from wiki.markup.comments import comments
from wiki.models import (
    EditConflict,
    Note,
    Revision,
    SubmissionUsed,
    UndecidedPlaces,
    attachment_upload,
)
from wiki.reader import SignedInRequest
from wiki.rendering import sandbox
from wiki.views.cards import cards, fill, whole_card
from wiki.views.conflicts import conflict_page, taken_page, undecided_page
from wiki.views.lists import list_context


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The list: whole notes, newest first, filtered by text, tags and type."""
    samples = Note.objects.editable_by(request.user).samples().as_imported().count()
    choosing = request.user.is_authenticated and "choose" in request.GET
    more = {"samples": samples, "choosing": choosing}
    return render(request, "wiki/list.html", {**list_context(request), **more})


@login_not_required
@require_safe
def print_list(request: HttpRequest) -> HttpResponse:
    """The current list without controls, for paper."""
    return render(request, "wiki/print.html", list_context(request))


@login_not_required
@require_safe
def show(request: HttpRequest, pid: int) -> HttpResponse:
    """One note."""
    try:
        note = access.readable_note(request.user, pid, with_text=True)
    except Http404:
        # Whoever deleted it gets it back where they look for it.
        trashed = access.trashed_note(request.user, pid)
        return render(request, "wiki/trashed.html", {"note": trashed}, status=404)
    return render(request, "wiki/note.html", {"card": whole_card(request, note)})


@login_not_required
@require_safe
def print_one(request: HttpRequest, pid: int) -> HttpResponse:
    """One note without controls, for paper."""
    note = access.readable_note(request.user, pid, with_text=True)
    return render(request, "wiki/print.html", {"cards": cards(request, [note])})


@login_not_required
@require_safe
def raw(request: HttpRequest, pid: int) -> HttpResponse:
    """The text as it was typed; for who may not edit it, without what its writer hid."""
    note = access.readable_note(request.user, pid)
    body = note.head_revision.body or ""
    shown = body if note.may_be_edited_by(request.user) else as_read(body)
    return HttpResponse(shown, content_type="text/plain; charset=utf-8")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest) -> HttpResponse:
    """Write a note."""
    form = NoteForm(
        request.POST or None,
        initial={
            "visibility": settings.WIKI_DEFAULT_VISIBILITY,
            "title": request.GET.get("title", ""),
            "tags": request.GET.get("tags", ""),
        },
    )
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        try:
            note = Note.objects.write(
                form.typed(),
                owner=request.user,
                summary=form.cleaned_data["summary"],
                submission=form.cleaned_data["submission"],
            )
        except SubmissionUsed as used:
            return _already_used(request, form, used, {"heading": "new entry"})
        _report_namesake(request, note)
        return _after_save(request, note)
    return _editor(request, form, {"heading": "new entry"})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, pid: int) -> HttpResponse:
    """Edit a note from the revision the form was opened at."""
    note = access.editable_note(request.user, pid)
    form = EditForm(
        request.POST or None,
        initial={**form_values(note.current_fields()), "base": note.head_revision.number},
    )
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        if "take" in request.POST:
            return taken_page(request, note, form)
        try:
            revision = note.save_revision(
                form.typed(),
                base=form.cleaned_data["base"],
                author=request.user,
                summary=form.cleaned_data["summary"],
                submission=form.cleaned_data["submission"],
            )
        except EditConflict as conflict:
            return conflict_page(request, conflict)
        except UndecidedPlaces:
            return undecided_page(request, note, form)
        except SubmissionUsed as used:
            return _already_used(request, form, used, {"heading": f"edit {{{pid}}}", "note": note})
        _report_merge(request, revision, form.cleaned_data["base"])
        if revision.title != note.title:
            _report_namesake(request, revision.note)
        return _after_save(request, note)
    return _editor(request, form, {"heading": f"edit {{{pid}}}", "note": note})


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The typed text as it will be shown; a fragment."""
    title, body = request.POST.get("title", ""), request.POST.get("body", "")
    if "\0" in title:
        # No database can look for it. In the text CommonMark puts another sign in its place
        # (2.3); saving refuses both.
        context = {"preview": "", "notice": "A sign in this is no text. Take it out, and go on."}
        return render(request, "wiki/_preview.html", context, status=422)
    body = body.replace("\0", "\ufffd")
    pid = request.POST.get("note", "")
    note = (
        Note.objects.visible_to(request.user).filter(pid=pid).first()
        if PID.fullmatch(pid)
        else None
    )
    try:
        submission = uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        submission = None
    context = _previewed(request, title, body, submission, note)
    return render(request, "wiki/_preview.html", context)


def _after_save(request: HttpRequest, note: Note) -> HttpResponse:
    """Redirect to the note; with `Prefer: return=minimal` (RFC 7240) answer its address alone.

    A script that followed the redirect would have the page rendered twice.
    """
    if request.headers.get("Prefer") != "return=minimal":
        return redirect(note)
    return HttpResponse(status=204, headers={"Location": note.get_absolute_url()})


def _report_merge(request: HttpRequest, revision: Revision, base: int) -> None:
    """Tell the author that others saved since `base`, with a link to their changes."""
    # Saving nothing new gives the head back, which others may have merged long ago.
    if revision.source == Revision.Source.MERGE and revision.number > base + 1:
        messages.info(
            request,
            format_html(
                "Others saved while you wrote: revision {} holds"
                ' <a href="{}">their changes and yours</a>.',
                revision.number,
                reverse("diff", args=[revision.note_id, base, revision.number]),
            ),
        )


def _report_namesake(request: HttpRequest, note: Note) -> None:
    """Warn that another note has the same title, and say to which of them links lead."""
    same = Note.objects.visible_to(request.user).namesakes(note.title, note.pid)
    other = same.only("pid", "title").first()
    if other is not None:
        messages.warning(
            request,
            format_html(
                '<a href="{}">{{{}}} {}</a> has this title too. Links by the title lead to the'
                " older note, {{{}}}; with another title this one can be linked to as well.",
                other.get_absolute_url(),
                other.pid,
                other.title,
                min(note.pid, other.pid),
            ),
        )


def _editor(request: HttpRequest, form: NoteForm, context: dict[str, Any]) -> HttpResponse:
    if "preview" in request.POST and form.is_valid():
        cleaned = form.cleaned_data
        drafted = (cleaned["title"], cleaned["body"], cleaned["submission"])
        context |= _previewed(request, *drafted, context.get("note"))
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "wiki/edit.html", {"form": form, **context}, status=status)


def _already_used(
    request: HttpRequest, form: NoteForm, used: SubmissionUsed, context: dict[str, Any]
) -> HttpResponse:
    """Show what was typed in a new form, which can be saved as a note of its own."""
    form.add_error(None, _used_sentence(used.note))
    form.renew()
    return render(request, "wiki/edit.html", {"form": form, **context}, status=409)


def _used_sentence(note: Note | None) -> str:
    if note is None:
        return "This form was saved already, as something else. Save again to save this text too."
    return format_html(
        'This form was saved already, as <a href="{}">{{{}}} {}</a>, with another text. To change'
        ' that note, <a href="{}">edit it</a>; to save this text as a note of its own, save again.',
        note.get_absolute_url(),
        note.pid,
        note.title,
        reverse("edit", args=[note.pid]),
    )


def _previewed(
    request: HttpRequest, title: str, body: str, submission: uuid.UUID | None, note: Note | None
) -> dict[str, Any]:
    """Return what the preview shows of a text typed for this note, or for a new one."""
    rendered = sandbox.render(body)
    pid, folder = (note.pid, note.folder) if note else (0, "")
    files = {0: attachment_upload.drafted(note, body, rendered, request.user, submission)}
    html = fill(request, {0: rendered}, {0: folder}, files)[0]
    same = Note.objects.visible_to(request.user).namesakes(title, pid)
    namesake = same.only("pid", "title").first() if title.strip() else None
    return {
        "title": title,
        "preview": html,
        "notice": rendered.notice,
        "namesake": namesake,
        "comments": comments(body),
    }
