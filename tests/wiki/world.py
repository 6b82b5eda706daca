"""A small notebook with things in it that must not be seen, for tests of who sees what.

Whatever may be seen only by alice, who owns it, and by superusers has "canary" in its text, or
a number that begins with CANARY_PID.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from mlhooks import jobs
from mlhooks.models import Job
from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.accounts import sign_in_links
from wiki.fields import Fields
from wiki.models import Note, Revision, Tag, TagChange, attachment_upload
from wiki.models.note_queryset import SAMPLE

CANARY_PID = "7077"
WIDE_PICTURE = picture(481, 2)
OPEN = Fields(
    "Open", "See [[Kestrel]] and [[Of bob]].\n", "Open-2020.01", "paper", ("open",), "public"
)
SECRET = Fields(
    "Canary kestrel",
    "A canary text, see [[Open]].\n",
    "Canary-1999.12",
    "note",
    ("canary_tag", "open"),
    "private",
)


@dataclass(frozen=True)
class World:
    """The notes, and every number that an address may hold."""

    open: Note
    secret: Note
    published: Note
    trashed: Note
    numbers: dict[str, Any]


def make_world(alice: Any, bob: Any, staff: Any, newcomer: Any) -> World:
    """Write the notes; alice's, but for one of bob's."""
    number_from(101)
    shown = Note.objects.write(OPEN, owner=alice, summary="first words")
    shown.save_revision(replace(OPEN, body="More.\n" + OPEN.body), base=0, author=alice)
    Note.objects.write(replace(OPEN, title="Of bob", body="[[Open]]\n"), owner=bob)
    published = Note.objects.write(
        replace(SECRET, title="Canary egg"), owner=alice, summary="canary"
    )
    attach(published, "x.txt", b"canary of a private past")
    attach(published, "x.png", picture(482, 2))
    published.save_revision(replace(OPEN, title="Published", body="Said.\n"), base=0, author=alice)
    number_from(int(f"{CANARY_PID}01"))
    secret = Note.objects.write(SECRET, owner=alice, summary="canary words")
    # Its title stands in a public text; that there is such a note, and its number, do not.
    kestrel = Note.objects.write(replace(SECRET, title="Kestrel"), owner=alice)
    secret.save_revision(replace(SECRET, body="A [[canary wing]], two.\n"), base=0, author=alice)
    trashed = Note.objects.write(replace(OPEN, title="Canary in the trash"), owner=alice)
    trashed.move_to_trash(alice)
    for sample in (kestrel, trashed):
        Note.objects.filter(pid=sample.pid).update(import_key=f"{SAMPLE}{sample.pid}")
    change = TagChange.objects.rename("canary_tag", "canary_bird", author=staff)
    TagChange.objects.add_alias("opened", Tag.objects.named("open").get(), author=alice)
    bird = Tag.objects.named("canary_bird").get()
    alias = TagChange.objects.add_alias("birdie", bird, author=alice)
    for note in (shown, secret):
        attach(note, "x.txt", f"{note.title}".encode())
        attach(note, "x.png", WIDE_PICTURE)
    attachment_upload.upload(b"canary upload", "y.txt", uploader=alice, note=shown)
    waiting = attachment_upload.upload(
        b"canary too", "y.txt", uploader=alice, submission=uuid.uuid4()
    )
    job = jobs.request("embed_note", key="canary", user=alice)
    numbers = {
        "open": shown.pid,
        "secret": secret.pid,
        "published": published.pid,
        "trashed": trashed.pid,
        "revision": Revision.objects.get(note=secret, number=1).pk,
        "tag": Tag.objects.named("canary_bird").get().pk,
        "change": change.pk,
        "alias": alias.pk,
        "token": waiting.token,
        "job": job.pk,
        "done": _finished(jobs.request("embed_note", key="canary 2")).pk,
        "user": alice.pk,
        "group": Group.objects.create(name="readers").pk,
        "note_type": ContentType.objects.get_for_model(Note).pk,
        "link": sign_in_links.link_for(newcomer).split("/")[2],
    }
    return World(shown, secret, published, trashed, numbers)


def canaries(text: str) -> Iterator[str]:
    """Find in a page what only some may see."""
    yield from re.findall(rf"(?i)canary|\b{CANARY_PID}\d\d\b", text)


def number_from(pid: int) -> None:
    """Let the next notes have these numbers, whatever other tests have used up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('wiki_note_pid_seq', %s, false)", [pid])


def _finished(job: Job) -> Job:
    job.cancel()
    return job
