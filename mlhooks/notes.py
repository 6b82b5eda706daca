"""THE DOOR: the only module of the workshop that enters the house."""

from typing import Any

from wiki import integrity
from wiki.markup import bounded


def verify_integrity() -> dict[str, Any]:
    """Check every note, revision and tag; return the house's report, JSON-able."""
    try:
        return integrity.verify().as_json()
    finally:
        # A worker renders nothing else, so its children would only wait for tomorrow.
        bounded.stop()
