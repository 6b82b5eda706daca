"""THE DOOR: the only module of the workshop that enters the house."""

from typing import Any

from wiki import integrity


def verify_integrity() -> dict[str, Any]:
    """Check every note, revision and tag; return the house's report, JSON-able."""
    return integrity.verify().as_json()
