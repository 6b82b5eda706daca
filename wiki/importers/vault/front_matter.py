"""What stands before a note's text: YAML between `---`, TOML between `+++`, or JSON.

What cannot be read stays in the text, where its writer finds it; what its lines say of
title, tags and dates is used all the same.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from wiki.importers.item import Code, Notice
from wiki.importers.vault.plain_data import TooMuch, plain
from wiki.importers.vault.strict_yaml import load

MAX_CHARACTERS = 64 * 1024
CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
LINE = re.compile(r"(?P<key>[A-Za-z][\w -]{0,60}?)[ \t]*:(?:[ \t]+(?P<value>.*))?")
ENTRY = re.compile(r"[ \t]*-[ \t]+(?P<value>.+)")
# What reading raises for what is no YAML, TOML or JSON, or more of it than anybody wrote.
UNREADABLE = (yaml.YAMLError, ValueError, RecursionError, TooMuch)


@dataclass(frozen=True)
class FrontMatter:
    """Its values by key, the text that follows, and what to tell.

    stays: the values are read from lines that also stay in the text.
    """

    values: Mapping[str, Any]
    text: str
    notice: Notice | None = None
    stays: bool = False


def read(text: str) -> FrontMatter:
    """Divide a file's text; never fails."""
    if text.startswith("{\n"):
        return _json(text)
    first, _, rest = text.partition("\n")
    closing = CLOSING.get(first.rstrip())
    end = closing.search(rest, 0, MAX_CHARACTERS) if closing else None
    if end is None:
        return FrontMatter(_properties(text), text, stays=True)
    block, after = rest[: end.start()], rest[end.end() :].removeprefix("\n")
    return _read(text, block, after, load if first.startswith("-") else tomllib.loads)


def _read(text: str, block: str, after: str, loads: Callable[[str], Any]) -> FrontMatter:
    try:
        values = plain(loads(block))
    except UNREADABLE as error:
        lines = _lines(block)
        if not lines:
            return FrontMatter({}, text)  # a rule, some words, and another rule
        message = f"The front matter cannot be read and stays in the text: {_reason(error)}."
        return FrontMatter(lines, text, Notice(Code.FRONT_MATTER, message), stays=True)
    if values is None and not block.strip():
        values = {}
    return FrontMatter(values, after) if isinstance(values, dict) else FrontMatter({}, text)


def _json(text: str) -> FrontMatter:
    try:
        values, end = json.JSONDecoder().raw_decode(text[:MAX_CHARACTERS])
        values = plain(values)
    except UNREADABLE:
        return FrontMatter({}, text)
    if not isinstance(values, dict) or text[end : end + 1] not in ("", "\n"):
        return FrontMatter({}, text)
    return FrontMatter(values, text[end + 1 :])


def _properties(text: str) -> dict[str, str]:
    """Read the `key:: value` lines with which Logseq's pages begin; they stay in the text."""
    found: dict[str, str] = {}
    for line in text[:MAX_CHARACTERS].splitlines():
        key, colons, value = line.removeprefix("- ").partition(":: ")
        if not colons or not re.fullmatch(r"[A-Za-z][\w-]{0,60}", key):
            break
        found.setdefault(key, value.strip())
    return found


def _lines(block: str) -> dict[str, Any]:
    """Read as much as single lines tell, of a block that as a whole is not to be read."""
    found: dict[str, Any] = {}
    entries: list[str] = []
    for line in block.splitlines():
        if match := LINE.fullmatch(line):
            value = (match["value"] or "").strip()
            entries = []
            found.setdefault(match["key"], _unquoted(value) if value else entries)
        elif match := ENTRY.fullmatch(line):
            entries.append(_unquoted(match["value"].strip()))
    return found


def _unquoted(value: str) -> str:
    for quote in ("'", '"', "[]"):
        if len(value) > 1 and value[0] == quote[0] and value[-1] == quote[-1]:
            return value[1:-1]
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 2}, {error.problem or 'no YAML'}"
    said = str(error).strip().splitlines()
    return said[0].rstrip(".")[:200] if said else type(error).__name__
