"""Settings from the environment, checked when read.

A value that cannot be used stops the program with a sentence that names the variable,
what it holds and what it may hold.
"""

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def env_str(name: str, default: str = "") -> str:
    """Read a text setting; an unset and an empty variable are the same."""
    return os.environ.get(name, "").strip() or default


def env_int(name: str, default: int, *, low: int, high: int) -> int:
    """Read a whole number between low and high, both included."""
    text = env_str(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(
            f"{name} is {text!r}: set it to a whole number from {low} to {high}, or unset it."
        )
    return int(text)


def env_bool(name: str, default: bool) -> bool:
    """Read 1 or 0."""
    return env_choice(name, "1" if default else "0", ("0", "1")) == "1"


def env_choice(name: str, default: str, choices: Sequence[str]) -> str:
    """Read one word out of a closed list."""
    text = env_str(name, default)
    if text not in choices:
        raise ImproperlyConfigured(
            f"{name} is {text!r}: set it to one of {', '.join(choices)}, or unset it."
        )
    return text


def env_origin(name: str) -> str:
    """Read an origin such as https://notes.example.org; empty when unset."""
    text = env_str(name).rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.path
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            f"{name} is {text!r}: set it to the address readers type, "
            "such as https://notes.example.org, without a path."
        )
    return text
