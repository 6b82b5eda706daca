"""The Django app of the house."""

from django.apps import AppConfig


class WikiConfig(AppConfig):
    name = "wiki"
    verbose_name = "Notes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the house's own benchmarks beside those that others plug in."""
        # Models can be imported only now.
        from wiki import extensions
        from wiki.benchmarks import markup, pages, saves

        extensions.benchmarks["markup"] = markup.run
        extensions.benchmarks["pages"] = pages.run
        extensions.benchmarks["saves"] = saves.run
