"""The house's rows. Rules live here, as methods and querysets; views only glue."""

from wiki.models.conflict import EditConflict
from wiki.models.link import Link
from wiki.models.note import Note
from wiki.models.note_html import NoteHtml
from wiki.models.revision import Revision
from wiki.models.tag import NoteTag, Tag
from wiki.models.tag_change import TagChange

__all__ = ["EditConflict", "Link", "Note", "NoteHtml", "NoteTag", "Revision", "Tag", "TagChange"]
