"""Models of the wiki app. Rules live here, as methods and querysets; views only glue."""

from wiki.models.alias import Alias
from wiki.models.attachment import Attachment
from wiki.models.conflict import EditConflict, SubmissionUsed, UndecidedPlaces
from wiki.models.link import Link
from wiki.models.note import Note
from wiki.models.note_html import NoteHtml
from wiki.models.posting import NoteWords, Posting
from wiki.models.revision import Revision
from wiki.models.revision_file import RevisionFile
from wiki.models.tag import NoteTag, Tag
from wiki.models.tag_alias import TagAlias
from wiki.models.tag_change import TagChange
from wiki.models.tag_difference import TagDifference
from wiki.models.visibility_change import VisibilityChange

__all__ = [
    "Alias",
    "Attachment",
    "EditConflict",
    "Link",
    "Note",
    "NoteHtml",
    "NoteTag",
    "NoteWords",
    "Posting",
    "Revision",
    "RevisionFile",
    "SubmissionUsed",
    "Tag",
    "TagAlias",
    "TagChange",
    "TagDifference",
    "UndecidedPlaces",
    "VisibilityChange",
]
