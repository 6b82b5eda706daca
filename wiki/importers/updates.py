"""What a file says about a note that is here already.

Two rules. A text that lives elsewhere is merged like any edit, based on what the last import
brought. An archived history is only ever continued.
"""

from typing import Any

from wiki import signals
from wiki.analysis.terms import analyse
from wiki.importers.item import Code, Item, Notice, Record
from wiki.importers.outcome import Outcome, Result
from wiki.importers.owners import People
from wiki.importers.revisions import fields_of, revision_of, sealed
from wiki.models import Alias, EditConflict, Note, Revision, revision_append, search_index
from wiki.models.tag import tag_key
from wiki.rendering import sandbox
from wiki.rendering.survey import Survey


def keep_out(note: Note, item: Item, survey: Survey) -> Result:
    """Write nothing: the entry is for its owner alone, and everyone may read its note.

    One whose text is here already is left out in silence, unless its files might have changed.
    """
    is_known = note.import_sha256 == item.sha256()
    has_files = item.find_file is not None and bool(survey.rendered().attachment_keys())
    if is_known and not has_files:
        return Result(Outcome.UNCHANGED, pid=note.pid)
    # Only files are known by the name of what they came in.
    or_named = ", or give what you import a name of its own" if item.fingerprint else ""
    message = (
        f"An earlier import made note {note.pid} of this, and everyone may read it; this import is "
        "for you alone, so nothing was written to the note. Make it private, or import for "
        f"everyone{or_named}."
    )
    outcome = Outcome.SKIPPED if is_known else Outcome.FAILED
    return Result(outcome, (Notice(Code.PUBLIC_HERE, message),), note.pid)


def take_over(note: Note, item: Item, people: People, *, keeps_numbers: bool) -> Result:
    """Save the entry's text as a new revision if the entry changed since the last import.

    What was edited here meanwhile is merged; where both changed the same place nothing is
    saved. The new revision is dated now: this is when the notebook learnt of it. Who may
    read the note stays as it is.
    """
    if note.import_sha256 == item.sha256():
        _remember(note, item, keeps_numbers)
        return Result(Outcome.UNCHANGED, pid=note.pid)
    before = note.revisions.newest_first()[0]
    try:
        head = _save(note, item, people)
    except EditConflict:
        message = (
            f"Note {note.pid} was edited here at the same place as in the file; nothing was "
            "saved. Bring both texts together in the note by hand."
        )
        return Result(Outcome.FAILED, (Notice(Code.CONFLICT, message),), note.pid)
    _remember(note, item, keeps_numbers)
    has_more = _take_names(note, item) | _take_extra(note, item)
    if head == before:
        outcome = Outcome.UPDATED if has_more else Outcome.UNCHANGED
        return Result(outcome, pid=note.pid)
    merged = head.source == Revision.Source.MERGE
    message = "The note had been edited here; both changes were joined."
    notices = (Notice(Code.MERGED, message),) if merged else ()
    return Result(Outcome.UPDATED, notices, note.pid, 1)


def _save(note: Note, item: Item, people: People) -> Revision:
    """Save the entry as an edit of what the last import brought. Raises EditConflict."""
    imported = note.revisions.filter(source=Revision.Source.IMPORT, body__isnull=False)
    base = imported.newest_first()[0]
    return note.save_revision(
        fields_of(item.head, base.visibility),
        base=base.number,
        author=people.importer,
        summary="changed at its source",
        source=Revision.Source.IMPORT,
    )


def _take_extra(note: Note, item: Item) -> bool:
    """Keep what the entry says for which a note has no place; tell whether that is new."""
    if note.extra == item.extra:
        return False
    Note.objects.filter(pid=note.pid).update(extra=dict(item.extra))
    return True


def _take_names(note: Note, item: Item) -> bool:
    """Keep the names the entry gives the note, and no others of their kinds; tell if any is new.

    A title it had before stays its name whatever the entry says.
    """
    said = note.aliases.exclude(kind=Alias.Kind.TITLE)
    have = dict(said.values_list("key", "kind"))
    former = set(note.aliases.filter(kind=Alias.Kind.TITLE).values_list("key", flat=True))
    wanted = {key: kind for key, kind in item.names.items() if key not in former}
    if have == wanted:
        return False
    said.delete()
    Alias.objects.bulk_create(
        Alias(note=note, key=key, kind=kind) for key, kind in sorted(wanted.items())
    )
    return True


def _remember(note: Note, item: Item, keeps_numbers: bool) -> None:
    """Keep what the entry said and, if it has a number, that as its name."""
    said: dict[str, Any] = {"import_sha256": item.sha256()}
    if item.pid is not None:
        said["import_key"] = item.keys[0]
        is_free = keeps_numbers and not Note.objects.filter(legacy_pid=item.pid).exists()
        if note.pid != item.pid and note.legacy_pid is None and is_free:
            said["legacy_pid"] = item.pid
    if any(getattr(note, name) != value for name, value in said.items()):
        Note.objects.filter(pid=note.pid).update(**said)


def starts_like(note: Note, item: Item) -> bool:
    """Tell whether the note's first revision is the archive's: then it is the same note."""
    first = note.revisions.order_by("number").first()
    return first is not None and first.sha256 == revision_of(item.states[0], note.pid).digest()


def extend(note: Note, item: Item, people: People) -> Result:
    """Append the revisions the archive has and the note lacks. Holds the note row."""
    note = Note.objects.select_for_update(of=("self",)).get(pid=note.pid)
    have = list(note.revisions.order_by("number").values_list("sha256", flat=True))
    revisions = sealed(item, note, people, note.visibility)
    archived = [revision.sha256 for revision in revisions]
    both = min(len(have), len(archived))
    if have[:both] != archived[:both]:
        message = f"Note {note.pid} went on differently here; nothing was changed."
        return Result(Outcome.FAILED, (Notice(Code.DIVERGED, message),), note.pid)
    assert item.record is not None
    if len(archived) <= both:
        is_older = len(archived) < len(have)
        notices = () if is_older else _differences(note, item.record)
        return Result(Outcome.UNCHANGED, notices, note.pid)
    *earlier, head = revisions[both:]
    Revision.objects.bulk_create(earlier)
    body = head.body or ""
    # What it shows, the archive says (wiki.importers.archived_files).
    revision_append.append(note, head, sandbox.render(body), analyse(head.title, body), files={})
    keep_record(note, item.record, people)
    return Result(Outcome.UPDATED, pid=note.pid, revisions=len(earlier) + 1)


def keep_record(note: Note, record: Record, people: People) -> None:
    """Set what an archive knows of a note besides its revisions. Holds the note row."""
    revision_append.set_tags(note, list(record.tags))
    if (record.deleted is None) == (note.deleted is None):
        return
    note.deleted, note.deleted_by = record.deleted, people.named(record.deleted_by)
    note.save(update_fields=["deleted", "deleted_by"])
    if note.deleted is not None:
        search_index.remove(note)
        signals.note_removed.send(Note, note=note)
    elif note.head is not None:
        search_index.index(note, analyse(note.title, note.head.body or ""))


def _differences(note: Note, record: Record) -> tuple[Notice, ...]:
    """Tell what is not kept by revisions and differs, of a note whose revisions are the same."""
    here = {tag_key(tag.name) for tag in note.shown_tags()}
    same_tags = here == {tag_key(name) for name in record.tags}
    if same_tags and (note.deleted is None) == (record.deleted is None):
        return ()
    message = f"Note {note.pid} has other tags here, or its place in the trash differs; ours stay."
    return (Notice(Code.DIFFERS_HERE, message),)
