"""Health checks: whether the site is up, and whether all of it is."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from wiki import extensions


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The web process answers; asks nothing else."""
    return JsonResponse({"ok": True})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether the database and each process are ready; superusers get the details.

    Everybody else gets one yes or no: counts would reveal private notes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    processes = {process.name: process.ready() for process in extensions.processes}
    report: dict[str, Any] = {"ok": all(processes.values())}
    if getattr(request.user, "is_superuser", False):
        report |= {"database": True, "processes": processes}
        report |= {name: vital() for name, vital in extensions.vitals.items()}
    return JsonResponse(report, status=200 if report["ok"] else 503)


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers look for it when what they show is no page that names one: raw text, JSON."""
    return redirect(static("icon.png"))
