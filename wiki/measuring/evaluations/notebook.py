"""A set of documents as the notes of a notebook, searched by somebody without an account."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.management import call_command

from wiki.fields import Fields
from wiki.measuring.benchmarks.population import settle, write_many
from wiki.measuring.evaluations.retrieval import RetrievalSet, sets_in
from wiki.models import Note
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.visibility import NoteType, Visibility


class NothingToEvaluate(Exception):
    """What was asked for cannot be evaluated; the text says what is expected."""


@dataclass(frozen=True)
class Notebook:
    """A set as notes: which document each note is."""

    retrieval_set: RetrievalSet
    documents: dict[int, str]


def read_sets(folder: Path | None) -> list[RetrievalSet]:
    """Return the set this folder is, or the sets in it; at least one. Raises NothingToEvaluate."""
    if folder is None:
        raise NothingToEvaluate("Name the folder with the documents and queries: --corpus DIR.")
    try:
        sets = sets_in(folder)
    except (OSError, ValueError, KeyError) as error:
        raise NothingToEvaluate(f"{folder} cannot be read as a set: {error}") from error
    if not sets:
        raise NothingToEvaluate(
            f"There is no set in {folder}: a set is a folder with docs.jsonl(.gz), "
            "queries.jsonl and qrels.tsv."
        )
    return sets


def read_set(folder: Path | None) -> RetrievalSet:
    """Return the one set this folder is. Raises NothingToEvaluate."""
    first, *others = read_sets(folder)
    if others:
        raise NothingToEvaluate(f"There are {len(others) + 1} sets in {folder}: name one of them.")
    return first


def write(one: RetrievalSet) -> Notebook:
    """Make the documents of a set the notes, all public, of an empty notebook."""
    call_command("flush", interactive=False, verbosity=0)
    # What was counted in the set before.
    cache.clear()
    owner = get_user_model().objects.create_superuser("owner")
    names: list[str] = []

    def fields() -> Any:
        for name, title, text in one.documents():
            names.append(name)
            yield Fields(title, text, "", NoteType.NOTE, (), Visibility.PUBLIC)

    pids = write_many(fields(), owner)
    settle()
    return Notebook(one, dict(zip(pids, names, strict=True)))


def readable() -> NoteQuerySet:
    """Return what somebody without an account may read."""
    return Note.objects.visible_to(AnonymousUser())
