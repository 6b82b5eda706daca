"""What the values of a front matter mean for a note; what means nothing to it is kept."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from wiki.importers.item import Code, Notice
from wiki.importers.vault import tags
from wiki.importers.vault.dates import moment
from wiki.importers.vault.titles import MAX_LENGTH, line
from wiki.models.visibility import NoteType, Visibility

# Best first; spaces and hyphens in a key are as good as _, and case does not count.
CREATED = ("created", "date", "created_at", "date_created", "creation_date")
MODIFIED = (
    "modified",
    "updated",
    "lastmod",
    "last_modified_at",
    "last_modified",
    "updated_at",
    "date_modified",
    "date_updated",
)
# Of these, words without a comma are several tags.
TAGS_AT_SPACES = ("tags", "categories")
TAGS = (*TAGS_AT_SPACES, "tag", "keywords", "category")
ALIASES = ("aliases", "alias")
REFS = ("ref", "cite", "citekey")
MAX_REF_LENGTH = 200
# What says that a note is not to be published, and by which value.
HIDING = {"draft": True, "private": True, "publish": False, "published": False, "public": False}
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Fields:
    """What a front matter says; rest is what a note has no place for, by key as typed.

    visibility is None where it says nothing of it. aliases are further names of the note.
    is_exact: title, tags and text are to be taken as they stand there; an export says so.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._keys = {_name(key): key for key in reversed(list(values))}
        self._used: set[str] = set()
        self.notices: list[Notice] = []
        self.title = self._line(["title"], MAX_LENGTH)
        self.tags = [tag for name in TAGS for tag in self._tags(name)]
        self.aliases = [alias for name in ALIASES for alias in self._aliases(name)]
        self.created = self._moment(CREATED)
        self.modified = self._moment(MODIFIED)
        self.ref = self._line(REFS, MAX_REF_LENGTH)
        self.type = self._one_of("type", NoteType.values)
        self.visibility = self._hidden() or self._one_of("visibility", Visibility.values) or None
        self.is_exact = self._one_of("exact", ("true",)) == "true"
        self.rest = {key: value for key, value in values.items() if _name(key) not in self._used}

    def _said(self, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Yield which of these are there, with a value."""
        for name in names:
            if name in self._keys and self._values[self._keys[name]] not in (None, "", []):
                yield name, self._values[self._keys[name]]

    def _line(self, names: Iterable[str], longest: int) -> str:
        for name, value in self._said(names):
            if found := _line(value, longest):
                self._used.add(name)
                return found
        return ""

    def _tags(self, name: str) -> list[str]:
        self._used.add(name)
        found = dict(self._said([name])).get(name)
        return tags.said(found, at_spaces=name in TAGS_AT_SPACES)

    def _aliases(self, name: str) -> list[str]:
        self._used.add(name)
        found = dict(self._said([name])).get(name, [])
        names = found if isinstance(found, list) else str(found).split(",")
        lines = [_line(one, MAX_LENGTH).removeprefix("[[").removesuffix("]]") for one in names]
        return [alias for alias in lines if alias]

    def _moment(self, names: Iterable[str]) -> datetime | None:
        for name, value in self._said(names):
            found = moment(value)
            if found is not None and found <= timezone.now():
                self._used.add(name)
                return found
            why = "names no day" if found is None else "lies ahead"
            message = f"{self._keys[name]}: {str(value)[:60]!r} {why}, so it was not used."
            self.notices.append(Notice(Code.DATE_UNCLEAR, message))
        return None

    def _one_of(self, name: str, known: Collection[str]) -> str:
        found = str(dict(self._said([name])).get(name, "")).lower()
        if found not in known:
            return ""
        self._used.add(name)
        return found

    def _hidden(self) -> str:
        """Tell whether something says that the note is not to be published; that stays."""
        is_hidden = any(
            str(value).lower() in (TRUE if HIDING[name] else FALSE)
            for name, value in self._said(HIDING)
        )
        return Visibility.PRIVATE if is_hidden else ""


def _name(key: str) -> str:
    return key.strip().lower().replace(" ", "_").replace("-", "_")


def _line(value: object, longest: int) -> str:
    """Return a value as one line; "" for what is no text, or is too long for one."""
    if isinstance(value, list | dict | bool) or value is None:
        return ""
    found = line(str(value))
    return found if len(found) <= longest else ""
