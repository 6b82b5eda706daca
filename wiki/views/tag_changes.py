"""Changes of many notes: what was done, taking it back, and keeping one tag tidy."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wiki.forms import TidyForm
from wiki.models import Note, NoteTag, Tag, TagAlias, TagChange, TagDifference, VisibilityChange
from wiki.models.tag import Spelling, tag_key
from wiki.reader import Reader, SignedInRequest

PER_PAGE = 30
MAX_CHANGES = 500  # a list of two kinds is put together in memory


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """What the reader changed on many notes at once, newest first, each with its undo."""
    made: list[Any] = []
    for model in (TagChange, VisibilityChange):
        rows = model.objects.made_by(request.user).select_related("author", "undone_by", "undoes")
        made += rows.order_by("-pk")[:MAX_CHANGES]
    made.sort(key=lambda change: change.created, reverse=True)
    page = Paginator(made, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "wiki/tidying.html", {"page": page})


@require_POST
def undo(request: SignedInRequest, kind: str, number: int) -> HttpResponse:
    """Take a change back on the notes that still show it."""
    model: Any = {"tags": TagChange, "readers": VisibilityChange}.get(kind)
    if model is None:
        raise Http404
    rows = model.objects.made_by(request.user)
    change = get_object_or_404(rows.filter(undoes=None, undone_by=None), pk=number)
    done = model.objects.undo(change, author=request.user)
    left = change.count - done.count
    said = f"Undone on {_notes(done.count)}." if change.count else "Undone."
    if left:
        said += f" {_notes(left)} changed since, so nothing was touched there."
    messages.info(request, said)
    return redirect("tidying")


@require_http_methods(["GET", "HEAD", "POST"])
def tag(request: SignedInRequest) -> HttpResponse:
    """Rename a tag, merge it into another, take it away, or let another word mean it."""
    form = TidyForm(request.POST or None)
    named = request.POST.get("tag", "") or request.GET.get("tag", "")
    found = _counted(request.user, named)
    if found is None:
        raise Http404
    context = {"form": form, "tag": found}
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        target = _counted(request.user, said["to"]) if said["to"] else None
        if said["action"] == "rename" and target is not None and target.pk != found.pk:
            if not said["sure"]:
                return render(request, "wiki/merge_tag.html", {**context, "target": target})
            said["to"] = target.name
        try:
            return _carry_out(request, found, said)
        except ValidationError as error:
            form.add_error("to", error)
    status = 422 if form.is_bound else 200
    known = TagAlias.objects.filter(tag=found).known_in(Note.objects.visible_to(request.user))
    context["words"] = known.order_by("slug")
    return render(request, "wiki/tidy_tag.html", context, status=status)


@require_POST
def differ(request: SignedInRequest) -> HttpResponse:
    """Remember that two tags are not one, so that the index stops asking."""
    slugs = sorted(tag_key(request.POST.get(name, "")) for name in ("one", "other"))
    readable = Tag.objects.counted_for(Note.objects.visible_to(request.user))
    if slugs[0] == slugs[1] or "\0" in slugs[0] + slugs[1]:
        raise Http404
    if readable.filter(slug__in=slugs).count() != len(slugs):
        raise Http404
    TagDifference.remember(request.user, slugs[0], slugs[1])
    return redirect("tags")


def _carry_out(request: SignedInRequest, tag: Any, said: dict[str, Any]) -> HttpResponse:
    """Do what was asked. Raises ValidationError with what stands against it."""
    to, action = said["to"], said["action"]
    if action == "alias":
        _require_free(request.user, tag, to)
        TagChange.objects.add_alias(to, tag, author=request.user)
        messages.success(request, f"Whoever types “{to}” gets the tag “{tag.name}”.")
        return redirect("tidying")
    if action == "rename":
        _require_change(request.user, tag, to)
    change = TagChange.objects.rename(
        tag.name, to if action == "rename" else "", author=request.user
    )
    kept = f" {_notes(tag.others)} of other people keep the tag." if tag.others else ""
    done = f"“{tag.name}” is “{change.new}” now" if change.new else f"“{tag.name}” is taken away"
    messages.success(request, f"{done}, on {_notes(tag.own)}.{kept}")
    return redirect("tidying")


def _require_change(user: Reader, tag: Any, to: str) -> None:
    uses = NoteTag.objects.filter(tag=tag, content_object__in=Note.objects.editable_by(user))
    if tag_key(to) == tag.slug and not uses.exclude(name=to).exists():
        raise ValidationError("The tag is spelled so already. Type another name.")


def _require_free(user: Reader, tag: Any, word: str) -> None:
    """Refuse a word that is a tag itself, and a tag that nobody else should hear of."""
    used = _counted(user, word)
    if used is not None:
        raise ValidationError(
            f"{_notes(used.own + used.others)} have the tag “{used.name}” itself. Rename it to"
            f" “{tag.name}” first, then make the word lead there."
        )
    if not (tag.is_public or user.is_superuser):
        raise ValidationError(
            f"Only private notes have the tag “{tag.name}”, and whoever typed “{word}” would"
            " learn of it. Make one of the notes public first."
        )


def _counted(user: Reader, name: str) -> Any:
    """Find a tag of readable notes, with `.own` of them that user may edit, and `.others`."""
    notes = Note.objects.visible_to(user)
    mine = Q(uses_of__content_object__in=Note.objects.editable_by(user))
    found = Tag.objects.named(name).filter(uses_of__content_object__in=notes)
    public = Q(uses_of__content_object__visibility="public")
    counted = found.annotate(
        own=Count("uses_of", filter=mine),
        others=Count("uses_of", filter=~mine),
        is_public=Count("uses_of", filter=public),
        name=Spelling("uses_of__name"),
    )
    return counted.first()


def _notes(count: int) -> str:
    return f"{count:,} note{'' if count == 1 else 's'}"
