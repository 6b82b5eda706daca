"""The Django app configuration of the ML app."""

from django.apps import AppConfig


class MlhooksConfig(AppConfig):
    name = "mlhooks"
    verbose_name = "Jobs and models"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the ML app with the wiki app."""
        from mlhooks import extensions

        extensions.connect()
