"""Staff who are not superusers: no number, title or text of notes they may not read."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from mlhooks import jobs
from mlhooks.jobs.kinds import EMBED_NOTE, RECONCILE_INDEX
from mlhooks.models import EncoderIndex, Job, UnreadNote
from mlhooks.models.job import UNFORESEEN
from tests.conftest import person, signed_in
from wiki.models import Note, Revision, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper(db: None) -> Any:
    """Staff with every permission there is, and no superuser."""
    helper = person("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.all())
    return helper


@pytest.fixture
def hidden(alice: Any, fields: Any) -> Note:
    said = fields(title="Canary", body="canary-text", tags=("canary_tag",), visibility="private")
    return Note.objects.write(said, owner=alice)


@pytest.fixture
def told(hidden: Note) -> list[Job]:
    """Jobs in each state, and an index, which tell of the note in all that they may tell."""
    pid, moment = hidden.pid, timezone.now()
    Job.objects.all().delete()
    for state in Job.State.values:
        is_over = state in ("done", "failed", "cancelled")
        for kind, key in ((EMBED_NOTE, str(pid)), ("verify_integrity", ""), (RECONCILE_INDEX, "")):
            Job.objects.create(
                kind=kind,
                key=key if state != "running" else f"{key}0",
                payload={"pid": pid, "words": "canary-payload"},
                state=state,
                attempts_left=3,
                attempt=1,
                progress=0.5,
                progress_text="canary-progress",
                started_at=moment,
                finished_at=moment if is_over else None,
                result={"problems": ["canary-result"]} if is_over else None,
                error=f"DataError: canary-reason {UNFORESEEN}"
                if state in ("failed", "waiting")
                else "",
            )
    index = EncoderIndex.objects.make("an-encoder", "0" * 64, 8)
    UnreadNote.objects.create(index=index, note=pid, revision=0, reason="canary-reason")
    return list(Job.objects.order_by("pk"))


def pages(told: list[Job], hidden: Note) -> Iterator[str]:
    yield from ("/jobs/", "/jobs/?all=1", "/readyz")
    yield from (f"/jobs/?state={state}" for state in Job.State.values)
    yield from (f"/jobs/{job.pk}/" for job in told)
    yield from (f"/admin/mlhooks/job/{job.pk}/change/" for job in told)
    yield from (f"/admin/mlhooks/job/{job.pk}/history/" for job in told)
    yield from ("/admin/", "/admin/mlhooks/", "/admin/wiki/", "/admin/mlhooks/encoderindex/")
    for model in ("wiki/note", "wiki/revision", "wiki/tag", "wiki/tagchange", "mlhooks/job"):
        for query in ("", "?q=canary", "?all=", "?o=1", f"?pid={hidden.pid}", "?key__contains=0"):
            yield f"/admin/{model}/{query}"
    tag = Tag.objects.named("canary_tag").get()
    head = hidden.head
    assert head is not None
    for model, pk in (("note", hidden.pid), ("revision", head.pk), ("tag", tag.pk)):
        for page in ("change", "history", "delete"):
            yield f"/admin/wiki/{model}/{pk}/{page}/"
    for row in (hidden, head, tag, told[0]):
        yield f"/admin/r/{ContentType.objects.get_for_model(row).pk}/{row.pk}/"


def betrayed(reply: Any, hidden: Note) -> list[str]:
    """Return the places where an answer, wherever it leads, tells of the note."""
    text = reply.content.decode() + reply.get("Location", "")
    # The address that was asked for comes back in forms and links; ids of jobs may be any number.
    text = re.sub(
        r'(?:value|href|name|id|action|data-hx-get)="[^"]*(?:job|jobs|csrf|of-|change-)'
        r'[^"]*"',
        "",
        text,
    )
    text = text.replace(f"pid={hidden.pid}", "").replace("q=canary", "").replace('"canary"', "")
    found = re.findall(rf"(?i)canary.{{0,20}}|\{{{hidden.pid}\}}.{{0,20}}", text)
    return [*found, *re.findall(rf"/notes/{hidden.pid}\b", text)]


def test_no_page_tells_them_of_others_private_notes(
    helper: Any, told: list[Job], hidden: Note
) -> None:
    client = signed_in(helper)
    wrong = {}
    for page in pages(told, hidden):
        reply = client.get(page)
        assert reply.status_code < 500 or page == "/readyz", page
        if found := betrayed(reply, hidden):
            wrong[page] = found
    assert not wrong


def test_superusers_and_the_owner_among_the_staff_see_it_all(
    alice: Any, staff: Any, told: list[Job], hidden: Note
) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.all())
    for reader in (alice, staff):
        client = signed_in(reader)
        about = next(job for job in told if job.kind == EMBED_NOTE and job.state == "failed")
        page = client.get(f"/jobs/{about.pk}/").content.decode()
        assert "canary-reason" in page and "canary-payload" in page
        assert f"/notes/{hidden.pid}/" in page
        assert "canary-reason" in client.get("/jobs/?all=1").content.decode()
        listed = client.get("/admin/mlhooks/job/").content.decode()
        assert f"/admin/mlhooks/job/{about.pk}/change/" in listed
        assert "canary-reason" in client.get("/admin/mlhooks/encoderindex/").content.decode()
    other = next(job for job in told if job.kind == "verify_integrity")
    assert "canary" in signed_in(staff).get(f"/jobs/{other.pk}/").content.decode()
    assert "canary" not in signed_in(alice).get(f"/jobs/{other.pk}/").content.decode()


def test_what_one_did_oneself_is_all_that_the_admins_log_tells(
    helper: Any, staff: Any, hidden: Note
) -> None:
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(Revision),
        object_id=str(hidden.pid),
        object_repr="canary-log",
        action_flag=ADDITION,
    )
    assert "canary-log" not in signed_in(helper).get("/admin/").content.decode()


def test_the_admins_short_addresses_are_for_superusers(
    helper: Any, staff: Any, note: Note, hidden: Note
) -> None:
    """They lead from any row of any table to its page, and so tell that there is one."""
    kind = ContentType.objects.get_for_model(Note).pk
    for pid in (note.pid, hidden.pid, 10**9):
        assert signed_in(helper).get(f"/admin/r/{kind}/{pid}/").status_code == 404
    assert signed_in(staff).get(f"/admin/r/{kind}/{hidden.pid}/").status_code == 302
    assert Client().get(f"/admin/r/{kind}/{note.pid}/").status_code == 302, "to the login"


def test_a_note_they_may_read_is_named_to_them(helper: Any, note: Note) -> None:
    job = Job.objects.filter(kind=EMBED_NOTE, key=str(note.pid)).first()
    job = job or jobs.request(EMBED_NOTE, key=str(note.pid), payload={"pid": note.pid})
    page = signed_in(helper).get(f"/jobs/{job.pk}/").content.decode()
    assert f"/notes/{note.pid}/" in page and f"{{{note.pid}}}" in page
