"""The Django app of the workshop."""

from django.apps import AppConfig


class MlhooksConfig(AppConfig):
    name = "mlhooks"
    verbose_name = "Jobs and models"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Plug the workshop into the house."""
        from mlhooks import extensions

        extensions.connect()
