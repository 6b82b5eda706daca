"""Django's admin for the ML app: jobs to look at, and the indexes of semantic search."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from mlhooks import gateway
from mlhooks.embeddings import loaded, registry
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.indexes import active_index, index_build
from mlhooks.indexes.progress import IndexProgress, progress_of
from mlhooks.jobs.kinds import BUILD_INDEX, EMBED_NOTE, RECONCILE_INDEX
from mlhooks.models import EncoderIndex, Job, Worker
from mlhooks.views.rows import reason_without_notes, without_notes
from wiki.reader import Reader

PAGE = "admin:mlhooks_encoderindex_changelist"


class LookOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows to look at: the rules for changing them are elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(LookOnlyAdmin):
    list_display = ["id", "kind", "key", "queue", "state", "attempt", "created_at", "finished_at"]
    list_filter = ["state", "kind", "queue"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return all jobs; to staff who are no superusers, those about notes they may read."""
        jobs = super().get_queryset(request)
        if request.user.is_superuser:
            return jobs
        names = gateway.readable(request.user).annotate(name=Cast("pid", TextField()))
        return jobs.filter(kind=EMBED_NOTE, key__in=names.values("name"))


class EncoderForm(forms.Form):
    """Names an encoder; a folder by its whole path."""

    encoder = forms.CharField(
        label="Encoder",
        help_text=f"{registry.DEFAULT}, which is shipped; a folder with a sentence-transformers "
        "model on the workers' machine; or a model on the hub, as owner/name, which a worker "
        "then fetches.",
    )

    def clean_encoder(self) -> str:
        """Refuse, with a sentence, what cannot be an encoder."""
        name = registry.full_name(self.cleaned_data["encoder"])
        try:
            registry.check(name)
        except NoSuchModel as error:
            raise forms.ValidationError(str(error)) from error
        return name


class IndexForm(forms.Form):
    """Names an index that there is."""

    index = forms.ModelChoiceField(EncoderIndex.objects.all())


@admin.register(EncoderIndex)
class EncoderIndexAdmin(LookOnlyAdmin):
    """One page: which encoders have read the notes, which one answers, and who works.

    Who may view indexes sees it; its buttons are for those who may change them.
    """

    def get_urls(self) -> list[URLPattern]:
        """Return the page, and an address for each button."""
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(require_safe(self.page)), name="mlhooks_encoderindex_changelist"),
            path("build/", guarded(require_POST(self.build)), name="build_index"),
            path("cancel/", guarded(require_POST(self.cancel)), name="cancel_index"),
            path("answer/", guarded(require_POST(self.answer)), name="answer_index"),
            path("delete/", guarded(require_POST(self.drop)), name="delete_index"),
        ]

    def page(self, request: HttpRequest, form: EncoderForm | None = None) -> HttpResponse:
        """Show all indexes, the one that answers first, and all workers."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        indexes = EncoderIndex.objects.order_by("active", "-pk")
        context = {
            **self.admin_site.each_context(request),
            "title": "Search by meaning",
            "opts": self.opts,
            "all_progress": [_shown(progress_of(index), request.user) for index in indexes],
            "begun": [_told(job, request.user) for job in _begun()],
            "configured": loaded.configured(),
            "trouble": _trouble(request.user),
            "form": form or EncoderForm(),
            "may_change": _may_change(request),
            "workers": list(Worker.objects.order_by("name")),
            "alive": set(Worker.objects.alive().values_list("name", flat=True)),
        }
        template = "admin/mlhooks/encoderindex/change_list.html"
        return TemplateResponse(request, template, context, status=422 if form else 200)

    def build(self, request: HttpRequest) -> HttpResponse:
        """Ask for an index to be built, or gone on with."""
        _require_change(request)
        form = EncoderForm(request.POST)
        if not form.is_valid():
            return self.page(request, form)
        name = form.cleaned_data["encoder"]
        index_build.request(name, user=request.user)
        sentence = f"{name} reads the notes, and answers once it has read them all."
        return _back(request, messages.SUCCESS, sentence)

    def cancel(self, request: HttpRequest) -> HttpResponseRedirect:
        """End the building of an index."""
        _require_change(request)
        named = request.POST.get("encoder", "")
        if "\0" not in named and active_index.cancel(named):
            sentence = "Nothing more is read. What was read is kept: you can go on with it."
            return _back(request, messages.SUCCESS, sentence)
        return _back(request, messages.WARNING, "That had ended already.")

    def answer(self, request: HttpRequest) -> HttpResponseRedirect:
        """Let another index answer searches."""
        _require_change(request)
        index = _named(request)
        try:
            active_index.let_answer(index)
        except active_index.NotNow as error:
            return _back(request, messages.ERROR, str(error))
        return _back(request, messages.SUCCESS, f"{index} answers searches now.")

    def drop(self, request: HttpRequest) -> HttpResponseRedirect:
        """Delete an index."""
        _require_change(request)
        index = _named(request)
        sentence = f"{index} is deleted, and its room on disk is free."
        try:
            active_index.drop(index)
        except active_index.NotNow as error:
            return _back(request, messages.ERROR, str(error))
        return _back(request, messages.SUCCESS, sentence)


def _may_change(request: HttpRequest) -> bool:
    return request.user.has_perm("mlhooks.change_encoderindex")


def _require_change(request: HttpRequest) -> None:
    if not _may_change(request):
        raise PermissionDenied


def _named(request: HttpRequest) -> EncoderIndex:
    form = IndexForm(request.POST)
    if not form.is_valid():
        raise Http404("There is no such index.")
    index: EncoderIndex = form.cleaned_data["index"]
    return index


def _begun() -> Any:
    """Return the last job of each encoder that has no index, unless it came to its end."""
    known = EncoderIndex.objects.values("encoder")
    last = Job.objects.filter(kind=BUILD_INDEX).exclude(key__in=known)
    return last.order_by("key", "-pk").distinct("key")


def _trouble(reader: Reader) -> str:
    """Return why the active index could not be looked after, last time; or ""."""
    last = (
        Job.objects.filter(kind=RECONCILE_INDEX, finished_at__isnull=False).order_by("-pk").first()
    )
    if last is None or last.state != Job.State.FAILED:
        return ""
    return last.error if reader.is_superuser else reason_without_notes(last)


def _told(job: Job, reader: Reader) -> Job:
    return job if reader.is_superuser else without_notes(job)


def _shown(index: IndexProgress, reader: Reader) -> dict[str, Any]:
    """Return what the page shows of an index to this reader."""
    job = _told(index.job, reader) if index.job else None
    return {"progress": replace(index, job=job), "unread": index.unread(reader)}


def _back(request: HttpRequest, level: int, sentence: str) -> HttpResponseRedirect:
    messages.add_message(request, level, sentence)
    return redirect(PAGE)
