"""States of a file as revisions."""

from dataclasses import replace

from wiki.importers.item import Item, State
from wiki.importers.people import People
from wiki.merge import Fields
from wiki.models import Note, Revision, Tag
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


def sealed(item: Item, note: Note, people: People, visibility: str) -> list[Revision]:
    """Return all states as unsaved revisions of this note, each with author and sha256.

    An archive's revisions stay letter by letter; others get their tags as first typed.
    """
    states = item.states if item.record else (*item.states[:-1], _with_own_tags(item.head))
    revisions = []
    for state in states:
        revision = revision_of(state, note.pid, visibility)
        if state.author is None:
            revision.author = people.importer
            revision.author_name = people.importer.get_username()
        else:
            revision.author = people.named(state.author)
        revision.sha256 = revision.digest()
        revisions.append(revision)
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


def _with_own_tags(state: State) -> State:
    return replace(state, tags=tuple(tag.name for tag in Tag.objects.resolve(state.tags)))
