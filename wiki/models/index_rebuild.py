"""Making the full-text index again: after an upgrade, a restore, another language.

The table of words says in its comment how its rows were made.
"""

import logging

from django.conf import settings
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from wiki.analysis.terms import ANALYSIS_VERSION, analyse
from wiki.markup.comments import may_hide
from wiki.models import revision_append, search_index
from wiki.models.note import Note
from wiki.models.posting import NoteWords
from wiki.rendering import sandbox

logger = logging.getLogger(__name__)

NOTES_AT_A_TIME = 100


def bring_up_to_date() -> int:
    """Index the notes that are not, or all of them if they were analysed in another way.

    Returns how many notes that were. Each hundred is a transaction that holds their rows:
    people may search and save meanwhile, and what is interrupted goes on the next time.
    """
    alive = Note._base_manager.filter(deleted=None, head__isnull=False)
    if is_of_another_analysis():
        logger.info("The full-text index is made again.")
        NoteWords.objects.all().delete()
        _remember(analysis_name())
    count = 0
    while pids := list(
        alive.filter(words=None).order_by("pid").values_list("pid", flat=True)[:NOTES_AT_A_TIME]
    ):
        with transaction.atomic():
            notes = Note._base_manager.filter(pid__in=pids).select_for_update(of=("self",))
            for note in notes.select_related("head").order_by("pid"):
                if note.deleted is None and note.head is not None:
                    search_index.index(note, analyse(note.title, note.head.body or ""))
                    _forget_hidden_links(note)
        count += len(pids)
    return count


def _forget_hidden_links(note: Note) -> None:
    """Make the links of a note anew where older versions may have read some in its comments."""
    if may_hide(note.head_revision.body or ""):
        rendered = sandbox.render(note.head_revision.body or "")
        if not rendered.is_typed:
            revision_append.set_links(note, rendered.link_keys(note.folder))


def can_run(using: str) -> bool:
    """Tell whether the database has the schema of this version: no migration is pending."""
    executor = MigrationExecutor(connections[using])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def analysis_name() -> str:
    """Name the way texts are analysed by this version with these settings."""
    return f"{settings.WIKI_LANGUAGE} {ANALYSIS_VERSION}"


def is_of_another_analysis() -> bool:
    """Tell whether the index was made in another way than texts are analysed now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description('wiki_notewords'::regclass)")
        return bool(cursor.fetchone()[0] != analysis_name())


def _remember(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE wiki_notewords IS %s", [name])
