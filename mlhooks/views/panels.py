"""What stands in the margin of a note's page."""

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from mlhooks.embeddings import related
from mlhooks.models import EncoderIndex


def related_notes(note: Any, request: HttpRequest) -> str | None:
    """Show the notes that are closest by meaning, and why; nothing if none is close."""
    index = EncoderIndex.objects.remembered_active()
    found = [] if index is None else related.related(index, note, request.user)
    if index is None or not found:
        return None
    context = {"related": found, "usual": related.usual(index)}
    return render_to_string("mlhooks/_related.html", context)
