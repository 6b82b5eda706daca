"""What the workers do, for staff; to everybody else these pages do not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from mlhooks.indexes import freshness, requests
from mlhooks.jobs import request as request_job
from mlhooks.models import Job, Queue, Worker
from mlhooks.views import lists
from mlhooks.views.headline import headline
from mlhooks.views.rows import Row, rows

PER_PAGE = 50
# Of each kind of list, on the first page.
SHOWN = 6

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
    """Show how the index is, who works, and the jobs: a few of each state, or all of one."""
    state, shows_all = request.GET.get("state", ""), "all" in request.GET
    state = state if state in Job.State.values else ""
    said = headline()
    unread = said.coverage.unread
    context: dict[str, Any] = {"state": state, "shows_all": shows_all, "headline": said}
    if state or shows_all:
        chosen = lists.everything(state) if shows_all else lists.of_state(state, unread)
        page = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
        context |= {"page": page, "rows": _rows(request, list(page), page.start_index() - 1)}
    else:
        context["rows"] = _rows(request, lists.first_of_each(SHOWN, unread))
    workers = list(Worker.objects.order_by("name"))
    alive = set(Worker.objects.alive().values_list("name", flat=True))
    readers = [worker for worker in workers if Queue.BACKGROUND in worker.queues]
    counts = lists.counts(unread)
    context |= {
        "workers": workers,
        "alive": alive,
        "one_host": len({worker.host for worker in workers}) == 1,
        "heard_at": max((reader.seen_at for reader in readers), default=None),
        "nobody_reads": not any(reader.name in alive for reader in readers),
        "counts": counts,
        "states": [(each, counts.get(each)) for each in lists.ORDER],
        # Only then does the page ask for itself again.
        "is_moving": bool(counts["running"] or (counts["waiting"] and alive)),
    }
    return render(request, "mlhooks/jobs.html", context)


@require_safe
@staff_only
def show(request: HttpRequest, job_id: int) -> HttpResponse:
    """Show all that is known about one job."""
    job = get_object_or_404(Job.objects.select_related("requested_by"), pk=job_id)
    (row,) = _rows(request, [job])
    return render(request, "mlhooks/job.html", {"row": row, "job": row.job})


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
def retry_failed(request: HttpRequest) -> HttpResponseRedirect:
    """Ask once more for every note that could not be read."""
    requests.request(freshness.unread())
    return redirect("jobs")


@require_POST
@staff_only
def cancel(request: HttpRequest, job_id: int) -> HttpResponseRedirect:
    """Stop a job that waits or runs; a finished one stays as it is."""
    get_object_or_404(Job, pk=job_id).cancel()
    return redirect("job", job_id)


def _rows(request: HttpRequest, jobs: list[Job], before: int = 0) -> list[Row]:
    waiting = [job for job in jobs if job.state == Job.State.WAITING]
    return rows(jobs, request.user, lists.places(waiting, before))
