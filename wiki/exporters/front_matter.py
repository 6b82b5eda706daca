"""A note as one Markdown file: what it is in YAML, then its text as it was typed.

`exact: true` says that title, tags and text are to be taken as they stand here: the first
heading is a part of the text, and `#words` in it are no tags.
"""

import re
from typing import Any

import yaml

from wiki.models import Note
from wiki.models.tag import tag_key
from wiki.models.visibility import NoteType, Visibility

# What an import reads as "not to be published", and by which value.
HIDING = {"draft": "true", "private": "true", "publish": "false", "published": "false"}
HIDING |= {"public": "false"}
HEADING = re.compile(r"\s*(?:#[ \t]|[^\n]+\n {0,3}=+[ \t]*(?:\n|\Z))")
HASHTAG = re.compile(r"#([^\s#,;.!?()\[\]{}'\"`]+)")


def text_of(note: Note) -> str:
    """Return the file of a note; loaded with cards(), aliases and imported_title."""
    heading, body = _heading(note), note.head_revision.body or ""
    said = _said_by(note)
    if _is_misread(note, heading, body):
        said["exact"] = True
        heading = ""  # which would be taken for a part of the text
    front = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=10_000)
    text = f"---\n{front}---\n{heading}{body}"
    if note.extra.get("line_end") == "\r\n" and "\r" not in text:
        return text.replace("\n", "\r\n")
    return text


def _said_by(note: Note) -> dict[str, Any]:
    """Return the front matter: ours first, always in this order, then what came with the note."""
    kept = dict(note.extra.get("front_matter", {}))
    implied = NoteType.PAPER if note.ref else NoteType.NOTE
    aliases = note.extra.get("aliases") or [alias.key for alias in note.aliases.all()]
    ours = {
        "title": note.title,
        "tags": [tag.name for tag in note.shown_tags()],
        "ref": note.ref,
        # What a file calls its type may be something else.
        "type": None if "type" in kept and note.type == implied else str(note.type),
        "visibility": str(note.visibility),
        "created": note.created,
        "modified": note.modified,
        "pid": note.pid,
        "aliases": aliases,
    }
    said = {name: value for name, value in ours.items() if value not in (None, "", [])}
    names = {_name(key) for key in said} | {"exact"}
    is_public = note.visibility == Visibility.PUBLIC
    return said | {
        key: value
        for key, value in kept.items()
        if _name(key) not in names and not (is_public and _hides(key, value))
    }


def _heading(note: Note) -> str:
    """Return the heading that gave the note its title, if it still has that one."""
    heading = str(note.extra.get("heading", ""))
    is_same = getattr(note, "imported_title", None) == note.title
    # Blank lines behind a heading would be taken for a part of it.
    return heading if is_same and not (note.head_revision.body or "").startswith("\n") else ""


def _is_misread(note: Note, heading: str, body: str) -> bool:
    """Tell whether an import would find another title, text or tags than the note has."""
    if not heading and HEADING.match(body):
        return True
    tags = {tag_key(tag.name) for tag in note.shown_tags()}
    return any(tag_key(word) not in tags for word in HASHTAG.findall(body))


def _hides(key: str, value: object) -> bool:
    return str(value).lower() == HIDING.get(_name(key))


def _name(key: str) -> str:
    return key.strip().lower().replace(" ", "_").replace("-", "_")
