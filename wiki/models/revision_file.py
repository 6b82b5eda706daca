"""Which file each revision shows or links to: what decides who may read a file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.db import connection, models
from django.db.models import Exists, OuterRef

from wiki.markup import Rendered
from wiki.models.attachment import Attachment, AttachmentQuerySet
from wiki.models.note_row import NoteRow
from wiki.reader import Reader

if TYPE_CHECKING:
    from wiki.models.revision import Revision


class RevisionFileQuerySet(models.QuerySet["RevisionFile"]):
    """The files of many revisions."""

    def named_in(self, keys: Mapping[int, set[str]]) -> dict[int, dict[str, Attachment]]:
        """Return the files that these revisions call so, by the revision and key. One query.

        keys: by the revision's primary key.
        """
        wanted = set().union(*keys.values())
        if not wanted:
            return {}
        rows = self.filter(revision__in=[pk for pk in keys if keys[pk]], key__in=wanted)
        found: dict[int, dict[str, Attachment]] = {}
        for row in rows.select_related("attachment"):
            found.setdefault(row.revision_id, {})[row.key] = row.attachment
        return found

    def shown_by(self, revision: "Revision") -> dict[str, Attachment]:
        """Return all files of one revision by what its text calls them. One query."""
        rows = self.filter(revision=revision).select_related("attachment")
        return {row.key: row.attachment for row in rows}

    def record(self, revision: "Revision", files: Mapping[str, Attachment]) -> None:
        """Let the revision show these files, where it names none of that key yet. One query."""
        self.bulk_create(
            [RevisionFile(revision=revision, attachment=files[key], key=key) for key in files],
            ignore_conflicts=True,
        )

    def point(self, revision: "Revision", files: Mapping[str, Attachment]) -> None:
        """Let a revision that is being made show other files under these keys."""
        self.filter(revision=revision, key__in=files).delete()
        self.record(revision, files)

    def carry_on(self, revisions: Mapping[int, int]) -> None:
        """Give new revisions the files of those before them, whose texts are the same.

        revisions: the new one's primary key by that of the one before. One query.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO wiki_revisionfile (revision_id, attachment_id, key)"
                " SELECT pair.new, had.attachment_id, had.key FROM wiki_revisionfile AS had"
                " JOIN unnest(%s::bigint[], %s::bigint[]) AS pair (old, new)"
                " ON had.revision_id = pair.old",
                [list(revisions), list(revisions.values())],
            )


class RevisionFile(models.Model):
    """A file that a revision shows or links to; key is what its text calls the file.

    Written with the revision and never changed: a later file of the same key is one of later
    revisions. Only a head that named a file nobody had gets it when it arrives.
    """

    revision = models.ForeignKey("wiki.Revision", on_delete=models.CASCADE, related_name="files")
    attachment = models.ForeignKey("wiki.Attachment", on_delete=models.CASCADE, related_name="uses")
    key = models.TextField()

    objects = RevisionFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "key"], name="revision_file_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key} in revision {self.revision_id}"


def files_for(
    note: NoteRow,
    body: str,
    rendered: Rendered,
    *,
    author: Reader | None,
    before: int | None,
    files: Mapping[str, Attachment] | None = None,
    is_saving: bool = True,
) -> dict[str, Attachment]:
    """Return which file each key of a text means, if author saves it now. One query, or none.

    files: what is known already. Of the others a key means what author uploaded and never
    saved, else what the revision `before` calls so, else the note's last file of this key.
    is_saving holds these rows, so that none is swept away before the revision is saved.
    """
    keys = None if rendered.is_typed else rendered.attachment_keys()
    if keys is not None and not keys:
        return {}
    rows = Attachment.objects.filter(note=note.pid)
    if is_saving:
        rows = rows.select_for_update(of=("self",), no_key=True)
    if keys is not None:
        rows = rows.filter(key__in=keys)
    chosen = _chosen(rows, author, before) | dict(files or {})
    if keys is None:
        return {key: row for key, row in chosen.items() if _is_spelled(key, body)}
    return {key: chosen[key] for key in keys if key in chosen}


def _chosen(
    rows: AttachmentQuerySet, author: Reader | None, before: int | None
) -> dict[str, Attachment]:
    uses = RevisionFile.objects.filter(attachment=OuterRef("pk"))
    loaded = rows.annotate(
        is_used=Exists(uses), is_before=Exists(uses.filter(revision=before, key=OuterRef("key")))
    )
    best: dict[str, tuple[int, Attachment]] = {}
    for row in loaded.order_by("number"):
        rank = _rank(row, author)
        if rank >= best.get(row.key, (1, row))[0]:
            best[row.key] = rank, row
    return {key: row for key, (_, row) in best.items()}


def _rank(row: Any, author: Reader | None) -> int:
    """Tell how much a file of a key is meant; 0: not at all."""
    if row.is_before:
        return 2
    if row.removed is not None:
        return 0
    is_mine = author is not None and row.uploader_id == author.pk
    if not row.is_used and row.uploader_id is not None:
        return 3 if is_mine else 0
    return 1


def _is_spelled(key: str, body: str) -> bool:
    """Tell whether a text that nobody could read as Markdown has this key in it."""
    return key in body or quote(key) in body
