"""URLs of the ML app, included by wiki/urls.py."""

from django.urls import path

from mlhooks.views import jobs, note_coverage

urlpatterns = [
    path("notes/<int:pid>/read/", note_coverage.read_again, name="read_again"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/retry/", jobs.retry_failed, name="retry_failed"),
    path("jobs/<int:job_id>/", jobs.show, name="job"),
    path("jobs/<int:job_id>/retry/", jobs.retry, name="retry_job"),
    path("jobs/<int:job_id>/cancel/", jobs.cancel, name="cancel_job"),
]
