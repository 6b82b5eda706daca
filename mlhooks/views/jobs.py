"""What the workers do, for staff; to everybody else these pages do not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from mlhooks.jobs import request as request_job
from mlhooks.models import Job, Worker

PER_PAGE = 50

View = Callable[..., HttpResponse]


def staff_only(view: View) -> View:
    """Answer 404 to people who are signed in and not staff."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not getattr(request.user, "is_staff", False):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@staff_only
def index(request: HttpRequest) -> HttpResponse:
    """List the jobs, newest first, and who works on them."""
    jobs = Job.objects.select_related("requested_by").order_by("-pk")
    state = request.GET.get("state", "")
    if state in Job.State.values:
        jobs = jobs.filter(state=state)
    context = {
        "page": Paginator(jobs, PER_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": Job.State.values,
        "workers": list(Worker.objects.order_by("name")),
        "alive": set(Worker.objects.alive().values_list("name", flat=True)),
    }
    return render(request, "mlhooks/jobs.html", context)


@require_safe
@staff_only
def show(request: HttpRequest, job_id: int) -> HttpResponse:
    """Show all that is known about one job."""
    job = get_object_or_404(Job.objects.select_related("requested_by"), pk=job_id)
    return render(request, "mlhooks/job.html", {"job": job})


@require_POST
@staff_only
def retry(request: HttpRequest, job_id: int) -> HttpResponseRedirect:
    """Ask for the same work again: a new job, or the one that waits for it already."""
    job = get_object_or_404(Job, pk=job_id)
    again = request_job(
        job.kind, key=job.key, payload=job.payload, queue=job.queue, user=request.user
    )
    return redirect("job", again.pk)


@require_POST
@staff_only
def cancel(request: HttpRequest, job_id: int) -> HttpResponseRedirect:
    """Stop a job that waits or runs; a finished one stays as it is."""
    get_object_or_404(Job, pk=job_id).cancel()
    return redirect("job", job_id)
