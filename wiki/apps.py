"""The Django app configuration of the wiki app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WikiConfig(AppConfig):
    name = "wiki"
    verbose_name = "Notes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the wiki app's own benchmarks and evaluations."""
        from wiki import extensions

        extensions.benchmarks |= {
            "markup": "wiki.measuring.benchmarks.markup.SUBJECT",
            "pages": "wiki.measuring.benchmarks.pages.SUBJECT",
            "saves": "wiki.measuring.benchmarks.saves.SUBJECT",
            "search": "wiki.measuring.benchmarks.searches.SUBJECT",
        }
        extensions.evaluations["search"] = "wiki.measuring.evaluations.search.SUBJECT"
        post_migrate.connect(index_notes, sender=self)
        post_migrate.connect(remember_derived_tables, sender=self)


def index_notes(using: str, **rest: Any) -> None:
    """After every `migrate`: index the notes that the full-text index lacks."""
    from wiki.models import index_rebuild

    if index_rebuild.can_run(using):
        index_rebuild.bring_up_to_date()


def remember_derived_tables(**rest: Any) -> None:
    """After every `migrate`: note what backups may leave out, should the ML app be switched off."""
    from wiki.backup import kept_tables

    kept_tables.remember()
