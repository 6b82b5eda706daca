"""Changes of the tags and readers of many notes: their list, undo, and the page of one tag."""

from typing import TYPE_CHECKING, Any, TypedDict

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


class TagCounts(TypedDict):
    """How many notes with a tag a reader may edit, how many others there are, and public ones."""

    own: int
    others: int
    is_public: int


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    CountedTag = WithAnnotations[Tag, TagCounts]


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """What the reader changed on many notes at once, newest first, each with its undo."""
    changes: list[TagChange | VisibilityChange] = []
    for model in (TagChange, VisibilityChange):
        rows = model.objects.made_by(request.user).select_related("author", "undone_by", "undoes")
        changes += rows.order_by("-pk")[:MAX_CHANGES]
    changes.sort(key=lambda change: change.created, reverse=True)
    page = Paginator(changes, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "wiki/bulk_changes.html", {"page": page})


@require_POST
def undo(request: SignedInRequest, kind: str, number: int) -> HttpResponse:
    """Undo a change on the notes that still show it."""
    model: Any = {"tags": TagChange, "readers": VisibilityChange}.get(kind)
    if model is None:
        raise Http404
    rows = model.objects.made_by(request.user)
    change = get_object_or_404(rows.filter(undoes=None, undone_by=None), pk=number)
    done = model.objects.undo(change, author=request.user)
    left = change.count - done.count
    sentence = f"Undone on {_notes(done.count)}." if change.count else "Undone."
    if left:
        sentence += f" {_notes(left)} changed since, so nothing was touched there."
    messages.info(request, sentence)
    return redirect("tidying")


@require_http_methods(["GET", "HEAD", "POST"])
def edit_tag(request: SignedInRequest) -> HttpResponse:
    """Rename a tag, merge it into another, remove it, or add an alias of it."""
    form = TidyForm(request.POST or None)
    named = request.POST.get("tag", "") or request.GET.get("tag", "")
    found = _counted(request.user, named)
    if found is None:
        raise Http404
    context = {"form": form, "tag": found}
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        target = _counted(request.user, cleaned["to"]) if cleaned["to"] else None
        if cleaned["action"] == "rename" and target is not None and target.pk != found.pk:
            if not cleaned["sure"]:
                return render(request, "wiki/merge_tag.html", {**context, "target": target})
            cleaned["to"] = target.name
        try:
            return _carry_out(request, found, cleaned)
        except ValidationError as error:
            form.add_error("to", error)
    status = 422 if form.is_bound else 200
    known = TagAlias.objects.filter(tag=found).known_in(Note.objects.visible_to(request.user))
    context["words"] = known.order_by("slug")
    return render(request, "wiki/edit_tag.html", context, status=status)


@require_POST
def mark_different(request: SignedInRequest) -> HttpResponse:
    """Remember that two tags are not one, so that the index stops asking."""
    slugs = sorted(tag_key(request.POST.get(name, "")) for name in ("one", "other"))
    readable = Tag.objects.counted_for(Note.objects.visible_to(request.user))
    if slugs[0] == slugs[1] or "\0" in slugs[0] + slugs[1]:
        raise Http404
    if readable.filter(slug__in=slugs).count() != len(slugs):
        raise Http404
    TagDifference.remember(request.user, slugs[0], slugs[1])
    return redirect("tags")


def _carry_out(
    request: SignedInRequest, tag: "CountedTag", cleaned: dict[str, Any]
) -> HttpResponse:
    """Make the change that was asked for. Raises ValidationError with the reason against it."""
    to, action = cleaned["to"], cleaned["action"]
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


def _require_change(user: Reader, tag: "CountedTag", to: str) -> None:
    uses = NoteTag.objects.filter(tag=tag, content_object__in=Note.objects.editable_by(user))
    if tag_key(to) == tag.slug and not uses.exclude(name=to).exists():
        raise ValidationError("The tag is spelled so already. Type another name.")


def _require_free(user: Reader, tag: "CountedTag", word: str) -> None:
    """Refuse a word that is a tag itself, and a tag whose alias would reveal private notes."""
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


def _counted(user: Reader, name: str) -> "CountedTag | None":
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
    tag: CountedTag | None = counted.first()
    return tag


def _notes(count: int) -> str:
    return f"{count:,} note{'' if count == 1 else 's'}"
