"""What programs ask: is the site up, is it whole?"""

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
    """The database answers, and so does each process; superusers are told which, and how it is.

    To everybody else it tells whether the site is whole: counts would tell of private notes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    processes = {process.name: process.ready() for process in extensions.processes}
    report: dict[str, Any] = {"ok": all(processes.values())}
    if getattr(request.user, "is_superuser", False):
        report |= {"database": True, "processes": processes}
        report |= {name: tell() for name, tell in extensions.vitals.items()}
    return JsonResponse(report, status=200 if report["ok"] else 503)


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers look for it when what they show is no page that names one: raw text, JSON."""
    return redirect(static("icon.png"))
