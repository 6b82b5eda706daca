"""The accounts an import names."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User


class People:
    """Looks accounts up by username, each once; importer is who owns what names nobody."""

    def __init__(self, importer: User) -> None:
        self.importer = importer
        self._known: dict[str, Any] = {"": None, importer.get_username(): importer}

    def named(self, username: str) -> Any:
        """Return the account of this name, or None."""
        if username not in self._known:
            found = get_user_model().objects.filter(username=username).first()
            self._known[username] = found
        return self._known[username]

    def unknown(self, usernames: set[str]) -> list[str]:
        """Return which of these names have no account here."""
        return sorted(name for name in usernames if name and self.named(name) is None)
