"""The HTML of heads, cached as segments; slots are filled for whoever reads."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.safestring import SafeString

from wiki import extensions
from wiki.extensions import Slot
from wiki.markup import Rendered
from wiki.markup.attachment import attachment_html
from wiki.markup.outline import permalink_html
from wiki.models.attachment import Attachment
from wiki.models.link_targets import Links, ids_of
from wiki.models.note_row import NoteRow
from wiki.models.revision_file import RevisionFile
from wiki.reader import Reader
from wiki.rendering import sandbox

if TYPE_CHECKING:
    from wiki.models.revision import Revision


Files = Mapping[str, Attachment]
# The others are fences.
OWN_SLOTS = ("wikilink", "wikilink_end", "permalink", "attachment")


class NoteHtmlQuerySet(models.QuerySet["NoteHtml"]):
    """Cached HTML of many notes."""

    def keep(self, made: Iterable[tuple[NoteRow, "Revision", Rendered]]) -> None:
        """Remember these as the HTML of the notes' heads, but for what may come out better.

        One query, or none.
        """
        rows = [
            NoteHtml(
                note_id=note.pid,
                revision=revision,
                renderer=sandbox.renderer_name(),
                rendered=rendered.as_json(),
            )
            for note, revision, rendered in made
            if rendered.notice != sandbox.TOO_BUSY
        ]
        # One statement, where update_or_create takes four for each.
        self.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["note"],
            update_fields=["revision", "renderer", "rendered"],
        )

    def titles_named_in(self, notes: Iterable[NoteRow]) -> dict[str, str]:
        """Return what these notes link to, as they spell it, by link key; one query."""
        folders = {note.pid: note.folder for note in notes}
        current = self.filter(note__in=folders, renderer=sandbox.renderer_name())
        rows = current.values_list("note", "rendered__slots")
        titles: dict[str, str] = {}
        for pid, slots in rows.order_by("-note"):
            rendered = Rendered((), tuple(Slot(**slot) for slot in slots))
            titles |= rendered.links(folders[pid])
        return titles


class NoteHtml(models.Model):
    """What rendering the head gave: reader-independent segments, slots and outline.

    A row of another revision or another renderer (an older one, or one that knew other
    fences) counts as missing and is made again when somebody reads.
    """

    note = models.OneToOneField(
        "wiki.Note", primary_key=True, on_delete=models.CASCADE, related_name="html"
    )
    revision = models.ForeignKey("wiki.Revision", on_delete=models.CASCADE, related_name="+")
    renderer = models.TextField()
    rendered = models.JSONField()

    objects = NoteHtmlQuerySet.as_manager()

    def __str__(self) -> str:
        return f"HTML of {{{self.note_id}}}"

    def is_current(self, note: NoteRow) -> bool:
        """Tell whether today's renderer made it from the note's head."""
        made_from = (self.revision_id, self.renderer)
        return made_from == (note.head_id, sandbox.renderer_name())


def rendered_heads(notes: Iterable[NoteRow]) -> dict[int, Rendered]:
    """Return the rendered head of each note, by pid.

    notes: loaded with texts(); then no query is made, but one where HTML is missing or stale.
    """
    found, made = {}, []
    for note in notes:
        row: NoteHtml | None = getattr(note, "html", None)
        if row is not None and row.is_current(note):
            found[note.pid] = Rendered.from_json(row.rendered)
        else:
            found[note.pid] = sandbox.render_for_reading(note.head_revision.body or "")
            made.append((note, note.head_revision, found[note.pid]))
    # In one order for everybody: two readers of the same notes then never wait in a circle.
    NoteHtml.objects.keep(sorted(made, key=lambda one: one[0].pid))
    return found


def pages(
    found: Mapping[int, Rendered],
    readable: Any,
    reader: Reader,
    folders: Mapping[int, str],
    files: Mapping[int, Files],
) -> dict[int, SafeString]:
    """Fill every slot of these rendered texts for one reader; returns HTML by the same keys.

    found: by pid; 0 is a text that is not a note's head (a preview, an old revision).
    folders: what relative links start at, by the same keys; the top, where there is none.
    files: those that the reader may read, by the same keys and what each text calls them.

    readable: the notes this reader may see (Note.objects.visible_to). A link to a note that
    is not among them looks exactly like a link to one that does not exist; for who can
    write, both lead to where that note is started. One query for all links, one more if any
    names a heading, and what each fence's own render makes.
    """
    links = Links(found, readable, reader, folders)
    fences = _fences(found, reader)
    html: dict[int, SafeString] = {}
    for key, rendered in found.items():
        ids, end = ids_of(key), ""
        filled = {}
        for number, slot in enumerate(rendered.slots):
            if slot.kind == "wikilink":
                filled[number], end = links.html(key, slot.payload)
            elif slot.kind == "wikilink_end":
                filled[number] = end
            elif slot.kind == "permalink":
                filled[number] = permalink_html(slot.payload, ids)
            elif slot.kind == "attachment":
                filled[number] = _file_html(slot.payload, files.get(key, {}))
            else:
                filled[number] = fences[key, number]
        html[key] = rendered.fill(filled, ids)
    return html


def files_of_heads(
    notes: Iterable[NoteRow], rendered: Mapping[int, Rendered]
) -> dict[int, dict[str, Attachment]]:
    """Return the files that the heads of these notes show, by pid and key. One query, or none."""
    heads = {note.head_id or 0: note.pid for note in notes}
    keys = {head: rendered[pid].attachment_keys() for head, pid in heads.items()}
    found = RevisionFile.objects.named_in(keys)
    return {heads[head]: files for head, files in found.items()}


def _file_html(payload: dict[str, Any], files: Files) -> SafeString:
    file, link = files.get(payload["key"]), files.get(payload.get("link", ""))
    link_url = link.get_absolute_url() if link and link.removed is None else ""
    return attachment_html(payload, file.as_file() if file else None, link_url)


def _fences(found: Mapping[int, Rendered], reader: Reader) -> dict[tuple[int, int], str]:
    """Let each fence render all its slots of the page at once."""
    by_kind: dict[str, list[tuple[tuple[int, int], Slot]]] = {}
    for key, rendered in found.items():
        for number, slot in enumerate(rendered.slots):
            if slot.kind not in OWN_SLOTS:
                by_kind.setdefault(slot.kind, []).append(((key, number), slot))
    html: dict[tuple[int, int], str] = {}
    for kind, slots in by_kind.items():
        made = extensions.fences[kind].render(
            {i: slot for i, (_, slot) in enumerate(slots)}, reader
        )
        html |= {place: made[i] for i, (place, _) in enumerate(slots)}
    return html
