"""Attachments: files that belong to a note."""

from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from wiki.files import images, store
from wiki.files.kinds import BY_MEDIA_TYPE, OTHER, SVG, Kind
from wiki.markup.attachment import File
from wiki.models.note_row import NoteRow
from wiki.models.revision import Revision
from wiki.reader import Reader

MAX_KEY_LENGTH = 500
MAX_NAME_LENGTH = 200


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Attachments as rows; what a reader gets starts at readable_by."""

    def readable_by(self, user: Reader) -> "AttachmentQuerySet":
        """Keep what a revision shows or links to that user may read; `.is_public`: if all may.

        What no revision shows is its uploader's alone, and the note's owner's where an import
        brought it. What was removed is nobody's.
        """
        mine: Any = Q(pk__in=[])
        if user.is_authenticated:
            imported = Q(note__isnull=False, uploader=None)
            if not user.is_superuser:
                imported &= Q(note__owner=user)
            alive = Q(note__deleted=None)
            mine = (Q(uploader=user) | imported) & alive & ~_used_in(Revision.objects.all())
        shown = Q(_used_in(Revision.objects.visible_to(user)))
        everyone = _used_in(Revision.objects.visible_to(AnonymousUser()))
        return self.filter(shown | mine, removed=None).annotate(is_public=everyone)

    def listed_for(self, user: Reader) -> "AttachmentQuerySet":
        """Order by number, with `.revision_numbers` of what uses each; one query.

        For whoever may edit the note: without what somebody else uploaded and did not save.
        """
        uses = Revision.objects.filter(files__attachment=OuterRef("pk")).order_by("number")
        numbers = ArraySubquery(uses.values("number"))
        others = Q(uploader__isnull=False) & ~Q(uploader=user) & ~_used_in(Revision.objects.all())
        return self.exclude(others).annotate(revision_numbers=numbers).order_by("number")

    def unsaved(self) -> "AttachmentQuerySet":
        """Keep what somebody uploaded and no revision shows yet."""
        uploaded = Q(uploader__isnull=False) | Q(note=None)
        return self.filter(uploaded, ~_used_in(Revision.objects.all()))

    def add(
        self,
        note: NoteRow,
        *,
        key: str,
        name: str,
        content: Path | bytes,
        kind: Kind | None = None,
        number: int | None = None,
        created: datetime | None = None,
        uploader: User | None = None,
    ) -> "Attachment":
        """Give the note a file under this key, and return its row.

        The same file under its key again changes nothing; another one of that key is a row of
        its own, so that old revisions go on showing theirs. kind: SVG of one that was sanitised
        (wiki.files.sanitizer). number and created: of an archived file; a number that is taken
        is not used. The bytes are on disk before the row. Holds the note row. Raises FileRefused
        of wiki.files.store, and OSError.
        """
        _check(key)
        sha256 = store.sha256_of(content)
        same = self.filter(note=note.pid, key=key, sha256=sha256, removed=None)
        have = same.first()
        if have is not None and have.path.is_file():
            return have
        with transaction.atomic():
            hold_bytes(sha256)
            said = describe(store.keep(content), kind)
            type(note)._base_manager.select_for_update().get(pid=note.pid)
            if (have := same.first()) is not None:
                return have
            return self.create(
                note_id=note.pid,
                key=key,
                name=clean_name(name),
                number=self._free_number(note, number),
                created=created or timezone.now(),
                uploader=uploader,
                **said,
            )

    def _free_number(self, note: NoteRow, wanted: int | None) -> int:
        taken = set(self.filter(note=note.pid).values_list("number", flat=True))
        if wanted is not None and wanted not in taken:
            return wanted
        return max((number for number in taken if number is not None), default=0) + 1

    def add_removed(self, note: NoteRow, said: dict[str, Any]) -> "Attachment":
        """Remember a file of an archive that was removed before; its number, if that is free."""
        number = self._free_number(note, said["number"])
        kind = {"media_type": OTHER.media_type, "bytes": 0}
        return self.create(note_id=note.pid, **{**said, **kind, "number": number})


class Attachment(models.Model):
    """A file of a note, at /files/<pid>_<number>.<ext>; its bytes never become others.

    Who may read a revision that shows it may read it (wiki.models.revision_file). key: what
    the note's text calls it, as wiki.markup writes it into an attachment slot. name: the
    file's own name. The bytes are stored once per sha256, whatever notes have them. width and
    height: in pixels, of images only.

    uploader: who added it in the browser; nobody, where an import did. submission, token: of a
    file that was added to a note before that was saved first, the form, and its address; until
    then it has no note and no number. removed: since when its bytes are gone for good.
    """

    note = models.ForeignKey(
        "wiki.Note", null=True, on_delete=models.CASCADE, related_name="attachments"
    )
    number = models.PositiveIntegerField(null=True)
    key = models.TextField()
    name = models.TextField()
    media_type = models.CharField(max_length=100)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    created = models.DateTimeField()
    uploader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    submission = models.UUIDField(null=True)
    token = models.UUIDField(null=True, unique=True)
    removed = models.DateTimeField(null=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "number"], name="attachment_number_once"),
            models.UniqueConstraint(
                fields=["note", "key", "sha256"],
                condition=Q(removed=None),
                name="attachment_content_once",
            ),
            models.CheckConstraint(
                condition=Q(note__isnull=False, number__isnull=False)
                | Q(note=None, number=None, token__isnull=False),
                name="attachment_of_a_note_or_waiting",
            ),
        ]
        indexes = [
            # Does a note still need these bytes?
            models.Index(fields=["sha256"], name="attachment_by_content"),
            # What did this person upload, for this form, and what was never saved?
            models.Index(
                fields=["uploader", "submission"],
                condition=Q(uploader__isnull=False),
                name="attachment_by_uploader",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.note_id}_{self.number} {self.name}"

    def get_absolute_url(self) -> str:
        if self.note_id is None:
            return reverse("uploaded", args=[self.token, self.kind.extension])
        return reverse("file", args=[self.note_id, self.number, self.kind.extension])

    @property
    def kind(self) -> Kind:
        return BY_MEDIA_TYPE.get(self.media_type, OTHER)

    @property
    def path(self) -> Path:
        """Where its bytes lie."""
        return store.path_of(self.sha256)

    @property
    def is_shown(self) -> bool:
        """Whether a page may show it, and not only link to it."""
        return self.kind.is_image and self.width is not None and self.removed is None

    @property
    def has_thumbnail(self) -> bool:
        """Whether it is a picture larger than a page shows one; of a saved note only.

        A drawing has any size by itself.
        """
        return (
            self.note_id is not None
            and self.is_shown
            and self.kind != SVG
            and self.shown_size != (self.width, self.height)
        )

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height on a page, of what is_shown."""
        assert self.width is not None and self.height is not None
        return images.small_size(self.width, self.height)

    @property
    def thumbnail_url(self) -> str:
        kind = images.small_kind(self.media_type)
        return reverse("thumbnail", args=[self.note_id, self.number, kind.extension])

    def as_file(self) -> File:
        """Return what a page needs of it."""
        if self.removed is not None:
            return File("", self.name, 0)
        if not self.is_shown:
            return File(self.get_absolute_url(), self.name, self.bytes)
        assert self.width is not None and self.height is not None
        small_url = self.thumbnail_url if self.has_thumbnail else ""
        return File(
            self.get_absolute_url(),
            self.name,
            self.bytes,
            width=self.width,
            height=self.height,
            small_url=small_url,
            small_width=self.shown_size[0],
        )

    def thumbnail(self) -> Path | None:
        """Return the small picture's file, made if need be; None if there is none."""
        if not self.has_thumbnail:
            return None
        return images.thumbnail(self.sha256, self.path, images.small_kind(self.media_type))


