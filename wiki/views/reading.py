"""Notes made ready for a page: text filled in for the reader, tags, panels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from wiki import extensions
from wiki.markup import Heading, Rendered
from wiki.models import Note, Tag
from wiki.models.note_html import ids_of, pages, rendered_heads


@dataclass(frozen=True)
class Card:
    """A note as one reader sees it on a page."""

    note: Note
    html: str
    notice: str
    outline: Sequence[Heading]
    tags: Sequence[Tag]
    may_edit: bool
    is_hidden: bool = False
    panels: Sequence[str] = field(default_factory=tuple)


def cards(
    request: HttpRequest,
    notes: Iterable[Note],
    *,
    with_panels: bool = False,
) -> list[Card]:
    """Return a card per note: two queries for all texts and all links of the page.

    notes: loaded with cards(). with_panels asks the sockets too. Notes the address names
    after `hide` are folded.
    """
    notes = list(notes)
    hidden = request.GET.get("hide", "").split(",")
    rendered = rendered_heads(notes)
    html = fill(request, rendered)
    return [
        Card(
            note=note,
            html=html[note.pid],
            notice=rendered[note.pid].notice,
            outline=rendered[note.pid].headings(ids_of(note.pid)),
            tags=note.shown_tags(),
            may_edit=note.may_be_edited_by(request.user),
            is_hidden=str(note.pid) in hidden,
            panels=_panels(note, request.user) if with_panels else (),
        )
        for note in notes
    ]


def fill(request: HttpRequest, rendered: dict[int, Rendered]) -> Any:
    """Resolve every slot of these texts for whoever asks."""
    return pages(rendered, Note.objects.visible_to(request.user), request.user)


def _panels(note: Note, reader: Any) -> list[str]:
    made = (panel(note, reader) for panel in extensions.panels)
    return [html for html in made if html is not None]
