"""What rendering gives."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from wiki.extensions import Slot
from wiki.markup import attachment, wikilink

# Stands before every id in the segments until the page is known, on which several texts may
# have the same headings. Unicode keeps this sign for such uses; a text that has it loses it.
ID_MARK = "\ufdd0"
ID_PREFIX = "n-"

_FORMULA_LETTERS = re.compile("[\U0001d400-\U0001d7ff]")


@dataclass(frozen=True)
class Heading:
    """A heading of the text: level 1 to 6, its words, and its id without the page's prefix."""

    level: int
    text: str
    id: str


@dataclass(frozen=True)
class Rendered:
    """HTML in segments, with a slot between each two: len(segments) == len(slots) + 1.

    notice is a sentence for the reader when the text, or some of its formulas, could not be
    set; is_typed when all of it is shown as it was typed, and nobody knows its links.
    """

    segments: tuple[str, ...]
    slots: tuple[Slot, ...] = ()
    outline: tuple[Heading, ...] = ()
    notice: str = ""
    is_typed: bool = False

    def __str__(self) -> str:
        """Return the HTML with each slot unresolved: as it was typed."""
        return self.fill({number: _as_typed(slot) for number, slot in enumerate(self.slots)})

    def fill(self, html: Mapping[int, str], ids: str = ID_PREFIX) -> SafeString:
        """Put HTML into every slot, by number; `ids` begins each id of the text."""
        parts = [self.segments[0]]
        for number, segment in enumerate(self.segments[1:]):
            parts += [html[number], segment]
        # Segments left the sanitiser; slots are made by format_html or a fence's template.
        return mark_safe("".join(parts).replace(ID_MARK, ids))

    def headings(self, ids: str = ID_PREFIX) -> tuple[Heading, ...]:
        """Return the outline with ids as fill() writes them."""
        return tuple(replace(heading, id=ids + heading.id) for heading in self.outline)

    def narrowed(self) -> "Rendered":
        """Return the same with the letters of formulas beyond U+FFFF written as references.

        One such letter makes Python keep a whole page in four bytes per character, and every
        level of its templates copies it: for 149 letters in a list of 20 notes of 30 kB the
        page took 68 ms of processor time instead of 39.
        """
        return replace(self, segments=tuple(map(_narrow, self.segments)))

    def links(self, folder: str = "") -> dict[str, str]:
        """Return the titles of the notes this one links to, as first typed, by their keys.

        folder: that of the file the text came from, which relative links start at.
        """
        titles: dict[str, str] = {}
        for slot in self.slots:
            if slot.kind == "wikilink":
                titles.setdefault(wikilink.key_of(slot.payload, folder), slot.payload["title"])
        titles.pop("", None)
        return titles

    def link_keys(self, folder: str = "") -> set[str]:
        """Return the keys of all links to notes; as links()."""
        return set(self.links(folder))

    def attachment_keys(self) -> set[str]:
        """Return what the text calls the files it shows or links to."""
        payloads = [slot.payload for slot in self.slots if slot.kind == "attachment"]
        return {
            payload[name] for payload in payloads for name in ("key", "link") if name in payload
        }

    def as_json(self) -> dict[str, Any]:
        """Return plain data; from_json gives an equal object back."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Rendered":
        """Read what as_json wrote."""
        return cls(
            segments=tuple(said["segments"]),
            slots=tuple(Slot(**slot) for slot in said["slots"]),
            outline=tuple(Heading(**heading) for heading in said["outline"]),
            notice=said["notice"],
            is_typed=said["is_typed"],
        )


def _as_typed(slot: Slot) -> str:
    if slot.kind == "wikilink":
        return wikilink.as_typed(slot.payload)
    if slot.kind == "attachment":
        return attachment.as_plain(slot.payload)
    return "</a>" if slot.kind == "wikilink_end" else escape(slot.payload["text"])


def _narrow(html: str) -> str:
    return _FORMULA_LETTERS.sub(lambda letter: f"&#{ord(letter[0])};", html)


def as_typed(body: str, notice: str) -> Rendered:
    """Show a text, without what its writer hid, as it is; the notice says why."""
    segments = (f'<pre class="as-typed">{escape(body)}</pre>\n',)
    return Rendered(segments, notice=notice, is_typed=True)
