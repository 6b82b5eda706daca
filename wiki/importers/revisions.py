"""States of a file as revisions."""

from wiki.fields import Fields
from wiki.importers.item import Item, State
from wiki.importers.owners import People
from wiki.models import Note, Revision
from wiki.models.visibility import Visibility


def revision_of(state: State, pid: int | None, visibility: str = Visibility.PRIVATE) -> Revision:
    """Return the state as an unsaved, unsealed revision of note pid, by nobody's account."""
    revision = Revision(
        number=state.number,
        title=state.title,
        body=state.body,
        ref=state.ref,
        type=state.type,
        tags=list(state.tags),
        visibility=state.visibility or visibility,
        author_name=state.author_name,
        created=state.created,
        summary=state.summary,
        source=state.source,
        base=state.base,
    )
    if pid is not None:
        revision.note_id = pid
    return revision


def revisions_of(item: Item, people: People, visibility: str) -> list[Revision]:
    """Return all states as unsaved, unsealed revisions, each with its author."""
    revisions = []
    for state in item.states:
        revision = revision_of(state, None, visibility)
        if state.author is None:
            revision.author = people.importer
            revision.author_name = people.importer.get_username()
        else:
            revision.author = people.named(state.author)
        revisions.append(revision)
    return revisions


def sealed(item: Item, note: Note, people: People, visibility: str) -> list[Revision]:
    """Return all states of an archived note as unsaved revisions, each with its sha256."""
    revisions = revisions_of(item, people, visibility)
    for revision in revisions:
        revision.note = note
        revision.sha256 = revision.digest()
    return revisions


def fields_of(state: State, visibility: str) -> Fields:
    """Return what a person could edit of the state."""
    return Fields(
        title=state.title,
        body=state.body or "",
        ref=state.ref,
        type=state.type,
        tags=state.tags,
        visibility=state.visibility or visibility,
    )
