"""Cards: notes as a page shows them, with their text for the reader, tags and panels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Window
from django.http import HttpRequest

from wiki import extensions
from wiki.forms import hidden_pids
from wiki.markup import Heading, Rendered, as_read
from wiki.markup.comments import Comment, comments
from wiki.models import Note, NoteTag
from wiki.models.link_targets import ids_of
from wiki.models.note_html import Files, files_of_heads, pages, rendered_heads
from wiki.reader import Reader

LONG_TEXT = 6_000  # characters; a longer text is shown in part where it is one of many
MAX_BACKLINKS = 50


@dataclass(frozen=True)
class Backlinks:
    """Notes that link to one, and how many more there are."""

    notes: Sequence[Note] = ()
    more: int = 0


@dataclass(frozen=True)
class Card:
    """A note as one reader sees it on a page; its comments, for who may edit it."""

    note: Note
    html: str
    notice: str
    outline: Sequence[Heading]
    tags: Sequence[NoteTag]
    may_edit: bool
    is_hidden: bool = False
    is_long: bool = False
    backlinks: Backlinks = Backlinks()
    panels: Sequence[str] = ()
    comments: Sequence[Comment] = ()


def cards(request: HttpRequest, notes: Iterable[Note]) -> list[Card]:
    """Return a card per note, with one query for all links of the page.

    notes: loaded with texts(). Notes the address names after `hide` are folded.
    """
    notes = list(notes)
    hidden = hidden_pids(request.GET)
    rendered = rendered_heads(notes)
    folders = {note.pid: note.folder for note in notes}
    html = fill(request, rendered, folders, files_of_heads(notes, rendered))
    return [
        Card(
            note=note,
            html=html[note.pid],
            notice=rendered[note.pid].notice,
            outline=rendered[note.pid].headings(ids_of(note.pid)),
            tags=note.shown_tags(),
            may_edit=note.may_be_edited_by(request.user),
            is_hidden=note.pid in hidden,
            is_long=len(as_read(note.head.body or "")) > LONG_TEXT if note.head else False,
        )
        for note in notes
    ]


def whole_card(request: HttpRequest, note: Note) -> Card:
    """Return a note's card with its margin: backlinks, and the panels of registered apps."""
    card = cards(request, [note])[0]
    return replace(
        card,
        comments=comments(note.head.body or "") if card.may_edit and note.head else (),
        backlinks=_backlinks(note, request.user),
        panels=_panels(note, request.user),
    )


def fill(
    request: HttpRequest,
    rendered: dict[int, Rendered],
    folders: dict[int, str],
    files: Mapping[int, Files],
) -> Any:
    """Resolve every slot of these texts for whoever asks; folders, files: as in pages()."""
    readable = Note.objects.visible_to(request.user)
    return pages(rendered, readable, request.user, folders, files)


def _backlinks(note: Note, reader: Reader) -> Backlinks:
    """Find the notes that link here among those the reader may read: three queries."""
    linking = Note.objects.visible_to(reader).linking_to(note, reader).last_changed()
    counted = linking.annotate(found=Window(Count("*"))).only("pid", "title")
    shown: list[Any] = list(counted[:MAX_BACKLINKS])
    return Backlinks(shown, shown[0].found - len(shown) if shown else 0)


def _panels(note: Note, reader: Reader) -> list[str]:
    panels = (panel(note, reader) for panel in extensions.panels)
    return [html for html in panels if html is not None]
