"""Closed lists: who may read a note, and what kind of entry it is."""

from django.db import models


class Visibility(models.TextChoices):
    """Public: anyone. Private: the owner and superusers; to all others it does not exist."""

    PUBLIC = "public"
    PRIVATE = "private"


class NoteType(models.TextChoices):
    """What a note is about: a paper, anything, or a model to run."""

    NOTE = "note"
    PAPER = "paper"
    DEMO = "demo"
