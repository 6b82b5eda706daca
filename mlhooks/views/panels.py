"""What stands in the margin of a note's page, and in the top line."""

from django.template.loader import render_to_string

from mlhooks.gateway import Note
from mlhooks.indexes import freshness, related
from mlhooks.models import EncoderIndex
from wiki.reader import Reader


def coverage(reader: Reader) -> str | None:
    """Tell staff in the top line of how many notes the index is current; nothing without notes."""
    if not getattr(reader, "is_staff", False):
        return None
    found = freshness.coverage()
    return render_to_string("mlhooks/_coverage.html", {"coverage": found}) if found.total else None


def note_status(note: Note, reader: Reader) -> str | None:
    """Tell those who may edit a note how current the index is about it."""
    if not note.may_be_edited_by(reader):
        return None
    context = {"status": freshness.of_note(note), "note": note}
    return render_to_string("mlhooks/_note_status.html", context)


def related_notes(note: Note, reader: Reader) -> str | None:
    """Show the notes that are closest by meaning, and why; nothing if none is close."""
    index = EncoderIndex.objects.remembered_active()
    found = [] if index is None else related.related(index, note, reader)
    if index is None or not found:
        return None
    context = {"related": found, "usual": related.usual(index)}
    return render_to_string("mlhooks/_related.html", context)
