"""Attachments: files that belong to a note."""

from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from wiki.files import images, store
from wiki.files.kinds import BY_MEDIA_TYPE, OTHER, Kind
from wiki.markup.attachment import File

if TYPE_CHECKING:
    from wiki.models.note import Note

LONGEST_KEY = 500
LONGEST_NAME = 200


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Attachments as rows."""

    def add(
        self,
        note: "Note",
        *,
        key: str,
        name: str,
        content: Path | bytes,
        number: int | None = None,
        created: datetime | None = None,
    ) -> "Attachment":
        """Give the note a file under this key, and return its row.

        The same file under its key again changes nothing; another one takes the number and
        the place of the first. number and created: of an archived file; a number that is
        taken is not used. The bytes are on disk before the row is written. Holds the note
        row. Raises wiki.files.store.FileRefused, and OSError if it cannot be kept.
        """
        _check(key)
        have = self.filter(note=note, key=key).first()
        if have is not None and have.holds(store.sha256_of(content)):
            return have
        said = {"name": clean_name(name), **_said_of(store.keep(content))}
        with transaction.atomic():
            type(note)._base_manager.select_for_update().get(pid=note.pid)
            taken = set(self.filter(note=note).values_list("number", flat=True))
            if number is None or number in taken:
                number = max(taken, default=0) + 1
            new = {**said, "number": number, "created": created or timezone.now()}
            row, _ = self.update_or_create(note=note, key=key, defaults=said, create_defaults=new)
        return row

    def named_in(self, keys: dict[int, set[str]]) -> dict[tuple[int, str], "Attachment"]:
        """Return the files that each of these notes calls so, by pid and key. One query."""
        wanted = set().union(*keys.values())
        if not wanted:
            return {}
        rows = self.filter(note__in=[pid for pid in keys if keys[pid]], key__in=wanted)
        return {(row.note_id, row.key): row for row in rows}


class Attachment(models.Model):
    """A file of a note, at /files/<pid>_<number>.<ext>; who may read the note may read it.

    key: what the note's text calls it, as wiki.markup writes it into an attachment slot.
    name: the file's own name. The bytes are stored once per sha256, whatever notes have them.
    width and height: in pixels, of images only.
    """

    note = models.ForeignKey("wiki.Note", on_delete=models.CASCADE, related_name="attachments")
    number = models.PositiveIntegerField()
    key = models.TextField()
    name = models.TextField()
    media_type = models.CharField(max_length=100)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    created = models.DateTimeField()

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "number"], name="attachment_number_once"),
            models.UniqueConstraint(fields=["note", "key"], name="attachment_key_once"),
        ]
        indexes = [
            # Does a note still need these bytes?
            models.Index(fields=["sha256"], name="attachment_by_content"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id}_{self.number} {self.name}"

    def get_absolute_url(self) -> str:
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
        return self.kind.is_image and self.width is not None

    @property
    def has_thumbnail(self) -> bool:
        """Whether it is a picture larger than a page shows one."""
        return self.is_shown and self.shown_size != (self.width, self.height)

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

    def holds(self, sha256: str) -> bool:
        """Tell whether these are its bytes, and they are here."""
        return self.sha256 == sha256 and self.path.is_file()


def clean_name(name: str) -> str:
    """Return a file's name as it may be shown and saved under.

    >>> clean_name("C:/photos/a\\nb.png"), clean_name("../")
    ('a b.png', 'file')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(sign if sign.isprintable() else " " for sign in last).strip()
    return plain[-LONGEST_NAME:] if plain not in ("", ".", "..") else "file"


def _check(key: str) -> None:
    if not key or len(key) > LONGEST_KEY or "\0" in key:
        raise store.FileRefused(
            f"A text cannot name a file {key[:60]!r}. Give it a name of at most {LONGEST_KEY} "
            "characters."
        )


def _said_of(stored: store.Stored) -> dict[str, Any]:
    size = images.size_of(stored.path) if stored.kind.is_image else None
    width, height = size or (None, None)
    return {
        "media_type": stored.kind.media_type,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "width": width,
        "height": height,
    }