def hold_bytes(sha256: str) -> None:
    """Let nobody else give a note these bytes, or take the last row of them away.

    Until the end of the transaction. Comes before every other lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [sha256])


def _used_in(revisions: Any) -> Exists:
    return Exists(revisions.filter(files__attachment=OuterRef("pk")))


def clean_name(name: str) -> str:
    """Return a file's name as it may be shown and saved under.

    >>> clean_name("C:/photos/a\\nb.png"), clean_name("../")
    ('a b.png', 'file')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(sign if sign.isprintable() else " " for sign in last).strip()
    return plain[-MAX_NAME_LENGTH:] if plain not in ("", ".", "..") else "file"


def _check(key: str) -> None:
    if not key or len(key) > MAX_KEY_LENGTH or "\0" in key:
        raise store.FileRefused(
            f"A text cannot name a file {key[:60]!r}. Give it a name of at most {MAX_KEY_LENGTH} "
            "characters."
        )


def describe(stored: store.Stored, kind: Kind | None = None) -> dict[str, Any]:
    """Return the columns that say what a kept file is; kind: where its first bytes do not tell."""
    kind = kind or stored.kind
    size = images.size_of(stored.path, kind) if kind.is_image else None
    width, height = size or (None, None)
    return {
        "media_type": kind.media_type,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "width": width,
        "height": height,
    }
