"""Blocks of text that many notes repeat: each note says them, so none is found by them."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction

from mlhooks.gateway import Head
from mlhooks.indexes.requests import request
from mlhooks.models import NoteBlocks
from mlhooks.models.passage import BOILERPLATE_FROM
from mlhooks.passages import split

# An advisory lock that says "commonplace blocks" to nobody else.
LOCK = 0x636F6D626C6B


@transaction.atomic
def repeated_in(heads: Sequence[Head]) -> dict[int, set[int]]:
    """Note which blocks these notes have; return for each those that many notes repeat."""
    blocks = {head.pid: set(split.block_keys(head.body)) for head in heads}
    repeated = note_blocks(blocks)
    return {pid: found & repeated for pid, found in blocks.items()}


def note_blocks(blocks: dict[int, set[int]]) -> set[int]:
    """Note the blocks of some notes, of none that are gone; return those that many notes have.

    Where that makes a block boilerplate, or makes it none, the others that have it are cut
    again. In a transaction, and one after another: two workers that each add a block once would
    both not see that it is there often enough.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    kept = NoteBlocks.objects.filter(note__in=blocks)
    before = {pid: set(keys) for pid, keys in kept.values_list("note", "keys")}
    kept.filter(note__in=[pid for pid, found in blocks.items() if not found]).delete()
    NoteBlocks.objects.bulk_create(
        [NoteBlocks(note=pid, keys=sorted(found)) for pid, found in blocks.items() if found],
        update_conflicts=True,
        unique_fields=["note"],
        update_fields=["keys"],
    )
    grown: Counter[int] = Counter()
    for pid, found in blocks.items():
        grown.update(found - before.get(pid, set()))
        grown.subtract(before.get(pid, set()) - found)
    asked = set().union(*blocks.values(), grown)
    having = NoteBlocks.objects.having(asked, BOILERPLATE_FROM + len(blocks))
    repeated = {key for key, pids in having.items() if len(pids) >= BOILERPLATE_FROM}
    again: set[int] = set()
    for key, pids in having.items():
        if (len(pids) - grown[key] >= BOILERPLATE_FROM) != (key in repeated):
            again.update(pids)
    request(again.difference(blocks))
    return repeated
